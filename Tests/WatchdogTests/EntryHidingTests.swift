import ByteText
import Scratch
import Testing

/// Entries that are changed so that they might be taken for known, or for somebody else's.
extension EngineLiveTests {
  private static let given = "echo 'eve ALL=(ALL:ALL) NOPASSWD: ALL' >$S/root/etc/sudoers.d/x"

  /// What an agent does with its own rule, and what of it stands then.
  static let disguises = [
    "echo 'eve ALL=(ALL:ALL) NOPASSWD: /bin/sh' >$S/root/etc/sudoers.d/x",
    "mv $S/root/etc/sudoers.d/x $S/root/etc/sudoers.d/y",
    "printf 'eve ALL=(ALL:ALL) NOPASSWD: /bin/%s\\n' sh dash >$S/root/etc/sudoers.d/x",
  ]

  @Test(arguments: disguises)
  func aRuleThatAnAgentMovesOrNarrowsEndsAllTheSame(_ disguise: String) throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(Self.given)
    let id = try #require(
      try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }["id"].text)
    try stage.agent(disguise)
    _ = try stage.wait("it goes on") {
      let items = try stage.show(id)["itemList"].elements
      return items.contains { $0["object"].text?.hasSuffix("/y") == true }
        || items.contains { $0["after"].text?.contains("/bin/") == true } ? true : nil
    }
    stage.stop()
    try stage.start()
    #expect(try stage.show(id)["state"].text == "active")
    stage.pass(seconds: 901)
    #expect(try stage.becomes("ended", id)["endedBy"].text == "expired")
    #expect(stage.text("root/etc/sudoers.d/x")?.contains("eve") != true)
    #expect(stage.text("root/etc/sudoers.d/y")?.contains("eve") != true)
    #expect(try stage.grants().count == 1)
  }

  @Test func aKeyThatSomebodyElsePutBackAsItWasIsLeftAlone() throws {
    let kept = "from=\"10.0.0.1\" \(Self.key)\n"
    let stage = try Stage { scratch in
      Self.furnish(scratch)
      scratch.remove("root/home/bob/.ssh/authorized_keys")
      scratch.file("root/home/bob/.ssh/authorized_keys", 0o600, text: kept)
    }
    try stage.start()
    try stage.agent("sed -i 's/^from=[^ ]* //' $S/root/home/bob/.ssh/authorized_keys")
    let id = try #require(
      try stage.grant("a wider key") { $0["kind"].text == "ssh-key" }["id"].text)
    try stage.human.play(
      "sed -i 's/^ssh/from=\"10.0.0.1\" ssh/' $S/root/home/bob/.ssh/authorized_keys")
    #expect(try stage.becomes("ended", id)["endedBy"].text == "removed")
    stage.pass(seconds: 901)
    #expect(stage.text("root/home/bob/.ssh/authorized_keys") == kept)
  }

  /// What a revocation would have put back, and did not, is as new as anything else later.
  @Test func aFormerEntryThatWasNotPutBackIsNewsLater() throws {
    let stage = try Stage { scratch in
      Self.furnish(scratch)
      scratch.remove("root/etc/shadow")
      scratch.file(
        "root/etc/shadow", 0o640,
        text: "root:*:1::::::\nnobody:*:1::::::\nbob:$6$x$y:1::::::\neve:$6$x$y:1::::::\n")
    }
    try stage.start()
    try stage.agent("sed -i 's/^bob:[^:]*:/bob::/' $S/root/etc/shadow")
    let id = try #require(
      try stage.grant("no password") { $0["after"].text == "no password" }["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.text("root/etc/shadow")?.contains("bob:!:") == true)
    try stage.agent("sed -i 's/^bob:[^:]*:/bob:$6$v$w:/' $S/root/etc/shadow")
    let again = try stage.grant("a password") { $0["after"].text == "password" }
    #expect(again["provenance"].text == "agent-executed")
  }

  /// A change that falls into a look is told to the next one, with who made it.
  @Test func changesInTheMiddleOfALookHaveTheirAgent() throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(
      """
      for i in $(seq 20); do echo "u$i ALL=(ALL) ALL" >$S/root/etc/sudoers.d/r$i; sleep 0.0$i; done
      """)
    _ = try stage.wait("all rules") { try stage.grants().count == 20 ? true : nil }
    for grant in try stage.grants() { #expect(grant["provenance"].text == "agent-executed") }
  }

  /// Who puts an entry back as soon as it is gone is told of again, or its revocation fails.
  @Test func anEntryThatIsGivenAgainAtOnceIsNoSecret() throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    let file = "$S/root/home/bob/.ssh/authorized_keys"
    try stage.agent("echo '\(Self.key)' >>\(file)")
    let id = try #require(try stage.grant("a key") { $0["kind"].text == "ssh-key" }["id"].text)
    try stage.agent(
      "(while ! [ -e $S/root/stop ]; do grep -q eve \(file) || echo '\(Self.key)' >>\(file); done) &"
    )
    defer { stage.scratch.file("root/stop", 0o644) }
    stage.pass(seconds: 901)
    _ = try stage.wait("it is told of again") {
      let isFailed = try stage.show(id)["state"].text == "revoke-failed"
      return try isFailed || stage.grants().count > 1 ? true : nil
    }
  }

  /// As after a crash between the record of an end and the file of the state.
  @Test func anEntryOfAnOlderStateThatWasTakenBackIsNoSecret() throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(Self.given)
    let id = try #require(
      try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }["id"].text)
    let old = try #require(stage.text("state/entries-sudo-rule.json"))
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    stage.stop()
    stage.scratch.remove("state/entries-sudo-rule.json")
    stage.scratch.file("state/entries-sudo-rule.json", 0o600, text: old)
    try stage.agent(Self.given)
    try stage.start()
    _ = try stage.grant("it again") { $0["id"].text != id && $0["kind"].text == "sudo-rule" }
  }

  /// sudo and sshd read files of any length.
  @Test(arguments: ["etc/sudoers.d/x", "home/bob/.ssh/authorized_keys"])
  func aFileThatIsPaddedHidesNothing(_ file: String) throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent("yes '# padding' | head -c 1100000 >>$S/root/\(file)")
    let grant = try stage.grant("what nobody can tell") { $0["subject"].text == "everyone" }
    #expect(grant["provenance"].text == "agent-executed")
    stage.pass(seconds: 901)
    let id = grant["id"].text ?? ""
    try stage.becomes("revoke-failed", id)
    try stage.human.play("echo '# kept' >$S/root/\(file)")
    #expect(try stage.becomes("ended", id)["endedBy"].text != nil)
  }
}
