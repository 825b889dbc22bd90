internal import ByteText
package import LinuxKit

/// How far an `AuditSource` came.
package struct AuditProgress: Sendable {
  /// There is more to read at once.
  package var more: Bool
  /// Why records were lost, where some were.
  package var gap: String?
  /// What changed in the audit system itself.
  package var changes: [String]
}

/// The kernel's audit records as a source of signals. journald's own copies of them are not asked
/// for, so that nothing comes twice.
///
/// Lives on one queue. When `descriptor` is readable, call `process` until it says there is no more;
/// and every second or so, for events whose end was lost.
package final class AuditSource {
  private let socket: AuditSocket
  private var events: AuditEvents
  private var knownLost: UInt32?

  /// Records that came since the start.
  package private(set) var records = 0
  /// Records and times of congestion known to be lost.
  package private(set) var lost = 0
  /// How late the last record came.
  package private(set) var lagMilliseconds: Int?
  /// As far as the kernel tells; nil without CAP_AUDIT_CONTROL.
  package private(set) var status: AuditStatus?

  /// With `root` files below it are named from there, and those outside not at all. `room` is what
  /// the kernel may keep unread, in bytes.
  package init(root: [UInt8] = [], room: Int32 = 16 << 20) throws(SystemError) {
    events = AuditEvents(root: root)
    socket = try AuditSocket(room: room)
    status = try? AuditStatus.read()
    knownLost = status?.lost
  }

  package var descriptor: Int32 { socket.descriptor }

  /// Reads at most `limit` records and hands on what they tell.
  package func process(limit: Int, _ body: (AccessSignal) -> Void) -> AuditProgress {
    func tell(_ signal: AccessSignal) {
      if signal.pid != OwnProcess.pid { body(signal) }
    }
    var newest: Timestamp?
    let drained = socket.drain(limit: limit) { type, text in
      guard let record = AuditRecord(type: type, text) else { return }
      newest = record.time
      events.take(record, tell)
    }
    records += drained.records
    let now = Timestamp(microseconds: SystemClock.wall())
    if let newest { lagMilliseconds = Int(max(0, (now - newest).microseconds) / 1000) }
    events.release(before: now - TimeSpan(seconds: 2), tell)
    lost += drained.overruns
    return AuditProgress(
      more: drained.records == limit,
      gap: drained.overruns == 0 ? nil : "audit records came faster than they were read",
      changes: events.takeChanges())
  }

  /// Asks the kernel how many records it lost; the words for a gap when there are more.
  package func lookForLoss() -> String? {
    guard let now = try? AuditStatus.read() else {
      status = nil
      return nil
    }
    status = now
    defer { knownLost = now.lost }
    guard let known = knownLost, now.lost > known else { return nil }
    lost += Int(now.lost - known)
    return "the kernel lost \(now.lost - known) audit records for want of room"
  }
}
