import ByteText
import Glibc
import Kinds
import LinuxKit
import Scratch
import Synchronization
import Testing
import Watchdog

/// Stands in for polkit: gives the answer that a test wants, when the test wants it.
private final class FakePresence: PresenceAuthority {
  private let state: Mutex<State>
  private struct State {
    var answer: PresenceAnswer
    var asked: [String] = []
    var isHeld = false
  }

  init(_ answer: PresenceAnswer, held: Bool = false) {
    state = Mutex(State(answer: answer, isHeld: held))
  }

  var asked: [String] { state.withLock { $0.asked } }

  func obstacle() -> String? { nil }

  func ask(_ subject: PolkitSubject, message: String) -> PresenceAnswer {
    state.withLock { $0.asked.append(message) }
    while state.withLock({ $0.isHeld }) { usleep(2000) }
    return state.withLock { $0.answer }
  }

  func letGo(_ answer: PresenceAnswer? = nil) {
    state.withLock {
      if let answer { $0.answer = answer }
      $0.isHeld = false
    }
  }
}

@Suite struct PresenceDoubtTests {
  private func doubt(
    _ name: String = "alice", groups: Set<String> = ["users"], open: Set<String> = [],
    rules: EntryState? = EntryState()
  ) -> String? {
    PresenceDoubt(
      uid: 1000, name: name, groups: groups, answering: ["root", "carol"], open: open,
      sudoRules: rules
    ).reason
  }

  private func rules(_ text: String) throws -> EntryState {
    let scratch = Scratch()
    scratch.folder("etc")
    scratch.file("etc/sudoers", 0o440, text: text)
    return try SudoRules(root: scratch.bytes()).read(previous: nil)
  }

  @Test("polkit's word counts only where a secret must be known")
  func doubts() throws {
    #expect(doubt() == nil)
    #expect(doubt(open: ["bob"]) == nil)
    #expect(doubt(open: ["alice"])?.contains("empty password") == true)
    #expect(doubt(open: ["carol"])?.contains("may answer for alice") == true)
    #expect(doubt(rules: nil)?.contains("cannot be read") == true)
    let root = PresenceDoubt(
      uid: 0, name: "root", groups: [], answering: [], open: [], sudoRules: EntryState())
    #expect(root.reason?.contains("asks root nothing") == true)
  }

  @Test("A sudo rule without a password, of whatever form, is a doubt")
  func sudo() throws {
    #expect(doubt(rules: try rules("alice ALL=(ALL) ALL\n")) == nil)
    #expect(doubt(rules: try rules("bob ALL=(ALL) NOPASSWD: ALL\n")) == nil)
    #expect(doubt(rules: try rules("%wheel ALL=(ALL) NOPASSWD: ALL\n")) == nil)
    for text in [
      "alice ALL=(ALL) NOPASSWD: ALL\n", "%users ALL=(root) NOPASSWD: /bin/ls\n",
      "ALL ALL=(ALL) NOPASSWD: ALL\n", "Defaults !authenticate\nroot ALL=(ALL) ALL\n",
      "User_Alias OPS = bob, alice\nOPS ALL = NOPASSWD: ALL\n",
    ] {
      #expect(doubt(rules: try rules(text))?.contains("NOPASSWD") == true, "\(text)")
    }
  }
}

/// Approval with polkit's word.
extension EngineLiveTests {
  private static let withPolkit =
    Stage.configuration + "[Approval]\nAuthenticate=polkit\nApprovers=nobody root\n"

