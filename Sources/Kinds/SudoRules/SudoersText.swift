internal import ByteText

/// One logical line of a sudoers file: a line and those that a backslash at its end joins to it.
package struct SudoersLine: Sendable, Equatable {
  package enum Include: Sendable, Equatable {
    case file([UInt8])
    case folder([UInt8])
  }

  /// Its bytes in the file, line feeds included.
  package var range: Range<Int>
  /// Where it names what is to be read here.
  package var include: Include?
  /// False for blanks and comments.
  package var says: Bool
  package var isDefaults: Bool
}

/// The logical lines of a sudoers file; see sudoers(5), Other special characters, and Including
/// other files.
package struct SudoersText: Sendable, Equatable {
  package let bytes: [UInt8]
  package let lines: [SudoersLine]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var lines: [SudoersLine] = []
    var at = 0
    while at < bytes.count {
      let end = Self.endOfLine(bytes, at)
      lines.append(Self.line(bytes, at..<end))
      at = end
    }
    self.lines = lines
  }

  package subscript(line: SudoersLine) -> ArraySlice<UInt8> { bytes[line.range] }

  /// The text with its include lines left blank, as a tool may read it alone.
  package var withoutIncludes: [UInt8] { joined(lines[...]) }

  /// The bytes of some lines, include lines left blank.
  func joined(_ some: ArraySlice<SudoersLine>) -> [UInt8] {
    var text: [UInt8] = []
    for line in some {
      if line.include == nil { text.append(contentsOf: self[line]) } else { text.append(0x0a) }
    }
    return text
  }

  /// Where the logical line that starts at `start` ends.
  private static func endOfLine(_ bytes: [UInt8], _ start: Int) -> Int {
    var at = start
    var quoted = false
    while at < bytes.count {
      switch bytes[at] {
      case 0x0a: return at + 1
      case UInt8(ascii: "\""):
        quoted.toggle()
        at += 1
      case UInt8(ascii: "\\"):
        var after = at + 1
        while after < bytes.count, bytes[after] == 0x20 || bytes[after] == 0x09 { after += 1 }
        if after < bytes.count, bytes[after] == 0x0d { after += 1 }
        guard after < bytes.count, bytes[after] == 0x0a else {
          at += 2
          continue
        }
        at = after + 1
        // sudo joins no include to a line; no tool may be led to follow one.
        if include(bytes[at...].drop { $0 == 0x20 || $0 == 0x09 }) != nil { return at }
      case UInt8(ascii: "#") where !quoted && startsComment(bytes, at):
        while at < bytes.count, bytes[at] != 0x0a { at += 1 }
      default: at += 1
      }
    }
    return min(at, bytes.count)
  }

  /// `#` before a digit, or before `-` and a digit, begins a number.
  private static func startsComment(_ bytes: [UInt8], _ at: Int) -> Bool {
    var next = at + 1
    if next < bytes.count, bytes[next] == UInt8(ascii: "-") { next += 1 }
    return next >= bytes.count || !isDigit(bytes[next])
  }

  private static func line(_ bytes: [UInt8], _ range: Range<Int>) -> SudoersLine {
    let text = bytes[range].drop { $0 == 0x20 || $0 == 0x09 }
    let include = include(text)
    let first = text.first { !isBlank($0) }
    let isComment =
      text.first == UInt8(ascii: "#") && startsComment(bytes, text.startIndex) && include == nil
    return SudoersLine(
      range: range, include: include, says: first != nil && !isComment && include == nil,
      isDefaults: text.starts(with: "Defaults".utf8))
  }

  private static func include(_ text: ArraySlice<UInt8>) -> SudoersLine.Include? {
    guard text.first == UInt8(ascii: "@") || text.first == UInt8(ascii: "#") else { return nil }
    let word = text.dropFirst().prefix { !isBlank($0) }
    let isFolder = word.elementsEqual("includedir".utf8)
    guard isFolder || word.elementsEqual("include".utf8) else { return nil }
    guard let path = path(text.dropFirst(1 + word.count)) else { return nil }
    return isFolder ? .folder(path) : .file(path)
  }

  /// A path in double quotes, or with its blanks escaped; nil when there is none.
  private static func path(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = text.drop { $0 == 0x20 || $0 == 0x09 }
    var path: [UInt8] = []
    let quoted = rest.first == UInt8(ascii: "\"")
    if quoted { rest = rest.dropFirst() }
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), let next = rest.first, next != 0x0a {
        path.append(next)
        rest = rest.dropFirst()
      } else if byte == 0x0a || (quoted ? byte == UInt8(ascii: "\"") : isBlank(byte)) {
        break
      } else {
        path.append(byte)
      }
    }
    return path.isEmpty || path.contains(0) ? nil : path
  }
}
