import ByteText
import Grants
import LinuxKit
import Scratch
import Testing
import Watchdog

/// What lines of the journal do to grants, and what they cannot do.
extension EngineLiveTests {
  private func stageWithSudo() throws -> Stage {
    try Stage { scratch in
      scratch.remove("root/etc/group")
      scratch.file(
        "root/etc/group", 0o644,
        text: "root:x:0:\nsudo:x:27:bob\ndocker:x:999:\nbob:x:1001:\neve:x:1002:\n")
    }
  }

  private func sudoLine(_ user: String, uid: UInt32, pid: Int32 = 70_001) -> JournalLine {
    JournalLine(
      "sudo", "    \(user) : PWD=/home/\(user) ; USER=root ; COMMAND=/usr/bin/id", uid: uid,
      pid: pid, exe: "/usr/bin/sudo")
  }

  @Test func theJournalSaysAfterwardsWhoGaveWhatNobodySaw() throws {
    let stage = try Stage()
    try stage.start()
    stage.stop()
    stage.clock.pass(100_000_000)
    let given = stage.clock.now.wall - TimeSpan(seconds: 40)
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    try stage.journal(
      [stage.usermodLine("eve", "docker", more: [("_AUDIT_LOGINUID", "4711")])], at: given)
    try stage.start()
    let grant = try stage.grant("an explained grant") { $0["actor"]["pid"].integer == 70_001 }
    #expect(grant["actor"]["loginUid"].integer == 4711)
    #expect(grant["provenance"].text == "unknown")
    #expect(grant["grantedAt"].text.flatMap(Timestamp.init(rfc3339:)) == given.millisecond)
    let least = grant["activeSecondsMin"].double ?? 0
    #expect(least >= 39 && grant["activeSecondsMax"].double == least)
    #expect(grant["evidence"].elements.contains { $0["source"].text == "journal" })
    #expect(try stage.grants().count == 1)
    stage.stop()
    try stage.start()
    let again = try #require(try stage.grants().first)
    #expect(again["actor"] == grant["actor"] && again["evidence"] == grant["evidence"])
  }

  @Test func aDeclaredUnitMakesItTheAgents() throws {
    let stage = try Stage { scratch in
      scratch.file(
        "etc/agents.d/unit.conf", 0o644,
        text: "[Agent]\nName=unit-agent\n[Match]\nUnit=agent-*.service\n")
    }
    try stage.start()
    stage.stop()
    stage.clock.pass(100_000_000)
    try stage.human.play("usermod --prefix $S/root -aG docker eve")
    try stage.journal(
      [stage.usermodLine("eve", "docker", more: [("_SYSTEMD_USER_UNIT", "agent-7.service")])],
      at: stage.clock.now.wall - TimeSpan(seconds: 40))
    try stage.start()
    let grant = try stage.grant("an agent's grant") { $0["provenance"].text == "agent-executed" }
    #expect(grant["confidence"].text == "strong")
    #expect(grant["agent"]["name"].text == "unit-agent")
    #expect(grant["rule"].text == "agents")
  }

  @Test func aLineFromOutsideTheSpanExplainsNothing() throws {
    let stage = try Stage()
    try stage.start()
    stage.stop()
    stage.clock.pass(100_000_000)
    try stage.human.play("usermod --prefix $S/root -aG docker eve")
    let early = stage.clock.now.wall - TimeSpan(seconds: 5000)
    try stage.journal([stage.usermodLine("eve", "docker")], at: early)
    try stage.start()
    let grant = try stage.grant("a grant") { $0["object"].text == "group:docker" }
    #expect(grant["actor"]["pid"].isNull)
  }

