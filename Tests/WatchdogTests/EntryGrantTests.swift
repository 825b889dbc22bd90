import ByteText
import Glibc
import Scratch
import Testing

/// Kinds that are read whole, by the real tools on the tree's own files.
extension EngineLiveTests {
  /// What an agent does.
  struct EntryCase: CustomTestStringConvertible {
    var kind: String
    var act: String
    /// A file of the tree that is as it was before when the grant was taken back.
    var file: String
    var before: String?

    var testDescription: String { kind }
  }

  static let key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl eve"
  static let rule = "polkit.addRule(function(a, s) { return polkit.Result.YES; });\\n"

  static let entryCases: [EntryCase] = [
    EntryCase(
      kind: "sudo-rule", act: "echo 'eve ALL=(ALL:ALL) NOPASSWD: ALL' >>$S/root/etc/sudoers.d/x",
      file: "root/etc/sudoers.d/x", before: "# kept\n"),
    EntryCase(
      kind: "ssh-key", act: "echo '\(key)' >>$S/root/home/bob/.ssh/authorized_keys",
      file: "root/home/bob/.ssh/authorized_keys", before: "# kept\n"),
    EntryCase(
      kind: "polkit-rule", act: "printf '\(rule)' >$S/root/etc/polkit-1/rules.d/9.rules",
      file: "root/etc/polkit-1/rules.d/9.rules", before: nil),
  ]

  /// The folders and files that the kinds look for.
  static func furnish(_ scratch: Scratch) {
    for folder in [
      "root/etc/sudoers.d", "root/home", "root/home/bob", "root/home/bob/.ssh",
      "root/etc/polkit-1", "root/etc/polkit-1/rules.d",
    ] {
      scratch.folder(folder)
    }
    scratch.file(
      "root/etc/sudoers", 0o440, text: "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
    scratch.file("root/etc/sudoers.d/x", 0o440, text: "# kept\n")
    scratch.file("root/home/bob/.ssh/authorized_keys", 0o600, text: "# kept\n")
  }

  @Test(arguments: entryCases)
  func anEntryThatWasTakenBackIsPutBackForATime(_ entry: EntryCase) throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(entry.act)
    let id = try #require(
      try stage.grant("an entry") { $0["kind"].text == entry.kind }["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.text(entry.file) == entry.before)
    #expect(try stage.prolong("Restore", id)["done"].bool == true)
    let copy = try stage.grant("the new grant") { $0["state"].text == "approved" }
    #expect(stage.text(entry.file) != entry.before)
    #expect(try stage.grants().count == 2)
    stage.pass(seconds: 1000)
    try stage.becomes("ended", copy["id"].text ?? "")
    #expect(stage.text(entry.file) == entry.before)
  }

  @Test(arguments: entryCases)
  func anEntryOfAHumanStays(_ entry: EntryCase) throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.human.play(entry.act)
    let grant = try stage.grant("an entry") { $0["kind"].text == entry.kind }
    #expect(grant["provenance"].text == "human")
    stage.pass(seconds: 86_400)
    #expect(try stage.show(grant["id"].text ?? "")["state"].text == "active")
  }

