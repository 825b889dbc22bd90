internal import Glibc

/// The name of an entry's place in the journal, as sd_journal_get_cursor(3) gives it:
/// `s=…;i=…;b=…;m=…;t=…;x=…`, hexadecimal. What is behind the letters is no promise of the manual,
/// but does not change: `m` and `t` are the entry's own clocks. Reading them here spares two calls
/// for every entry.
package struct JournalCursor: Sendable, Equatable {
  package let text: String
  /// When journald stored the entry, microseconds since 1970; nil for a cursor of another form.
  package private(set) var realtime: Int64?
  /// Microseconds of CLOCK_MONOTONIC at which it was received, in its own boot.
  package private(set) var monotonic: UInt64?

  package init(_ text: String) { self = text.withCString { JournalCursor($0) } }

  init(_ bytes: UnsafePointer<CChar>) {
    text = String(cString: bytes)
    var at = bytes
    while true {
      if at[0] == letter("m"), at[1] == letter("=") { monotonic = Self.number(at + 2) }
      // What sd_journal_get_realtime_usec(3) takes for damage is none.
      if at[0] == letter("t"), at[1] == letter("="), let time = Self.number(at + 2),
        1..<(1 << 55) ~= time
      {
        realtime = Int64(time)
      }
      guard let next = strchr(at, Int32(letter(";"))) else { return }
      at = UnsafePointer(next) + 1
    }
  }

  private static func number(_ digits: UnsafePointer<CChar>) -> UInt64? {
    var end: UnsafeMutablePointer<CChar>?
    errno = 0
    let number = strtoull(digits, &end, 16)
    guard let end, end != digits, end[0] == 0 || end[0] == letter(";"), errno == 0 else {
      return nil
    }
    return UInt64(number)
  }
}

private func letter(_ character: Unicode.Scalar) -> CChar {
  CChar(truncatingIfNeeded: character.value)
}
