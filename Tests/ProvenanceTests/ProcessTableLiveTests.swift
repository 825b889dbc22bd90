import Glibc
import Grants
import LinuxKit
import Provenance
import Testing

@Suite(
  .serialized,
  .enabled(if: geteuid() == 0 && Live.hasConnector, "needs root and process events"))
struct ProcessTableLiveTests {
  private let stage: Stage
  private let table: ProcessTable

  init() throws {
    stage = try Stage(loginUID: 4242)
    try stage.play("cp /bin/bash claude; touch file")
    table = ProcessTable(
      signatures: .sample, accountNames: { $0 == 4242 ? "alice" : $0 == 0 ? "root" : nil })
    table.start()
    #expect(table.health.state == "ok")
  }

  private func judge(_ pid: Int32) -> Attribution {
    table.drain()
    return table.attribute(pid: pid, alive: false, at: ProcessTable.systemClock()())
  }

  private let command = #"sh -c "echo \$\$ >pid; exec chmod 0777 file""#

  /// An agent starts, is seen, and then runs `line` in its shell; `line` outlives nothing.
  private func agent(_ line: String) throws -> Int32 {
    try stage.play(
      "\(stage.folder)/claude -c 'echo >gone; while ! test -e go; do sleep 0.01; done; \(line); :' &"
    )
    try stage.await("gone")
    table.drain()
    try stage.play("touch go")
    let pid = try stage.actor()
    try stage.end(of: pid)
    return pid
  }

  @Test("A short command below an agent is attributed after all of it is gone")
  func deadAncestors() throws {
    let pid = try agent(command)
    let found = judge(pid)
    #expect(found.provenance == .agentExecuted)
    #expect(found.confidence == .certain)
    #expect(found.agent?.name == "claude-code")
    #expect(found.chainText.hasPrefix("chmod(\(pid))") || found.chainText.hasPrefix("?(\(pid))"))
    #expect(found.chainText.contains("< claude("))
    #expect(found.source == "process-events")
    #expect(found.complete)
    #expect(found.actor.loginUID == 4242)
  }

  @Test("An orphan of its own session with a clean environment is still the agent's")
  func doubleFork() throws {
    let pid = try agent("setsid -f env -i /bin/\(command)")
    let found = judge(pid)
    #expect(found.provenance == .agentExecuted)
    #expect(found.confidence == .certain)
    #expect(found.rootKey.hasPrefix("agent:"))
  }

  @Test("Through sudo too", .enabled(if: access("/usr/bin/sudo", X_OK) == 0, "needs sudo"))
  func sudo() throws {
    let found = judge(try agent("sudo -n \(command)"))
    #expect(found.provenance == .agentExecuted)
    #expect(found.confidence == .certain)
  }

  @Test("A person's command is a person's")
  func human() throws {
    try stage.play("\(command)")
    let pid = try stage.actor()
    try stage.end(of: pid)
    let found = judge(pid)
    #expect(found.provenance == .human)
    #expect(found.confidence == .strong)
    #expect(found.actor.loginUser == "alice")
    #expect(found.agent == nil)
    #expect(found.rootKey.hasPrefix("session:"))
  }

  @Test("Callers: a person's sleep may ask, an agent's may not")
  func callers() throws {
    try stage.play("sleep 60 & echo $! >pid")
    let person = try stage.actor()
    let allowed = table.checkCaller(
      pid: person, uid: 0, start: ProcessFiles().stat(person)?.start ?? 0)
    #expect(allowed.ok, "\(allowed.reason)")
    #expect(allowed.loginUID == 4242)
    try stage.play("kill $(cat pid); rm pid")
    try stage.play(
      "\(stage.folder)/claude -c 'echo >gone; while ! test -e go; do sleep 0.01; done; setsid -f env -i sh -c \"echo \\$\\$ >pid; exec sleep 60\"' &"
    )
    try stage.await("gone")
    table.drain()
    try stage.play("touch go")
    let caller = try stage.actor()
    let refused = table.checkCaller(
      pid: caller, uid: 0, start: ProcessFiles().stat(caller)?.start ?? 0)
    #expect(!refused.ok)
    #expect(refused.agent?.name == "claude-code")
    try stage.play("kill $(cat pid)")
  }

