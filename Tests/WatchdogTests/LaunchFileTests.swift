import ByteText
import Scratch
import Testing

/// What an agent leaves for cron to run is evidence on what cron then changes.
extension EngineLiveTests {
  /// A stage with a cron that was there before.
  private func stageWithCron() throws -> (Stage, Actors) {
    let stage = try Stage { scratch in
      for name in ["a", "b", "c", "d"] { scratch.file("root/srv/\(name)", 0o600) }
      scratch.folder("root/etc/cron.d")
      Scratch.run("/bin/cp", ["/bin/bash", "\(scratch.path)/claude/cron"])
    }
    let cron = try Actors(
      stage.scratch, "cron", loginUID: 4711, program: "\(stage.scratch.path)/claude/cron")
    return (stage, cron)
  }

  /// The evidence of the grant that cron's change of `name` becomes.
  private func evidence(_ stage: Stage, _ cron: Actors, _ name: String) throws -> [String] {
    try cron.play("chmod 666 $D/\(name)")
    let grant = try stage.grant("a grant on \(name)") {
      $0["object"].text?.hasSuffix("/srv/\(name)") == true
    }
    let shown = try stage.show(try #require(grant["id"].text))
    #expect(shown["provenance"].text == "unknown")
    #expect(shown["confidence"].text == "weak")
    let asked = shown["evidence"].elements.contains {
      $0["text"].text?.contains("claude-code asked") == true
    }
    #expect(shown["hints"].elements.map(\.text) == (asked ? ["claude-code"] : []))
    return shown["evidence"].elements.compactMap { $0["text"].text }
  }

  private func requests(_ stage: Stage) -> [String] {
    (stage.text("state/ledger/00000000000000000001.jsonl") ?? "").split(separator: "\n")
      .map(String.init).filter { $0.contains("\"type\":\"launch.requested\"") }
  }

  @Test(arguments: [false, true]) func aCrontabThatAnAgentWroteOutlivesTheDaemon(
    crashed: Bool
  ) throws {
    let (stage, cron) = try stageWithCron()
    try stage.start()
    try stage.human.play("echo '* * * * * root id' >$S/root/etc/cron.d/humans")
    #expect(try evidence(stage, cron, "a").allSatisfy { !$0.contains("cron.d") })
    try stage.agent("echo '* * * * * root chmod 666 x' >$S/root/etc/cron.d/job")
    _ = try stage.wait("a request in the ledger") { requests(stage).first }
    #expect(requests(stage).allSatisfy { !$0.contains("humans") })
    let told = try evidence(stage, cron, "b")
    #expect(told.contains { $0.contains("claude-code asked") && $0.contains("/etc/cron.d/job") })
    crashed ? crash(stage) : stage.stop()
    try stage.start()
    #expect(try evidence(stage, cron, "c").contains { $0.contains("/etc/cron.d/job") })
    // Bookkeeping: nobody is shown it.
    #expect(try stage.events("launch.requested").isEmpty)
  }

  @Test func foldersThatComeLaterAreWatchedToo() throws {
    let (stage, cron) = try stageWithCron()
    try stage.start()
    try stage.agent(
      "mkdir -p $S/root/etc/systemd/system/web.service.d $S/root/var/spool/cron/crontabs")
    try stage.agent("echo x >$S/root/etc/systemd/system/web.service.d/x.conf")
    try stage.agent("echo x >$S/new; mv $S/new $S/root/var/spool/cron/crontabs/bob")
    _ = try stage.wait("two requests") { requests(stage).count >= 2 ? true : nil }
    let all = requests(stage).joined()
    #expect(all.contains("\"unit\":\"web\"") && all.contains("crontabs/bob"))
    #expect(try evidence(stage, cron, "a").contains { $0.contains("crontabs/bob") })
  }
}