  @Test func aLineIsEvidenceOfTheChangeItTellsOf() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let grant = try stage.grant("a grant") { $0["object"].text == "group:docker" }
    let id = try #require(grant["id"].text)
    try stage.journal([stage.usermodLine("eve", "docker")], at: stage.clock.now.wall)
    _ = try stage.wait("evidence of the journal") {
      try stage.show(id)["evidence"].elements.first { $0["source"].text == "journal" }
    }
    #expect(try stage.grants().count == 1)
  }

  @Test func usesAreCountedOnTheGrantAndOutliveTheDaemon() throws {
    let stage = try stageWithSudo()
    try stage.start()
    let first = stage.clock.now.wall
    try stage.journal([sudoLine("bob", uid: 1001)], at: first)
    let second = first + TimeSpan(microseconds: 200_000)
    try stage.journal(
      [sudoLine("bob", uid: 1001, pid: 70_002), sudoLine("eve", uid: 1002, pid: 70_003)], at: second
    )
    func used() throws -> JSON? {
      try stage.grants(standing: true).first { $0["object"].text == "group:sudo" }?["used"]
    }
    _ = try stage.wait("two uses") { try used()?["count"].integer == 2 ? true : nil }
    stage.stop()
    try stage.start()
    let after = try #require(try used())
    #expect(after["count"].integer == 2)
    #expect(after["first"].text.flatMap(Timestamp.init(rfc3339:)) == first.millisecond)
    #expect(after["last"].text.flatMap(Timestamp.init(rfc3339:)) == second.millisecond)
  }

  @Test func aForgedLineGivesNothingAndIsSaidOnce() throws {
    let stage = try Stage()
    try stage.start()
    var lines: [JournalLine] = []
    for pid in 1...200 {
      lines.append(
        JournalLine(
          "usermod", "add 'mallory' to group 'docker'", uid: 4242, pid: Int32(80_000 + pid),
          exe: "/usr/bin/logger"))
    }
    try stage.journal(lines + [stage.usermodLine("eve", "audio")], at: stage.clock.now.wall)
    _ = try stage.wait("the line behind them") {
      try stage.signals().contains { $0["object"].text == "group:audio" } ? true : nil
    }
    #expect(try stage.grants().isEmpty)
    #expect(try stage.events("source.tampered").count == 1)
    let kept = try stage.signals().filter { $0["type"].text == "spoof" }
    #expect(kept.count == UnprovenSignals.perMinute)
  }

  @Test func aVacuumedJournalIsAGapFollowedByALook() throws {
    let stage = try Stage()
    try stage.start()
    try stage.journal([stage.usermodLine("eve", "audio")], at: stage.clock.now.wall)
    _ = try stage.wait("a line") { try stage.signals().isEmpty ? nil : true }
    stage.stop()
    Scratch.run("/bin/sh", ["-c", "rm \(stage.scratch.path)/journal/*.journal"])
    stage.clock.pass(60_000_000)
    try stage.journal([stage.usermodLine("bob", "audio")], at: stage.clock.now.wall)
    try stage.start()
    _ = try stage.wait("a gap of the journal") {
      try stage.events("source.gap").first { $0["text"].text?.hasPrefix("journal:") == true }
    }
  }
}

extension Stage {
  /// The signals that stand in the ledger.
  func signals() throws -> [JSON] {
    let folder = "\(scratch.path)/state/ledger"
    let names = try DurableDirectory(folder).names().filter { $0.hasSuffix(".jsonl") }.sorted()
    var found: [JSON] = []
    for name in names {
      for line in (text("state/ledger/\(name)") ?? "").split(separator: "\n") {
        guard let record = try? JSON.parse(Array(line.utf8)), record["type"].text == "signal"
        else { continue }
        found.append(record["data"])
      }
    }
    return found
  }
}

extension Timestamp {
  /// As JSON carries it.
  fileprivate var millisecond: Timestamp {
    Timestamp(microseconds: microseconds / 1000 * 1000)
  }
}

extension EngineLiveTests {
  @Test func theDoctorSaysWhatEachSourceSeesAndLacks() throws {
    let stage = try Stage()
    try stage.start()
    let sources = try stage.call("Diagnose")["sources"].elements
    #expect(
      sources.compactMap { $0["name"].text } == [
        "fanotify", "process-events", "journal", "audit", "enforcement", "webhooks", "ledger",
      ])
    let fanotify = try #require(sources.first)
    #expect(fanotify["state"].text == "ok" && fanotify["lacks"].isNull)
    for source in sources where source["state"].text != "ok" {
      #expect(source["lacks"].text != nil && source["mend"].text != nil, "\(source)")
    }
    let refused = try stage.ask("Diagnose", [], by: stage.human, wrapped: Stage.asNobody)
    #expect(refused["error"].text?.hasSuffix("PermissionDenied") == true)
  }

  /// As the service's sandbox has it without its drop-in.
  @Test func whereNothingCanBeTakenBackIsSaidAtTheStart() throws {
    let stage = try Stage()
    let home = "\(stage.scratch.path)/root/home"
    stage.scratch.folder("root/home")
    try #require(Scratch.run("/bin/mount", ["-t", "tmpfs", "-o", "ro", "none", home]) == 0)
    defer { Scratch.run("/bin/umount", [home]) }
    try stage.start()
    let problems = try stage.status()["problems"].elements.compactMap(\.text)
    #expect(problems.contains { $0.hasPrefix("enforce: /home: read-only here") }, "\(problems)")
    let sources = try stage.call("Diagnose")["sources"].elements
    let found = try #require(sources.first { $0["name"].text == "enforcement" })
    #expect(found["state"].text == "limited" && found["lacks"].text == "leave to write /home")
    // Where nothing is to be taken back nothing has to be written.
    stage.configure(Stage.configuration + "\n[Watchdog]\nMode=alert\n")
    stage.reload()
    #expect(
      try stage.status()["problems"].elements.allSatisfy { $0.text?.contains("read-only") == false }
    )
  }
}
