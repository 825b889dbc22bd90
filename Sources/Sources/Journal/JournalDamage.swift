internal import ByteText
internal import LinuxKit

/// Files of a journal that are damaged. libsystemd leaves such a file behind where the damage begins
/// and says nothing: only the bytes that it reads are fewer then.
struct JournalDamage {
  private struct File: Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private let place: JournalPlace
  /// Files that were told of: each is told of once, whatever it is called later.
  private var known: Set<File> = []
  private var usage: UInt64 = 0

  init(_ place: JournalPlace) { self.place = place }

  /// Notes what a handle reads before it is used.
  mutating func begin(_ journal: Journal) { usage = (try? journal.usage()) ?? 0 }

  /// The gap that damage makes in what was stored after `since`, the first time it is met; nil where
  /// there is none. `open` opens single files as the journal was opened.
  mutating func find(
    _ journal: Journal, since: Timestamp, _ open: (JournalPlace) throws(SystemError) -> Journal
  ) -> JournalGap? {
    guard let usage = try? journal.usage() else { return nil }
    defer { self.usage = usage }
    guard usage < self.usage else { return nil }
    var gap: JournalGap?
    var names: [String] = []
    for path in place.paths {
      guard let status = try? FileStatus.at(Array(path.utf8)),
        !known.contains(File(device: status.device, inode: status.inode)),
        let span = Self.damage(path, since, Timestamp(microseconds: status.changed), open)
      else { continue }
      known.insert(File(device: status.device, inode: status.inode))
      names.append(
        escaped(Array(path.split(separator: "/").last.map(String.init)?.utf8 ?? "".utf8)))
      gap = JournalGap(
        from: min(gap?.from ?? span.from, span.from), to: max(gap?.to ?? span.to, span.to),
        reason: "")
    }
    let more = names.count > 4 ? " and \(names.count - 4) more" : ""
    gap?.reason = "the journal is damaged: \(names.prefix(4).joined(separator: " "))\(more)"
    return gap
  }

  /// The part behind `since` of a file that cannot be read to its end; nil for one that can, or that
  /// was stored before.
  private static func damage(
    _ path: String, _ since: Timestamp, _ changed: Timestamp,
    _ open: (JournalPlace) throws(SystemError) -> Journal
  ) -> (from: Timestamp, to: Timestamp)? {
    guard since <= changed else { return nil }
    do throws(SystemError) {
      let file = try open(.files([path]))
      let span = try file.span() ?? (0, changed.microseconds)
      let to = Timestamp(microseconds: span.to)
      guard to >= since else { return nil }
      let from = max(since, Timestamp(microseconds: span.from))
      let usage = try file.usage()
      try? file.seek(realtime: since.microseconds)
      do throws(SystemError) {
        while try file.next() {}
      } catch {
        return (from, to)
      }
      // One that is being written grows.
      return try file.usage() < usage ? (from, to) : nil
    } catch {
      return error.isDamage ? (since, changed) : nil
    }
  }
}
