import ByteText
import Glibc
import Grants
import Scratch
import Testing
import Watchdog

/// What is overdue is carried out where no daemon runs.
extension EngineLiveTests {
  @Test func theBackstopTakesBackWhatIsOverdueWhereNoDaemonRuns() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a; usermod --prefix $S/root -aG docker eve")
    _ = try stage.wait("two grants") { try stage.grants().count == 2 ? true : nil }
    stage.stop()
    stage.clock.pass(901_000_000)
    try stage.runBackstop()
    #expect(stage.mode("a") == 0o600)
    #expect(stage.members(of: "docker") == "")
    try stage.start()
    for grant in try stage.grants() {
      #expect(grant["state"].text == "ended")
      #expect(grant["endedBy"].text == "expired")
    }
  }

  @Test func theBackstopLeavesWhatIsNotDue() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    _ = try stage.fileGrant()
    stage.stop()
    try stage.runBackstop()
    #expect(stage.mode("a") == 0o666)
  }

  @Test func theBackstopHasNothingToDoBesideADaemon() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    var settings = stage.settings
    settings.isBackstop = true
    let failure = #expect(throws: EngineError.self) { try Engine.make(settings) }
    #expect(failure?.isInUse == true)
  }
}

extension Stage {
  /// Runs the backstop as grantwatchd(8) does.
  func runBackstop() throws {
    var settings = settings
    settings.isBackstop = true
    let engine = try wait("the state directory is free") {
      do throws(EngineError) {
        return try Engine.make(settings)
      } catch {
        guard error.isInUse else { throw error }
        return nil
      }
    }
    try engine.start()
    engine.carryOutOverdue()
  }
}
