/// The entries read last, to know again one that several files hold. Bounded.
struct RecentEntries {
  private static let most = 256

  private struct Entry {
    var realtime: Int64
    var monotonic: UInt64
    var cursor: String
  }
  private var entries: [Entry] = []
  private var at = 0

  /// False for an entry that another file held too: same clocks and content, which is what a cursor
  /// says behind its first parts.
  mutating func isNew(realtime: Int64, monotonic: UInt64, cursor: String) -> Bool {
    for entry in entries
    where entry.realtime == realtime && entry.monotonic == monotonic
      && Self.content(entry.cursor) == Self.content(cursor)
    {
      return false
    }
    let entry = Entry(realtime: realtime, monotonic: monotonic, cursor: cursor)
    if entries.count < Self.most {
      entries.append(entry)
    } else {
      entries[at] = entry
      at = (at + 1) % Self.most
    }
    return true
  }

  /// A cursor without the file's id and the entry's number in it.
  private static func content(_ cursor: String) -> [Substring] {
    cursor.split(separator: ";").filter { !$0.hasPrefix("s=") && !$0.hasPrefix("i=") }
  }
}
