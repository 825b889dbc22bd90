package import ByteText

/// Entries in the journal's export format (https://systemd.io/JOURNAL_EXPORT_FORMATS): `NAME=value`
/// lines; `NAME`, eight bytes of length, value; a blank line between entries. Takes its text in
/// pieces, keeps one entry, and of a long value its beginning.
package struct ExportReader {
  /// One entry, with what stands in it of the journal's own.
  package struct Entry {
    package var fields = JournalFields()
    package var cursor = ""
    package var stored: Timestamp?
  }

  private static let longestValue = 64 << 10
  private static let longestName = 64

  private enum State {
    case line
    case length
    case value(left: UInt64)
    case valueEnd
  }

  private var state = State.line
  /// A line, or a name that ended without `=`, and what is kept of its value.
  private var line: [UInt8] = []
  private var length: [UInt8] = []
  private var entry = Entry()
  private var isEmpty = true
  /// What follows cannot be read.
  package private(set) var isDamaged = false

  package init() {}

  /// Takes the next piece; whole entries go to `body`.
  package mutating func take(_ bytes: ArraySlice<UInt8>, _ body: (Entry) -> Void) {
    var rest = bytes
    while !rest.isEmpty, !isDamaged {
      switch state {
      case .line: takeLine(&rest, body)
      case .length: takeLength(&rest)
      case .value(let left): takeValue(&rest, left)
      case .valueEnd:
        isDamaged = rest.removeFirst() != 0x0a
        field()
        state = .line
      }
    }
  }

  /// The end of the input: true when it ended with an entry.
  package mutating func end(_ body: (Entry) -> Void) -> Bool {
    if case .line = state, !isDamaged {
      if !line.isEmpty { field() }
      give(body)
      return true
    }
    give(body)
    return false
  }

  private mutating func takeLine(_ rest: inout ArraySlice<UInt8>, _ body: (Entry) -> Void) {
    let end = rest.firstIndex(of: 0x0a)
    let piece = rest[..<(end ?? rest.endIndex)]
    line += piece.prefix(max(0, Self.longestValue + Self.longestName - line.count))
    rest = rest[(end.map { $0 + 1 } ?? rest.endIndex)...]
    guard end != nil else { return }
    if line.isEmpty {
      give(body)
    } else if line.contains(UInt8(ascii: "=")) {
      field()
    } else if line.count <= Self.longestName {
      line.append(UInt8(ascii: "="))
      state = .length
    } else {
      isDamaged = true
    }
  }

  private mutating func takeLength(_ rest: inout ArraySlice<UInt8>) {
    length.append(rest.removeFirst())
    guard length.count == 8 else { return }
    let count = length.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    length = []
    state = count == 0 ? .valueEnd : .value(left: count)
  }

  private mutating func takeValue(_ rest: inout ArraySlice<UInt8>, _ left: UInt64) {
    let count = Int(min(UInt64(rest.count), left))
    line += rest.prefix(count).prefix(max(0, Self.longestValue + Self.longestName - line.count))
    rest = rest.dropFirst(count)
    let still = left - UInt64(count)
    state = still == 0 ? .valueEnd : .value(left: still)
  }

  private mutating func field() {
    defer { line.removeAll(keepingCapacity: true) }
    isEmpty = false
    if line.starts(with: "__CURSOR=".utf8) {
      entry.cursor = escaped(line[9...].prefix(512))
    } else if line.starts(with: "__REALTIME_TIMESTAMP=".utf8) {
      entry.stored = decimal(line[21...]).map { Timestamp(microseconds: $0) }
    } else {
      line.withUnsafeBytes { entry.fields.take($0) }
    }
  }

  private mutating func give(_ body: (Entry) -> Void) {
    if !isEmpty { body(entry) }
    entry = Entry()
    isEmpty = true
  }
}