  @Test(arguments: entryCases)
  func anEntryThatCameWhileNobodyLookedIsFound(_ entry: EntryCase) throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    stage.stop()
    try stage.agent(entry.act)
    try stage.start()
    let grant = try stage.grant("an entry") { $0["kind"].text == entry.kind }
    #expect(grant["provenance"].text == "unknown")
    #expect(grant["activeSecondsMax"].double ?? 0 > grant["activeSecondsMin"].double ?? 0)
  }

  @Test func aRuleThatAnAgentWidenedTwiceEndsAsBeforeBoth() throws {
    let stage = try Stage(prepare: Self.furnish)
    stage.scratch.remove("root/etc/sudoers.d/x")
    stage.scratch.file("root/etc/sudoers.d/x", 0o440, text: "eve ALL=(ALL) /bin/ls\n")
    try stage.start()
    try stage.agent("echo 'eve ALL=(ALL) ALL' >$S/root/etc/sudoers.d/x")
    let first = try stage.grant("a rule") {
      $0["kind"].text == "sudo-rule" && $0["right"].text == "ALL"
    }
    try stage.agent("echo 'eve ALL=(ALL) NOPASSWD: ALL' >$S/root/etc/sudoers.d/x")
    let second = try stage.grant("a wider rule") { $0["right"].text == "NOPASSWD: ALL" }
    stage.pass(seconds: 901)
    try stage.becomes("ended", first["id"].text ?? "")
    try stage.becomes("ended", second["id"].text ?? "")
    #expect(stage.text("root/etc/sudoers.d/x") == "eve ALL=(ALL) /bin/ls\n")
  }

  @Test func aKeyThatSomebodyElseNarrowedIsTakenBackAllTheSame() throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(Self.entryCases[1].act)
    let id = try #require(
      try stage.grant("a key") { $0["kind"].text == "ssh-key" }["id"].text)
    try stage.human.play("sed -i 's/^ssh-/no-pty ssh-/' $S/root/home/bob/.ssh/authorized_keys")
    _ = try stage.wait("it is narrower") {
      try stage.show(id)["after"].text?.contains("no-pty") == true ? true : nil
    }
    stage.stop()
    try stage.start()
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.text("root/home/bob/.ssh/authorized_keys") == "# kept\n")
    #expect(try stage.grants().count == 1)
  }

  @Test func theLastWayInForRootIsNotTakenAwayByItself() throws {
    let stage = try Stage { scratch in
      Self.furnish(scratch)
      scratch.remove("root/etc/shadow")
      scratch.file(
        "root/etc/shadow", 0o640,
        text: "root:*:1::::::\nnobody:*:1::::::\nbob:$6$x$y:1::::::\neve:$6$x$y:1::::::\n")
      scratch.remove("root/etc/sudoers")
      scratch.file(
        "root/etc/sudoers", 0o440,
        text: "bob ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
    }
    try stage.start()
    try stage.agent("echo 'eve ALL=(ALL:ALL) ALL' >$S/root/etc/sudoers.d/x")
    let grant = try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }
    // A human takes away the only other one.
    try stage.human.play("echo '@includedir /etc/sudoers.d' >$S/root/etc/sudoers")
    stage.pass(seconds: 901)
    _ = try stage.wait("it is said to be overdue") { try stage.events("grant.expired").first }
    #expect(try stage.show(grant["id"].text ?? "")["state"].text == "active")
    #expect(stage.text("root/etc/sudoers.d/x") == "eve ALL=(ALL:ALL) ALL\n")
  }

  /// The way in that a revocation puts back is one.
  @Test func theRuleOfTheLastWayInIsMadeAsItWas() throws {
    let stage = try Stage { scratch in
      Self.furnish(scratch)
      scratch.remove("root/etc/shadow")
      scratch.file(
        "root/etc/shadow", 0o640,
        text: "root:$6$x$y:1::::::\nnobody:*:1::::::\nbob:$6$x$y:1::::::\neve:*:1::::::\n")
      scratch.remove("root/etc/sudoers.d/x")
      scratch.file("root/etc/sudoers.d/x", 0o440, text: "bob ALL=(ALL) ALL\n")
    }
    try stage.start()
    try stage.agent("echo 'bob ALL=(ALL) NOPASSWD: ALL' >$S/root/etc/sudoers.d/x")
    let id = try #require(
      try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }["id"].text)
    try stage.human.play("sed -i 's/^root:[^:]*:/root:*:/' $S/root/etc/shadow")
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.text("root/etc/sudoers.d/x") == "bob ALL=(ALL) ALL\n")
  }

  private static let withOwnEnds = Stage.revoking("NativeExpiry=yes")

  /// An account's own grant tells that it was not there before, later looks do not.
  @Test func anAccountIsGivenAnEndThoughAnotherOneCameMeanwhile() throws {
    let stage = try Stage(Self.withOwnEnds, prepare: Self.furnish)
    try stage.start()
    func grant(_ name: String) throws -> String {
      try stage.agent("useradd --prefix $S/root -s /bin/sh \(name)")
      return try #require(
        try stage.grant("an account") { $0["object"].text == "account:\(name)" }["id"].text)
    }
    let ids = try [grant("first"), grant("second")]
    stage.pass(seconds: 3)
    for id in ids {
      _ = try stage.wait("its own end") { try stage.show(id)["nativeExpiry"].text }
    }
  }

  /// An agent's rule in sudoers that is to get an end of its own, and its grant.
  func ruleWithItsOwnEnd() throws -> (stage: Stage, id: String) {
    let stage = try Stage(Self.withOwnEnds, prepare: Self.furnish)
    try stage.start()
    try stage.agent(Self.entryCases[0].act)
    let id = try #require(
      try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }["id"].text)
    stage.pass(seconds: 3)
    return (stage, id)
  }

  @Test func theMechanismIsGivenAnEndOfItsOwn() throws {
    let (stage, id) = try ruleWithItsOwnEnd()
    let native = try stage.wait("its own end") { try stage.show(id)["nativeExpiry"].text }
    let digits = native.filter(\.isNumber).prefix(14)
    #expect(stage.text("root/etc/sudoers.d/x")?.contains("NOTAFTER=\(digits)Z") == true)
    #expect(try stage.grants().count == 1)
    #expect(try stage.approve(id, seconds: 7200)["done"].bool == true)
    let later = try stage.wait("a later end") {
      let text = try stage.show(id)["nativeExpiry"].text
      return text == native ? nil : text
    }
    #expect(later > native)
    let result = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
    #expect(result?["result"].text?.hasPrefix("revoked") == true)
    #expect(stage.text("root/etc/sudoers.d/x") == "# kept\n")
  }
}
