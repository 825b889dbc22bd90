import ByteText
import Grants
import Notify
import Testing

@Suite struct SignatureTests {
  @Test("The example of the Standard Webhooks specification")
  func example() throws {
    let secret = try WebhookSecret(
      Array("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n".utf8), name: "s")
    let signature = webhookSignature(
      keys: try secret.keys(name: "s"), id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      timestamp: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8))
    #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  @Test("All lines sign")
  func rotation() throws {
    let text = """
      # the new one
        whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw

      whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
      """
    let keys = try WebhookSecret(Array(text.utf8), name: "s").keys(name: "s")
    #expect(keys.map(\.count) == [24, 24])
    let parts = webhookSignature(keys: keys, id: "a", timestamp: 1, body: []).split(separator: " ")
    #expect(parts.count == 2 && parts.allSatisfy { $0.hasPrefix("v1,") })
  }

  @Test(
    "A secret of another form is refused, and never shown",
    arguments: ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%%%"])
  func bad(text: String) throws {
    let secret = try WebhookSecret(Array(text.utf8), name: "/etc/s")
    #expect(
      throws: SecretProblem(
        "secret /etc/s: line 1 is not 'whsec_' and Base64 of 24 to 64 bytes")
    ) { try secret.keys(name: "/etc/s") }
  }

  @Test("An empty secret is refused")
  func empty() {
    #expect(throws: SecretProblem("secret s: empty")) {
      try WebhookSecret(Array("\n # \n".utf8), name: "s")
    }
  }

  @Test("A secret that others may read is refused")
  func permissions() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/secret"
    try scratch.write("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", to: "secret", mode: 0o640)
    let problem = #expect(throws: SecretProblem.self) {
      try WebhookSecret(file: path, credentials: nil, user: scratch.user)
    }
    #expect(
      problem?.description
        == "secret \(path): others than its owner have access to it (mode 0640); use chmod 0600")
    let credential = try WebhookSecret(
      file: "secret", credentials: scratch.path, user: scratch.user)
    #expect(credential.lines.count == 1)
    try scratch.write("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", to: "secret", mode: 0o600)
    let secret = try WebhookSecret(file: path, credentials: nil, user: scratch.user)
    #expect(secret.lines.count == 1)
    #expect(throws: SecretProblem.self) {
      try WebhookSecret(file: "secret", credentials: nil, user: scratch.user)
    }
    #expect(throws: SecretProblem("secret /nowhere: open: /nowhere: No such file or directory")) {
      try WebhookSecret(file: "/nowhere", credentials: nil, user: scratch.user)
    }
  }
}
