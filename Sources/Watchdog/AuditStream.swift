import ByteText
import Dispatch
import Grants
import LinuxKit
import Sources

/// The kernel's audit records: who made a change, even where its processes are gone.
extension Engine {
  /// Records taken in one turn.
  private static let recordsPerTurn = 2000

  /// Joins the kernel's records, and reads what auditd wrote while nobody did. Without either the
  /// rest goes on.
  func openAudit() {
    do {
      audit = try AuditSource(root: settings.root)
      auditObstacle = nil
    } catch {
      auditObstacle = "\(error)"
    }
    guard let downSince else { return }
    let after = auditCursor
    let problem = AuditLogFile.signals(from: downSince, to: now.wall, root: settings.root) {
      signal in
      guard after.map({ isBehind(signal.cursor, $0) }) ?? true else { return }
      take(signal, isLast: true)
    }
    if let problem { settings.log("audit: \(problem)") }
  }

  /// Reads what waits.
  func readAudit() {
    guard let audit else { return }
    turn {
      let progress = audit.process(limit: Self.recordsPerTurn) { take($0, isLast: true) }
      if let reason = progress.gap { auditGap(reason) }
      for change in progress.changes where weakens(change) {
        announce(
          "source.tampered", severity: .high, "audit: its rules or switches changed: \(change)")
      }
      if progress.more { queue.async { self.readAudit() } }
    }
  }

  /// Call it now and then: for what the kernel lost before anybody could read it.
  func lookAtAuditHealth() {
    guard let audit else { return }
    readAudit()
    guard now.up - auditLookedAt > 30_000_000 else { return }
    auditLookedAt = now.up
    if let reason = audit.lookForLoss() { auditGap(reason) }
  }

  private func auditGap(_ reason: String) {
    gap(source: "audit", reason: reason, from: auditSound, to: now.wall)
    auditSound = now.wall
    agenda.add(.freshLook, at: now.up)
  }

  /// Rules that go and the switch that goes off; more rules are no harm.
  private func weakens(_ change: String) -> Bool {
    change.contains("remove_rule") || change.contains("remove rule")
      || change.contains("audit_enabled=0")
  }

  /// True when `cursor`, `SECONDS.MILLIS:SERIAL`, lies behind `other`.
  private func isBehind(_ cursor: String, _ other: String) -> Bool {
    func parts(_ text: String) -> [Int64] {
      text.split(whereSeparator: { $0 == "." || $0 == ":" }).map { Int64($0) ?? 0 }
    }
    return parts(other).lexicographicallyPrecedes(parts(cursor))
  }

  /// What the record of a call, or a tool's own line, adds to a grant of the same process that /proc
  /// could not tell of.
  func complete(_ id: String, by signal: AccessSignal) {
    guard signal.trusted, signal.uid != .max, let grant = store[id],
      grant.actor.pid == signal.pid, grant.actor.loginUID == nil, grant.actor.command == nil
    else { return }
    update(id) { grant in
      grant.actor.uid = signal.uid
      grant.actor.user = hostAccounts.displayName(signal.uid) ?? "\(signal.uid)"
      grant.actor.loginUID = signal.loginUID
      grant.actor.loginUser = signal.loginUID.map { hostAccounts.displayName($0) ?? "\($0)" }
      grant.actor.session = signal.session
      grant.actor.command = signal.command
      grant.because.append("\(signal.source) says who process \(signal.pid) was")
    }
  }
}
