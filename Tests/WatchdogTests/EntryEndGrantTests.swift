import ByteText
import Glibc
import Scratch
import Testing

/// Ends that an administrator wrote, and that somebody takes off or puts off.
extension EngineLiveTests {
  /// A file of the tree, what stands in it, and what an agent does.
  struct EndCase: CustomTestStringConvertible {
    var kind: String
    var file: String
    var mode: mode_t
    var limited: String
    var act: String
    var before: String
    var after: String

    var testDescription: String { kind }
  }

  /// As `sed -i`, without a copy in the folder that sudo would read.
  private static func edit(_ program: String) -> String {
    "sed '\(program)' $S/root/etc/sudoers.d/x >$S/new; chmod 440 $S/new;"
      + " mv $S/new $S/root/etc/sudoers.d/x"
  }

  static let endCases = [
    EndCase(
      kind: "sudo-rule", file: "root/etc/sudoers.d/x", mode: 0o440,
      limited: "# kept\neve ALL=(ALL) NOTAFTER=20990101000000Z ALL\n",
      act: edit("s/NOTAFTER=[0-9]*Z //"),
      before: "eve ALL=(ALL) ALL until 2099-01-01T00:00:00.000Z",
      after: "eve ALL=(ALL) ALL without an end"),
    EndCase(
      kind: "ssh-key", file: "root/home/bob/.ssh/authorized_keys", mode: 0o600,
      limited: "# kept\nno-pty,expiry-time=\"20990101Z\" \(key)\n",
      act: "sed -i 's/,expiry-time=[^ ]*//' $S/root/home/bob/.ssh/authorized_keys",
      before: "login no-pty until 2099-01-01T00:00:00.000Z", after: "login no-pty without an end"),
    EndCase(
      kind: "account", file: "root/etc/shadow", mode: 0o640,
      limited: "root:*:1::::::\nnobody:*:1::::::\nbob:!:1:::::47000:\neve:!:1::::::\n",
      act: "sed -i 's/47000//' $S/root/etc/shadow", before: "expires 2098-09-06",
      after: "expires never"),
  ]

  private func stage(_ end: EndCase, _ configuration: String = Stage.configuration) throws -> Stage
  {
    try Stage(configuration) { scratch in
      Self.furnish(scratch)
      scratch.remove(end.file)
      scratch.file(end.file, end.mode, text: end.limited)
    }
  }

  @Test(arguments: endCases)
  func anEndThatAnAgentTakesOffIsPutBackAndNothingElse(_ end: EndCase) throws {
    let stage = try stage(end)
    try stage.start()
    try stage.agent(end.act)
    let grant = try stage.grant("a later end") { $0["kind"].text == end.kind }
    let id = try #require(grant["id"].text)
    #expect(grant["before"].text == end.before && grant["after"].text == end.after)
    #expect(grant["provenance"].text == "agent-executed")
    stage.stop()
    try stage.start()
    #expect(try stage.show(id)["state"].text == "active")
    stage.pass(seconds: 901)
    #expect(try stage.becomes("ended", id)["endedBy"].text == "expired")
    #expect(stage.text(end.file) == end.limited)
    // What our own doing changed is no news, and what is done again is.
    #expect(try stage.grants().count == 1)
    try stage.agent(end.act)
    _ = try stage.wait("it is told again") { try stage.grants().count == 2 ? true : nil }
    #expect(
      try stage.call(
        "Revoke", [("ids", stage.ids(try #require(stage.grants().first?["id"].text)))])["results"]
        .elements.first?["done"].bool == true)
    #expect(stage.text(end.file) == end.limited)
    #expect(try stage.prolong("Restore", id)["done"].bool == true)
    #expect(stage.text(end.file) != end.limited)
    #expect(try stage.grants().count == 3)
  }

  @Test(arguments: endCases)
  func anEndThatAHumanPutsBackEndsTheGrant(_ end: EndCase) throws {
    let stage = try stage(end)
    try stage.start()
    try stage.agent(end.act)
    let id = try #require(
      try stage.grant("a later end") { $0["kind"].text == end.kind }["id"].text)
    stage.scratch.file("limited", 0o600, text: end.limited)
    try stage.human.play("cat $S/limited >$S/\(end.file)")
    #expect(try stage.becomes("ended", id)["endedBy"].text == "removed")
    #expect(try stage.grants().count == 1)
  }

  @Test(arguments: endCases)
  func anEndThatWasTakenOffWhileNobodyLookedIsFound(_ end: EndCase) throws {
    let stage = try stage(end)
    try stage.start()
    stage.stop()
    try stage.agent(end.act)
    try stage.start()
    let grant = try stage.grant("a later end") { $0["kind"].text == end.kind }
    #expect(grant["before"].text == end.before && grant["provenance"].text == "unknown")
  }

  /// Two steps of an agent are one grant, which ends as before both; a human's own step stays.
  @Test func theStepsOfAnAgentAreOneGrantAndAHumansStays() throws {
    let end = Self.endCases[0]
    let stage = try stage(end)
    try stage.start()
    try stage.agent(Self.edit("s/=2099/=2100/"))
    let id = try #require(
      try stage.grant("a later end") { $0["kind"].text == "sudo-rule" }["id"].text)
    stage.pass(seconds: 3)
    try stage.agent(Self.edit("s/=2100/=2200/"))
    _ = try stage.wait("it goes on") {
      try stage.show(id)["after"].text?.contains("2200") == true ? true : nil
    }
    #expect(try stage.grants().count == 1)
    try stage.human.play(end.act)
    _ = try stage.grant("the human's") { $0["provenance"].text == "human" }
    stage.pass(seconds: 901)
    #expect(try stage.becomes("ended", id)["endedBy"].text == "superseded")
    #expect(stage.text(end.file) == "# kept\neve ALL=(ALL) ALL\n")
  }

  /// What an agent gave is taken back whole: a fuse that it takes off is nothing new.
  @Test func anEndOfOurOwnThatIsTakenOffIsNoGrant() throws {
    let (stage, id) = try ruleWithItsOwnEnd()
    _ = try stage.wait("its own end") { try stage.show(id)["nativeExpiry"].text }
    try stage.agent(
      Self.edit("s/NOTAFTER=[0-9]*Z //") + "; echo '# seen' >>$S/root/etc/sudoers")
    try stage.agent("echo 'bob ALL=(ALL) /bin/ls' >>$S/root/etc/sudoers.d/x")
    _ = try stage.grant("what came after it") { $0["subject"].text == "user:bob" }
    #expect(try stage.grants().count == 2)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
  }
}
