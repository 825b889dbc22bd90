internal import ByteText

/// A word of SQL text, PostgreSQL's lexical rules (chapter 4.1 of its manual).
enum SQLToken: Equatable {
  /// A keyword or a name without quotes, in lower case as PostgreSQL folds it.
  case word(String)
  /// A name in double quotes.
  case name(String)
  /// A string constant or a dollar-quoted text; what it holds is left out.
  case text
  case symbol(UInt8)

  var isSemicolon: Bool { self == .symbol(UInt8(ascii: ";")) }
  var isComma: Bool { self == .symbol(UInt8(ascii: ",")) }

  func isWord(_ keyword: String) -> Bool { self == .word(keyword) }

  /// As a name: the word, or what stood in quotes.
  var asName: String? {
    switch self {
    case .word(let text), .name(let text): text
    default: nil
    }
  }
}

/// Cuts SQL text into tokens; comments are left out, and so is all behind `mostTokens`.
struct SQLTokenizer {
  static let mostTokens = 4096
  private let text: [UInt8]
  private var at = 0
  private(set) var tokens: [SQLToken] = []
  /// Where string constants stand, quotes included.
  private(set) var strings: [Range<Int>] = []

  init(_ text: ArraySlice<UInt8>) {
    self.text = Array(text.prefix(65_536))
    while at < self.text.count, tokens.count < Self.mostTokens { step() }
  }

  private func byte(_ offset: Int = 0) -> UInt8? {
    at + offset < text.count ? text[at + offset] : nil
  }

  private mutating func step() {
    guard let first = byte() else { return }
    switch first {
    case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
      while let next = byte(), next != 0x0a { at += 1 }
    case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): comment()
    case UInt8(ascii: "\""): name()
    case UInt8(ascii: "'"): string(escapes: false, from: at)
    case UInt8(ascii: "e"), UInt8(ascii: "E"):
      if byte(1) == UInt8(ascii: "'") {
        at += 1
        string(escapes: true, from: at - 1)
      } else {
        word()
      }
    case UInt8(ascii: "$"): if !dollarQuoted() { symbol() }
    default:
      if first <= 0x20 {
        at += 1
      } else if isWordByte(first) {
        word()
      } else {
        symbol()
      }
    }
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte >= 0x80
  }

  private mutating func symbol() {
    tokens.append(.symbol(text[at]))
    at += 1
  }

  private mutating func word() {
    let start = at
    while let next = byte(), isWordByte(next) || next == UInt8(ascii: "$") { at += 1 }
    let folded = text[start..<at].map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    tokens.append(.word(String(decoding: folded, as: UTF8.self)))
  }

  private mutating func name() {
    at += 1
    var found: [UInt8] = []
    while let next = byte() {
      at += 1
      if next == UInt8(ascii: "\"") {
        guard byte() == next else { break }
        at += 1
      }
      found.append(next)
    }
    tokens.append(.name(String(decoding: found, as: UTF8.self)))
  }

  private mutating func string(escapes: Bool, from start: Int) {
    at += 1
    while let next = byte() {
      at += 1
      if escapes, next == UInt8(ascii: "\\") {
        at += 1
      } else if next == UInt8(ascii: "'") {
        guard byte() == next else { break }
        at += 1
      }
    }
    at = min(at, text.count)
    tokens.append(.text)
    strings.append(start..<at)
  }

  private mutating func comment() {
    var depth = 0
    while at < text.count {
      if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
        depth += 1
        at += 2
      } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
        depth -= 1
        at += 2
        if depth == 0 { return }
      } else {
        at += 1
      }
    }
  }

  private mutating func dollarQuoted() -> Bool {
    var end = at + 1
    while end < text.count, isWordByte(text[end]) { end += 1 }
    guard end < text.count, text[end] == UInt8(ascii: "$") else { return false }
    let tag = text[at...end]
    let start = at
    at = end + 1
    while at < text.count {
      if text[at] == UInt8(ascii: "$"), text[at...].starts(with: tag) {
        at += tag.count
        break
      }
      at += 1
    }
    at = min(at, text.count)
    tokens.append(.text)
    strings.append(start..<at)
    return true
  }
}
