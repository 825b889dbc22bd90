import ByteText
import Glibc
import LinuxKit
import Scratch
import Sources
import Testing

/// A real auditd(8), which owns the kernel's records while it runs; everybody else has the multicast
/// group.
@Suite(
  .serialized,
  .enabled(
    if: geteuid() == 0 && access("/usr/sbin/auditctl", X_OK) == 0
      && access("/usr/sbin/auditd", X_OK) == 0
      && (try? AuditStatus.read()).map { $0.daemon == 0 && $0.enabled < 2 } ?? false,
    "needs root, auditd, auditctl, and that no auditd runs"))
struct AuditDaemonLiveTests {
  private static let settings = """
    local_events = yes
    write_logs = yes
    log_group = root
    log_format = RAW
    flush = DATA
    max_log_file = 8
    max_log_file_action = IGNORE
    space_left = 2
    space_left_action = IGNORE
    admin_space_left = 1
    admin_space_left_action = IGNORE
    disk_full_action = IGNORE
    disk_error_action = IGNORE

    """

  @Test("auditd and the source read the same records, and neither takes them from the other")
  func sideBySide() throws {
    let scratch = Scratch()
    Scratch.call(scratch.bytes()) { Glibc.chmod($0, 0o700) }
    scratch.folder("log", 0o700)
    scratch.folder("plugins.d", 0o700)
    scratch.file("f", 0o600)
    let log = "\(scratch.path)/log/audit.log"
    scratch.file(
      "auditd.conf", 0o640,
      text: Self.settings + "log_file = \(log)\nplugin_dir = \(scratch.path)/plugins.d\n")
    let begun = Timestamp(microseconds: SystemClock.wall())
    let auditd = Scratch.start(
      "/usr/sbin/auditd", ["-n", "-s", "nochange", "-c", scratch.path])
    try #require(auditd > 0)
    defer {
      kill(auditd, SIGTERM)
      _ = Scratch.wait(auditd)
    }
    #expect(until { (try? AuditStatus.read())?.daemon == UInt32(auditd) })
    let source = try AuditSource()
    let command = "chmod 640 \(scratch.path)/f"
    let isDone = AuditRules.with("\(Samples.folder)/../../../etc/grantwatch/audit.rules") {
      // The first record after its start does not always reach auditd.
      for line in ["chmod 644 \(scratch.path)/f", command] {
        #expect(Spawn.runAndWait("/bin/sh", ["-c", "cd /; exec \(line)"]).succeeded)
      }
      var heard: AccessSignal?
      let isHeard = until {
        _ = source.process(limit: 1000) { if $0.command == command { heard = $0 } }
        return heard != nil
      }
      #expect(isHeard)
      var written: AccessSignal?
      var problem: String?
      let isWritten = until {
        problem = AuditLogFile.signals(
          log, from: begun, to: Timestamp(microseconds: SystemClock.wall())
        ) { if $0.command == command { written = $0 } }
        return written != nil
      }
      #expect(isWritten && problem == nil, "\(problem ?? "")")
      #expect(heard?.trusted == true && heard?.object == "file:\(scratch.path)/f")
      // The same serial: what the file tells after a stop is not told twice.
      #expect(heard?.cursor == written?.cursor)
      #expect(heard?.object == written?.object && heard?.time == written?.time)
      #expect((try? AuditStatus.read())?.daemon == UInt32(auditd))
    }
    #expect(isDone)
  }

  private func until(_ isSo: () -> Bool) -> Bool {
    for _ in 0..<3000 {
      if isSo() { return true }
      usleep(10_000)
    }
    return false
  }
}
