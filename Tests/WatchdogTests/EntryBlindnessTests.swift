import ByteText
import Scratch
import Testing

/// Kinds whose state cannot be read, or not be kept.
extension EngineLiveTests {
  private func gaps(_ stage: Stage) throws -> [String] {
    try stage.events("source.gap").compactMap { $0["text"].text }
      .filter { $0.hasPrefix("sudo-rule: ") }
  }

  @Test(arguments: [
    "echo 'eve ALL=((' >$S/root/etc/sudoers.d/b",
    "yes '# x' | head -c 1100000 >$S/root/etc/sudoers.d/b",
  ])
  func aFileThatCannotBeToldIsAGapFromToAndToldOnce(_ act: String) throws {
    let stage = try Stage(prepare: Self.furnish)
    stage.addWebhook()
    try stage.start()
    try stage.human.play(act)
    _ = try stage.wait("the gap") { try gaps(stage).isEmpty ? nil : true }
    #expect(try stage.status()["state"].text == "degraded")
    for index in 0..<3 {
      try stage.human.play("echo '# \(index)' >>$S/root/etc/sudoers.d/x")
      stage.pass(seconds: 1)
    }
    let opened = try #require(gaps(stage).first)
    #expect(try gaps(stage).count == 1 && opened.contains("until it can be read again"))
    try stage.human.play("rm $S/root/etc/sudoers.d/b")
    _ = try stage.wait("its end") { try gaps(stage).count == 2 ? true : nil }
    let closed = try #require(gaps(stage).last)
    let from = try #require(opened.split(separator: " from ").last?.prefix(24))
    #expect(closed.contains("from \(from) to "))
    #expect(try stage.outbox().count { $0["type"].text == "source.gap" } == 2)
    #expect(try stage.status()["problems"].elements.isEmpty)
  }

  /// Whoever breaks a file again and again fills no outbox with it.
  @Test func aFileThatIsBrokenAgainAndAgainIsToldOnceAMinute() throws {
    let stage = try Stage(prepare: Self.furnish)
    stage.addWebhook()
    try stage.start()
    for _ in 0..<4 {
      try stage.human.play("echo 'eve ALL=((' >$S/root/etc/sudoers.d/b")
      _ = try stage.wait("it is broken") {
        try stage.status()["state"].text == "degraded" ? true : nil
      }
      try stage.human.play("rm $S/root/etc/sudoers.d/b")
      _ = try stage.wait("it is whole") { try stage.status()["state"].text == "ok" ? true : nil }
    }
    // Each is on record.
    #expect(try gaps(stage).count == 5)
    #expect(try stage.outbox().count { $0["type"].text == "source.gap" } == 2)
    try stage.human.play("echo 'eve ALL=((' >$S/root/etc/sudoers.d/b")
    stage.pass(seconds: 61)
    _ = try stage.wait("it is told") { try gaps(stage).count == 6 ? true : nil }
  }

  @Test func aStateThatCannotBeUsedIsSaidLoudly() throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    stage.stop()
    Scratch.run(
      "/usr/bin/truncate", ["-s", "200M", "\(stage.scratch.path)/state/entries-ssh-key.json"])
    try stage.start()
    let told = try stage.events("ledger.damaged").compactMap { $0["text"].text }
    #expect(told.count == 1 && told[0].contains("entries-ssh-key.json"))
    #expect(told[0].contains("too large"), "\(told)")
    #expect(try stage.status()["state"].text == "degraded")
  }
}
