/// The entries read last, to know again one that several files hold: files are read side by side by
/// time, so that the same entries come close together. Bounded.
struct RecentEntries {
  private static let most = 64

  /// The clocks of the entries, apart from their cursors: they are compared with every new one.
  private var realtimes: [Int64] = []
  private var monotonics: [UInt64] = []
  private var cursors: [String] = []
  private var at = 0
  private var newest = Int64.min

  /// False for an entry that another file held too: same clocks and content, which is what a cursor
  /// says behind its first parts.
  mutating func isNew(realtime: Int64, monotonic: UInt64, cursor: String) -> Bool {
    // Most are the latest of all.
    let isLatest = realtime > newest
    newest = max(newest, realtime)
    for index in isLatest ? 0..<0 : realtimes.indices
    where realtimes[index] == realtime && monotonics[index] == monotonic
      && Self.content(cursors[index]) == Self.content(cursor)
    {
      return false
    }
    if cursors.count < Self.most {
      realtimes.append(realtime)
      monotonics.append(monotonic)
      cursors.append(cursor)
    } else {
      realtimes[at] = realtime
      monotonics[at] = monotonic
      cursors[at] = cursor
      at = (at + 1) % Self.most
    }
    return true
  }

  /// A cursor without the file's id and the entry's number in it.
  private static func content(_ cursor: String) -> [Substring] {
    cursor.split(separator: ";").filter { !$0.hasPrefix("s=") && !$0.hasPrefix("i=") }
  }
}
