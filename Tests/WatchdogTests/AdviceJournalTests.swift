import ByteText
import Glibc
import Grants
import LinuxKit
import Scratch
import Testing

/// Advice that is left in the journal, here or on another host.
extension EngineLiveTests {
  private func left(
    _ submission: AdviceSubmission, uid: UInt32 = 1001, transport: String = "journal",
    host: String? = nil, machine: String? = nil
  ) -> JournalLine {
    var line = JournalLine("grantctl", "said something", uid: uid, exe: "/usr/bin/grantctl")
    line.fields.removeAll { $0.0 == "_TRANSPORT" }
    line.fields += [("_TRANSPORT", transport), ("MESSAGE_ID", AdviceSubmission.messageID)]
    line.fields += submission.journalFields
    if let host { line.fields.append(("_HOSTNAME", host)) }
    if let machine { line.fields.append(("_MACHINE_ID", machine)) }
    return line
  }

  private func advices(_ stage: Stage) throws -> [JSON] {
    try stage.call("ListAdvice")["advices"].elements
  }

  private var now: Timestamp { Timestamp(microseconds: SystemClock.wall()) }

  private static let text = "Run `chmod -R a+rwx /srv/data` to fix it"

  private func prepare(_ scratch: Scratch) {
    scratch.folder("root/srv/data")
    scratch.file("root/srv/data/a", 0o600)
  }

  @Test func anAdviceLeftInTheJournalIsTakenOnce() throws {
    let stage = try Stage(prepare: prepare)
    try stage.start()
    var submission = AdviceSubmission(agent: "bot", text: Self.text)
    submission.session = "s1"
    // Only the native transport carries the fields of its sender; a syslog line cannot have them.
    try stage.journal(
      [left(submission, transport: "syslog"), left(submission)], at: now)
    let advice = try stage.wait("the advice") { try advices(stage).first }
    #expect(advice["submittedBy"].integer == 1001)
    #expect(advice["session"].text == "s1")
    stage.stop()
    try stage.start()
    try stage.human.play("chmod -R a+rwx $D/data")
    let grant = try stage.fileGrant(items: 2)
    #expect(grant["advice"] == advice["id"])
    #expect(try advices(stage).count == 1)
    #expect(try stage.events("advice.recorded").count == 1)
  }

  @Test func anAdviceThatTakesBothWaysIsTakenOnce() throws {
    let stage = try Stage()
    try stage.start()
    var submission = AdviceSubmission(agent: "bot", text: Self.text)
    submission.submission = "0123456789abcdef"
    let first = try stage.call(
      "AddAdvice", submission.parameters.members.map { ($0.name, $0.value) })
    var other = submission
    other.submission = "fedcba9876543210"
    try stage.journal([left(submission, uid: 0), left(other, uid: 0)], at: now)
    _ = try stage.wait("the second one") { try advices(stage).count == 2 ? true : nil }
    #expect(try advices(stage).last?["id"] == first["advice"]["id"])
    let again = try stage.call(
      "AddAdvice", submission.parameters.members.map { ($0.name, $0.value) })
    #expect(again["advice"]["id"] == first["advice"]["id"])
    #expect(try advices(stage).count == 2)
  }

  @Test func aFloodOfAdviceIsCutOff() throws {
    let stage = try Stage()
    try stage.start()
    var lines = (0..<200).map { number in
      left(AdviceSubmission(agent: "bot", text: "`chmod 777 /srv/\(number)`"))
    }
    lines.append(left(AdviceSubmission(agent: "other", text: "`chmod 777 /srv/x`"), uid: 1002))
    try stage.journal(lines, at: now)
    _ = try stage.wait("the other's") {
      try advices(stage).first { $0["agent"].text == "other" }
    }
    #expect(try advices(stage).count == 121)
  }

  @Test func onlyTrustedHostsAdvise() throws {
    let stage = try Stage(prepare: prepare)
    stage.scratch.folder("remote")
    let machine = "00112233445566778899aabbccddeeff"
    stage.configure(
      Stage.configuration + """
        [Advice]
        AdviceDirectory=\(stage.scratch.path)/remote
        TrustAdviceFrom=web7 \(machine)

        """)
    try stage.start()
    let submission = AdviceSubmission(agent: "bot", text: Self.text)
    let own = ThisHost.machineID
    try stage.journal(
      [
        left(submission, host: "evil", machine: "ff112233445566778899aabbccddeeff"),
        left(submission, host: "web7", machine: own), left(submission, host: "web7"),
        left(submission, host: "web7", machine: "ee112233445566778899aabbccddeeff"),
        left(submission, host: "named-anyhow", machine: machine),
      ], at: now, in: "remote")
    _ = try stage.wait("the advice of two") { try advices(stage).count == 2 ? true : nil }
    #expect(Set(try advices(stage).map { $0["host"].text }) == ["web7", "named-anyhow"])
    stage.stop()
    try stage.start()
    try stage.human.play("chmod -R a+rwx $D/data")
    #expect(try stage.fileGrant(items: 2)["provenance"].text == "agent-advised")
    #expect(try advices(stage).count == 2)
    // Who has the same uid on this host did not submit it.
    let reply = try stage.ask("ListAdvice", [], by: stage.human, wrapped: Stage.asNobody)
    #expect(reply["parameters"]["advices"].elements.isEmpty)
  }

  @Test func aCommandIsReadWhereTheAgentIs() throws {
    let stage = try Stage(prepare: prepare)
    try stage.start()
    var submission = AdviceSubmission(agent: "bot", text: "chmod -R a+rwx data")
    submission.isCommand = true
    submission.context.directory = "/srv"
    submission.context.subagent = "helper x1"
    let advice = try stage.call(
      "AddAdvice", submission.parameters.members.map { ($0.name, $0.value) })["advice"]
    #expect(advice["changes"].elements.first?["object"].text == "file:/srv/data")
    try stage.human.play("chmod -R a+rwx $D/data")
    let grant = try stage.fileGrant(items: 2)
    #expect(grant["advice"] == advice["id"])
    #expect(grant["confidence"].text == "strong")
    #expect(grant["agent"]["chain"].elements == [.string("bot"), .string("helper")])
    submission.text = "ls -l"
    let none = try stage.call(
      "AddAdvice", submission.parameters.members.map { ($0.name, $0.value) })
    #expect(none["advice"].isNull)
    #expect(try advices(stage).count == 1)
  }
}
