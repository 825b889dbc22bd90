import ByteText
import Glibc
import LinuxKit
import Scratch
import Sources
import Testing

/// The kernel's real audit records. What was switched on is switched off again.
@Suite(
  .serialized,
  .enabled(
    if: geteuid() == 0 && access("/usr/sbin/auditctl", X_OK) == 0
      && (try? AuditStatus.read())?.enabled == 0,
    "needs root, auditctl and an audit system that nobody uses"))
struct AuditSourceLiveTests {
  private func withRules(_ body: () -> Void) {
    let isDone = AuditRules.with("\(Samples.folder)/../../../etc/grantwatch/audit.rules", body)
    #expect(isDone)
  }

  private func wait(
    _ source: AuditSource, _ what: (AccessSignal) -> Bool
  ) -> AccessSignal? {
    var found: AccessSignal?
    for _ in 0..<3000 where found == nil {
      _ = source.process(limit: 1000) { if found == nil, what($0) { found = $0 } }
      if found == nil { usleep(10_000) }
    }
    return found
  }

  @Test("The kernel's records of a change tell who, with which command, by the shipped rules")
  func changes() throws {
    let folder = "/tmp/grantwatch-audit-\(getpid())"
    _ = Spawn.runAndWait("/bin/sh", ["-c", "rm -rf $0; mkdir $0; touch $0/f", folder])
    defer { _ = Spawn.runAndWait("/bin/rm", ["-rf", folder]) }
    let source = try AuditSource()
    withRules {
      for (command, object) in [
        ("chmod 640 \(folder)/f", "file:\(folder)/f"),
        ("chown nobody \(folder)/f", "file:\(folder)/f"),
        ("setfacl -m u:nobody:r \(folder)/f", "file:\(folder)/f"),
      ] {
        #expect(Spawn.runAndWait("/bin/sh", ["-c", "cd /; exec \(command)"]).succeeded)
        let told = wait(source) { $0.command == command && $0.object == object }
        #expect(told?.trusted == true && told?.uid == 0, "\(command)")
        #expect((told?.pid ?? 0) > 1)
      }
      #expect(source.lagMilliseconds != nil && source.records > 0)
    }
  }

  @Test("Records that come faster than they are read are a loss that is told")
  func overrun() throws {
    let source = try AuditSource(room: 64 << 10)
    withRules {
      // Nobody reads meanwhile. Few, for where no auditd runs the kernel prints each, and who waits
      // for that is the caller.
      let flood =
        "my $f = \"/tmp/gw-audit-flood-$$\"; open(F, '>', $f); close(F);"
        + " chmod(0600, $f) for 1..500; unlink $f"
      #expect(Spawn.runAndWait("/usr/bin/perl", ["-e", flood]).succeeded)
      var gap: String?
      for _ in 0..<3000 where gap == nil {
        let progress = source.process(limit: 100_000) { _ in }
        gap = progress.gap ?? source.lookForLoss()
        if !progress.more, gap == nil { usleep(10_000) }
      }
      #expect(gap != nil && source.lost > 0)
    }
  }
}
