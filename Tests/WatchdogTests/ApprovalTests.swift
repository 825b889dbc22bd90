import ByteText
import Glibc
import Scratch
import Testing

/// Law 4: who may approve, with what proof, and what becomes of an approval.
extension EngineLiveTests {
  /// A stage on which an agent made `/srv/a` readable for everyone; the grant's id.
  private func widened(_ configuration: String = Stage.configuration) throws -> (Stage, String) {
    let stage = try Stage(configuration) { $0.file("root/srv/a", 0o600) }
    stage.addWebhook()
    try stage.start()
    try stage.agent("chmod 644 $D/a")
    return (stage, try #require(try stage.fileGrant()["id"].text))
  }

  /// A request was refused, and says so in these words.
  func refused(_ result: JSON, _ words: String) {
    #expect(result["done"].bool == false)
    #expect(result["status"].text == "refused")
    #expect(result["result"].text?.contains(words) == true, "\(result)")
  }

  @Test func anApprovalHoldsToItsEndAndThenTheGrantIsDue() throws {
    let (stage, id) = try widened()
    let result = try stage.approve(id, seconds: 3600)
    #expect(result["done"].bool == true, "\(result)")
    let approved = try stage.show(id)
    #expect(approved["state"].text == "approved")
    #expect(approved["approval"]["by"].text == "root")
    #expect(approved["approval"]["reason"].text == "on call")
    #expect(approved["approval"]["proof"].text == "none")
    #expect(try stage.events("approval.given").map { $0["grant"].text } == [id])
    stage.pass(seconds: 3590)
    #expect(try stage.show(id)["state"].text == "approved")
    #expect(stage.mode("a") == 0o644)
    stage.pass(seconds: 20)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(stage.mode("a") == 0o600)
  }

  @Test func whatComesAfterAnApprovalIsANewGrant() throws {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.file("root/srv/b", 0o600)
    }
    mkfifo("\(stage.scratch.path)/out/go", 0o600)
    try stage.start()
    try stage.agent(
      "perl -e 'chmod 0644, qq($ENV{D}/a); open F, qq($ENV{S}/out/go); <F>; "
        + "chmod 0644, qq($ENV{D}/b)' &")
    let id = try #require(try stage.fileGrant()["id"].text)
    #expect(try stage.approve(id, seconds: 3600)["done"].bool == true)
    try stage.approver.play("echo >$S/out/go")
    let later = try stage.grant("a second grant") { $0["id"].text != id }
    #expect(later["state"].text == "active")
    #expect(later["object"].text == "file:/srv/b")
    #expect(try stage.show(id)["items"].integer == 1)
    stage.pass(seconds: 901)
    try stage.becomes("ended", later["id"].text ?? "")
    #expect(stage.mode("a") == 0o644)
    #expect(stage.mode("b") == 0o600)
  }

  @Test func whoMadeTheChangeDoesNotApproveIt() throws {
    let (stage, id) = try widened()
    refused(try stage.approve(id, by: stage.human), "made this change")
    #expect(try stage.show(id)["state"].text == "active")
    #expect(try stage.approve(id)["done"].bool == true)
  }

  @Test func withoutALoginUidTheUidIsTheMaker() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    let unset = try Actors(stage.scratch, "unset", loginUID: .max)
    let other = try Actors(stage.scratch, "other", loginUID: .max)
    try stage.start()
    try unset.play("chmod 644 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    #expect(try stage.show(id)["actor"]["loginUid"].isNull)
    #expect(try stage.approve(id, by: other)["status"].text == "refused")
    #expect(try stage.approve(id, by: stage.approver)["done"].bool == true)
  }

  @Test func policyBoundsAnApproval() throws {
    let (stage, id) = try widened(
      "[Approval]\nMaxApproval=2h\n" + Stage.configuration)
    refused(try stage.approve(id, seconds: 7201), "longer than MaxApproval=2h")
    refused(try stage.approve(id, seconds: 0), "longer than nothing")
    refused(try stage.approve(id, seconds: -5), "longer than nothing")
    refused(try stage.approve(id, reason: "  "), "no reason")
    refused(try stage.approve(id, wrapped: Stage.asNobody), "no approver")
    #expect(try stage.show(id)["state"].text == "active")
    #expect(try stage.approve("g-zzzzzz")["status"].text == "not-found")
    #expect(try stage.approve(id)["done"].bool == true)
    stage.pass(seconds: 7190)
    #expect(try stage.show(id)["state"].text == "approved")
    stage.pass(seconds: 20)
    try stage.becomes("ended", id)
    refused(try stage.approve(id), "it is ended")
  }

  private static let withCode = Stage.configuration + "[Approval]\nAuthenticate=code\n"

  /// The code that left with the alert.
  func code(_ stage: Stage, _ id: String) throws -> (code: String, event: JSON) {
    stage.pass(seconds: 3)
    let event = try stage.wait("the alert") {
      try stage.outbox().first {
        $0["type"].text == "grant.detected" && $0["subject"].text == id
      }
    }
    let code = try #require(event["data"]["code"].text)
    #expect(event["data"]["approve"].text?.contains("--code \(code)") == true)
    return (code, event)
  }

  @Test func aCodeIsGoodOnceForItsGrant() throws {
    let (stage, id) = try widened(Self.withCode)
    refused(try stage.approve(id), "a code is needed")
    refused(try stage.approve(id, code: "222-222"), "no code is valid")
    let (code, _) = try code(stage, id)
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let other = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    refused(try stage.approve(other, code: code), "code")
    let wrong = code == "222-222" ? "333-333" : "222-222"
    refused(try stage.approve(id, code: wrong), "wrong code; 4 tries left")
    let typed = code.lowercased().filter { $0 != "-" }
    #expect(try stage.approve(id, seconds: 60, code: typed)["done"].bool == true)
    #expect(try stage.show(id)["approval"]["proof"].text == "code")
    refused(try stage.approve(id, code: code), "no code is valid")
    #expect(stage.text("state/ledger/00000000000000000001.jsonl")?.contains(code) == false)
  }

  @Test func aDeliveredCodeIsValidAfterARestart() throws {
    let (stage, id) = try widened(Self.withCode)
    let (code, event) = try code(stage, id)
    try stage.acknowledge(event)
    stage.stop()
    try stage.start()
    #expect(try stage.approve(id, code: code)["done"].bool == true)
    #expect(try stage.outbox().allSatisfy { $0["sequence"] != event["sequence"] })
  }

  @Test func anUndeliveredCodeIsReplacedAfterARestart() throws {
    let (stage, id) = try widened(Self.withCode)
    let (first, event) = try code(stage, id)
    stage.stop()
    try stage.start()
    let again = try #require(try stage.outbox().first { $0["sequence"] == event["sequence"] })
    let second = try #require(again["data"]["code"].text)
    #expect(second != first)
    refused(try stage.approve(id, code: first), "wrong code")
    #expect(try stage.approve(id, code: second)["done"].bool == true)
  }
}
