/// What was read last, to know again what comes twice.
struct RecentEntries {
  private static let most = 256
  private var entries: [String] = []
  private var entryAt = 0
  private var commands: [(boot: [UInt8], pid: Int32?, command: String?)] = []
  private var commandAt = 0

  /// False for an entry that another file held too: same boot, time and content, which is what a
  /// cursor says after its first two parts.
  mutating func isNew(_ cursor: String) -> Bool {
    let parts = cursor.split(separator: ";").filter { !$0.hasPrefix("s=") && !$0.hasPrefix("i=") }
    let key = parts.joined(separator: ";")
    guard !entries.contains(key) else { return false }
    Self.put(key, &entries, &entryAt)
    return true
  }

  /// False for sudo's second line on a command whose first one was seen. One that was not is news:
  /// arguments can imitate its end.
  mutating func isNew(_ recognition: Recognition, _ fields: JournalFields) -> Bool {
    guard recognition.type == .use else { return true }
    if recognition.isEndReport {
      return !commands.contains {
        $0.boot == fields.boot && $0.pid == fields.pid && $0.command == recognition.command
      }
    }
    Self.put((fields.boot, fields.pid, recognition.command), &commands, &commandAt)
    return true
  }

  private static func put<Element>(_ element: Element, _ ring: inout [Element], _ at: inout Int) {
    if ring.count < most {
      ring.append(element)
    } else {
      ring[at] = element
      at = (at + 1) % most
    }
  }
}