  private func widened(
    _ presence: FakePresence, _ configuration: String = withPolkit
  ) throws -> (Stage, String) {
    let stage = try Stage(configuration) { $0.file("root/srv/a", 0o600) }
    stage.presence = presence
    stage.addWebhook()
    try stage.start()
    try stage.agent("chmod 644 $D/a")
    return (stage, try #require(try stage.fileGrant()["id"].text))
  }

  @Test func polkitsWordApproves() throws {
    let presence = FakePresence(.proven)
    let (stage, id) = try widened(presence)
    let result = try stage.approve(id, wrapped: Stage.asNobody)
    #expect(result["done"].bool == true, "\(result)")
    #expect(presence.asked == ["Grantwatch: approve \(id)"])
    let grant = try stage.show(id)
    #expect(grant["approval"]["proof"].text == "polkit")
    #expect(grant["approval"]["by"].text == "nobody")
  }

  @Test func polkitProvesNothingForRootAndAsksNoAgent() throws {
    let presence = FakePresence(.proven)
    let (stage, id) = try widened(presence)
    refused(try stage.approve(id), "polkit asks root nothing")
    refused(try stage.approve(id, by: stage.agents, wrapped: Stage.asNobody), "an agent is behind")
    refused(try stage.approve(id, by: stage.human, wrapped: Stage.asNobody), "made this change")
    #expect(presence.asked.isEmpty)
    #expect(try stage.show(id)["state"].text == "active")
  }

  @Test func whatPolkitRefusesIsRefused() throws {
    let presence = FakePresence(.refused("polkit was given no right answer"))
    let (stage, id) = try widened(presence)
    refused(try stage.approve(id, wrapped: Stage.asNobody), "no right answer")
    #expect(try stage.events("approval.refused").count == 1)
    #expect(try stage.show(id)["state"].text == "active")
  }

  @Test func bothTakesTheCodeToo() throws {
    let presence = FakePresence(.refused("not there"))
    let (stage, id) = try widened(
      presence, Self.withPolkit + "[Approval]\nAuthenticate=both\n")
    stage.pass(seconds: 3)
    let code = try stage.wait("the code") {
      try stage.outbox().first { $0["type"].text == "grant.detected" }?["data"]["code"].text
    }
    let wrong = code == "222-222" ? "333-333" : "222-222"
    for _ in 0..<6 {
      refused(try stage.approve(id, code: wrong, wrapped: Stage.asNobody), "not there")
    }
    presence.letGo(.proven)
    refused(try stage.approve(id, wrapped: Stage.asNobody), "a code is needed")
    refused(try stage.approve(id, code: wrong, wrapped: Stage.asNobody), "4 tries left")
    #expect(try stage.approve(id, code: code, wrapped: Stage.asNobody)["done"].bool == true)
    #expect(try stage.show(id)["approval"]["proof"].text == "both")
  }

  @Test func whatChangedWhilePolkitAskedCounts() throws {
    let presence = FakePresence(.proven, held: true)
    let (stage, id) = try widened(presence)
    try stage.beginApproval(id)
    _ = try stage.wait("polkit asks") { presence.asked.isEmpty ? nil : true }
    // Others are answered meanwhile; a second question to the same uid is not asked.
    refused(try stage.approve(id, wrapped: Stage.asNobody), "already")
    try stage.human.play("chmod 600 $D/a")
    try stage.becomes("ended", id)
    presence.letGo()
    let result = try stage.wait("the answer") { stage.firstReply() }
    refused(result["parameters"]["results"].elements.first ?? .null, "it is ended")
    #expect(try stage.events("approval.given").isEmpty)
  }

  @Test func whoLeavesWhilePolkitAsksHasWithdrawn() throws {
    let presence = FakePresence(.proven, held: true)
    let (stage, id) = try widened(presence)
    try stage.beginApproval(id)
    _ = try stage.wait("polkit asks") { presence.asked.isEmpty ? nil : true }
    try stage.approver.play("kill -KILL $!; wait $!")
    presence.letGo()
    // The uid is free to be asked again when the first question is over.
    let result = try stage.wait("the second question") {
      let result = try stage.approve(id, wrapped: Stage.asNobody)
      return result["done"].bool == true ? result : nil
    }
    #expect(result["done"].bool == true)
    #expect(presence.asked.count == 2)
    #expect(try stage.events("approval.given").count == 1)
  }

  @Test func polkitsWordExtendsAndRestores() throws {
    let presence = FakePresence(.refused("not there"))
    let stage = try Stage(Self.withPolkit)
    stage.presence = presence
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let id = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    refused(try stage.prolong("Restore", id, wrapped: Stage.asNobody), "not there")
    #expect(stage.members(of: "docker") == "")
    presence.letGo(.proven)
    #expect(try stage.prolong("Restore", id, wrapped: Stage.asNobody)["done"].bool == true)
    #expect(stage.members(of: "docker") == "eve")
    let copy = try stage.grant("the new grant") { $0["state"].text == "approved" }
    let copyID = try #require(copy["id"].text)
    #expect(try stage.prolong("Extend", copyID, wrapped: Stage.asNobody)["done"].bool == true)
    presence.letGo(.refused("not there"))
    refused(try stage.prolong("Extend", copyID, wrapped: Stage.asNobody), "not there")
    #expect(
      presence.asked.map { String($0.split(separator: " ")[1]) } == [
        "restore", "restore", "extend", "extend",
      ])
  }
}

extension Stage {
  /// Asks for an approval in the background, as nobody; the answer comes into a file of its own.
  fileprivate func beginApproval(_ id: String) throws {
    let call = """
      {"method":"io.grantwatch.Approve","parameters":{"ids":["\(id)"],"reason":"on call"}}
      """
    scratch.file("out/first-call", 0o644, text: call)
    try approver.play(
      "\(Self.asNobody) /usr/bin/perl $S/ask.pl $S/run/control.sock $S/out/first-call"
        + " $S/out/first-reply &")
  }

  fileprivate func firstReply() -> JSON? {
    text("out/first-reply").flatMap { try? JSON.parse(Array($0.utf8)) }
  }
}