  @Test("Events lost to a flood are a gap; /proc is looked at again, and attribution goes on")
  func overrun() throws {
    let table = ProcessTable(
      signatures: .sample, accountNames: { _ in nil }, clock: ProcessTable.systemClock())
    // Some 2,600 events; a flood of three thousand children is more than twice as many.
    table.start(.kernel, room: 1 << 20)
    func start(_ name: String) throws {
      try stage.play(
        "\(stage.folder)/claude -c 'echo >gone; while test -e claude && ! test -e go; do sleep 0.01; done; \(command); exec sleep 60' & echo $! >\(name)"
      )
      try stage.await("gone")
      try stage.play("rm gone")
    }
    func pid(_ name: String) throws -> Int32 {
      try stage.play("mv \(name) pid")
      defer { try? stage.play("rm pid") }
      return try stage.actor()
    }
    try start("file")
    table.drain()
    #expect(table.takeGaps().isEmpty)
    let known = try pid("file")
    try stage.play("for i in $(seq 1500); do (:); done")
    try start("file")
    let missed = try pid("file")
    try stage.play("for i in $(seq 1500); do (:); done; touch file")
    table.drain()
    let gaps = table.takeGaps()
    #expect(gaps.count == 1)
    #expect(gaps.first?.reason.contains("faster than they were read") == true)
    #expect(gaps.first?.tampered == false)
    #expect(gaps.first.map { $0.from.up < $0.to.up } == true)
    #expect(table.health.lost > 0 && table.health.state == "ok")
    let now = ProcessTable.systemClock()()
    // What began unseen is found in /proc, which is worth less than events.
    let found = table.attribute(pid: missed, alive: true, at: now)
    #expect(found.provenance == .agentExecuted && found.confidence == .strong)
    #expect(found.source == "proc")
    let before = table.attribute(pid: known, alive: true, at: now)
    #expect(before.provenance == .agentExecuted && before.source == "process-events")
    // The dead of the flood do not pass for living.
    #expect(table.count < 3000)
    try stage.play("touch go")
    let actor = try stage.actor()
    try stage.end(of: actor)
    table.drain()
    let after = table.attribute(pid: actor, alive: false, at: ProcessTable.systemClock()())
    #expect(after.provenance == .agentExecuted && after.agent?.name == "claude-code")
    #expect(after.chain.contains { $0.pid == known || $0.pid == missed })
    try stage.play("kill -KILL \(known) \(missed)")
  }

  @Test("Attribution of a deep chain is quick")
  func speed() throws {
    let nested = (0..<10).reduce("echo $BASHPID >pid; exec sleep 60") { line, _ in "(\(line); :)" }
    try stage.play("\(nested) & :")
    let pid = try stage.actor()
    table.drain()
    let now = ProcessTable.systemClock()()
    let clock = ContinuousClock()
    var best = Duration.seconds(1)
    for _ in 0..<50 {
      best = min(best, clock.measure { _ = table.attribute(pid: pid, alive: true, at: now) })
    }
    let found = table.attribute(pid: pid, alive: true, at: now)
    print("attribution of \(found.chain.count) processes: \(best)")
    #expect(found.chain.count >= 12)
    #expect(best < .milliseconds(2))
    try stage.play("kill \(pid)")
  }
}

/// What the kernel has here.
enum Live {
  /// Process events come: not inside a PID namespace.
  static let hasConnector: Bool = {
    guard let connector = try? ProcessConnector(), let child = connector.forkNothing() else {
      return false
    }
    var heard = false
    _ = connector.drain { event, _ in
      if case .fork(_, _, child, _) = event { heard = true }
    }
    return heard
  }()
}

/// Takes every listener's events away for some milliseconds: run on its own, where
/// GRANTWATCH_TEST_BLINDING is set.
@Suite(
  .serialized,
  .enabled(
    if: geteuid() == 0 && getenv("GRANTWATCH_TEST_BLINDING") != nil && Live.hasConnector,
    "needs root, process events and GRANTWATCH_TEST_BLINDING"))
struct BlindedConnectorLiveTests {
  @Test("Blinding by another process is noticed and healed, the gap is told once")
  func blinded() throws {
    let table = ProcessTable(signatures: .sample, accountNames: { _ in nil })
    table.start()
    let listener = try ProcessConnector()
    let raw = socket(
      AF_NETLINK, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 11)
    let attacker = FileDescriptor(owning: raw)
    var taken = 0
    func hears() -> Bool {
      var heard = false
      guard let child = listener.forkNothing() else { return false }
      _ = listener.drain { event, _ in
        if case .fork(_, _, child, _) = event { heard = true }
      }
      return heard
    }
    while hears(), taken < 20_000 {
      try ProcessConnector.send(5, through: attacker.raw)
      try ProcessConnector.send(2, through: attacker.raw)
      taken += 1
    }
    defer { listener.raiseListeners(taken) }
    try #require(taken < 20_000, "this kernel does not let it happen")
    table.drain()
    table.canary()
    #expect(hears())
    #expect(table.health.state == "ok")
    #expect(table.health.tampered > 0)
    let gaps = table.takeGaps()
    #expect(gaps.map(\.tampered) == [true])
    #expect(table.takeGaps().isEmpty)
  }
}
