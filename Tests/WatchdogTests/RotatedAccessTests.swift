import ByteText
import Scratch
import Testing

/// An agent that takes its access away before the deadline and gives the like again gains no time.
extension EngineLiveTests {
  struct Rotation: Sendable, CustomTestStringConvertible {
    var name: String
    /// What gives access first, what takes that away, and what gives it again.
    var first: String
    var away: String
    var again: String
    var inherits = true
    /// Another agent gives it again.
    var byAnother = false

    var testDescription: String { name }
  }

  private static let keyFile = "$S/root/home/bob/.ssh/authorized_keys"
  private static let secondKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIw4Lx2sVpHy7Pt0aTK8Bv2Hl4H9Kdz1nJWqZb0dCpEu second"
  private static let rules = "$S/root/etc/sudoers.d/x"

  static let rotations = [
    Rotation(
      name: "another key for the account", first: "echo '\(key)' >>\(keyFile)",
      away: "sed -i '/^ssh-/d' \(keyFile)", again: "echo '\(secondKey)' >>\(keyFile)"),
    Rotation(
      name: "another key in the place of the first", first: "echo '\(key)' >>\(keyFile)",
      away: "true", again: "sed -i 's,^ssh-.*,\(secondKey),' \(keyFile)"),
    Rotation(
      name: "the same rule for somebody else", first: "echo 'eve ALL=(ALL) /bin/ls' >>\(rules)",
      away: "sed -i /^eve/d \(rules)", again: "echo 'bob ALL=(ALL) /bin/ls' >>\(rules)"),
    Rotation(
      name: "the same group for somebody else", first: "gpasswd --root $S/root -a eve docker",
      away: "gpasswd --root $S/root -d eve docker", again: "gpasswd --root $S/root -a bob docker"),
    Rotation(
      name: "the same list's right for somebody else", first: "setfacl -m u:1001:r $D/a",
      away: "setfacl -b $D/a", again: "setfacl -m u:1002:r $D/a"),
    Rotation(
      name: "another rule", first: "echo 'eve ALL=(ALL) /bin/ls' >>\(rules)",
      away: "sed -i /^eve/d \(rules)", again: "echo 'bob ALL=(ALL) /bin/cat' >>\(rules)",
      inherits: false),
    Rotation(
      name: "another group", first: "gpasswd --root $S/root -a eve docker",
      away: "gpasswd --root $S/root -d eve docker", again: "gpasswd --root $S/root -a bob audio",
      inherits: false),
    Rotation(
      name: "by another agent", first: "gpasswd --root $S/root -a eve docker",
      away: "gpasswd --root $S/root -d eve docker", again: "gpasswd --root $S/root -a bob docker",
      inherits: false, byAnother: true),
  ]

  @Test(arguments: rotations, [false, true])
  func theLikeOfWhatAnAgentTookAwayEndsWithIt(_ rotation: Rotation, restarted: Bool) throws {
    let stage = try Stage { scratch in
      EngineLiveTests.furnish(scratch)
      scratch.file("root/srv/a", 0o640)
    }
    let another = try Actors(
      stage.scratch, "another", loginUID: 4712, program: "\(stage.scratch.path)/claude/claude")
    try stage.start()
    try stage.agent(rotation.first)
    let first = try stage.grant("the first") { _ in true }
    let id = try #require(first["id"].text)
    stage.pass(seconds: 200)
    if rotation.away != "true" {
      try stage.agent(rotation.away)
      try stage.becomes("ended", id)
    }
    if restarted {
      crash(stage)
      try stage.start()
    }
    try (rotation.byAnother ? another : stage.agents).play(rotation.again)
    let second = try stage.grant("the second") { $0["id"].text != id }
    #expect(try stage.becomes("ended", id)["endedBy"].text == "removed")
    #expect(second["provenance"].text == "agent-executed")
    #expect((second["expiresAt"] == first["expiresAt"]) == rotation.inherits, "\(second)")
  }
}
