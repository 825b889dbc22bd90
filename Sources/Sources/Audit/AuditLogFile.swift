package import ByteText
internal import LinuxKit

/// What auditd(8) wrote while nobody read the kernel's records: audit.log and the files it was
/// rotated to.
package enum AuditLogFile {
  package static let path = "/var/log/audit/audit.log"
  /// Rotated files that are looked into, and bytes of each that are read.
  private static let mostFiles = 8
  private static let mostBytes = 256 << 20

  /// Tells the events between two moments, oldest file first. A file that others than root may
  /// write is not believed; a missing one is none.
  ///
  /// Files are named as seen from `root`, as `AuditSource` names them.
  ///
  /// - Returns: why something was passed over; nil when all was read.
  package static func signals(
    _ path: String = path, from: Timestamp, to: Timestamp, root: [UInt8] = [],
    _ body: (AccessSignal) -> Void
  ) -> String? {
    var events = AuditEvents(root: root)
    var problem: String?
    let names = [path] + (1...mostFiles).map { "\(path).\($0)" }
    for name in names.reversed() {
      do throws(SystemError) {
        problem = try read(name, from, to, &events, body) ?? problem
      } catch {
        if error.code != SystemError.notFound { problem = "\(error)" }
      }
    }
    events.release(before: nil, body)
    return problem
  }

  private static func read(
    _ name: String, _ from: Timestamp, _ to: Timestamp, _ events: inout AuditEvents,
    _ body: (AccessSignal) -> Void
  ) throws(SystemError) -> String? {
    let file = try LogFile(name)
    let status = try file.status()
    guard status.uid == 0, status.mode & 0o022 == 0 else {
      return "\(escaped(Array(name.utf8))): others than root may write it: not believed"
    }
    if status.changed < from.microseconds { return nil }
    var lines = LineSplitter(longest: 65_536)
    var at: Int64 = 0
    while at < mostBytes, case let piece = try file.read(at: at), !piece.isEmpty {
      at += Int64(piece.count)
      lines.take(piece[...]) { line, _ in
        line.withUnsafeBytes { bytes in
          guard let record = AuditRecord(line: bytes), record.time >= from, record.time <= to
          else { return }
          events.take(record, body)
        }
      }
    }
    return nil
  }
}
