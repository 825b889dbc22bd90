internal import ByteText

/// What an agent hands to its hook, read whatever it is: cut off, not UTF-8, or no JSON at all.
enum HookInput {
  /// Bytes that are read of it.
  static let longest = 1 << 20

  /// The JSON in `bytes`; what was cut off is closed where it ends. Nil for no JSON.
  static func json(_ bytes: [UInt8]) -> JSON? {
    if let whole = try? JSON.parse(bytes) { return whole }
    let text = valid(bytes)
    if let whole = try? JSON.parse(text) { return whole }
    return closed(text).flatMap { try? JSON.parse($0) }
  }

  /// The same text with what is not UTF-8 replaced.
  static func valid(_ bytes: [UInt8]) -> [UInt8] {
    Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  /// A JSON text that was cut off anywhere, with its end made up: strings and brackets are closed,
  /// a member without a value is null. Nil where it is no beginning of an object.
  static func closed(_ text: [UInt8]) -> [UInt8]? {
    guard text.first(where: { !isBlank($0) }) == UInt8(ascii: "{") else { return nil }
    var scan = CutScan()
    for (index, byte) in text.enumerated() {
      guard scan.take(byte, at: index) else { return nil }
    }
    return scan.closed(text)
  }
}

/// How far a JSON text has come: which brackets are open, and what may follow.
private struct CutScan {
  /// As deep as the parser goes.
  private static let deepest = 64

  private var open: [UInt8] = []
  private var inString = false
  /// Where the escape that is not over yet began.
  private var escape: Int?
  private var digits = 0
  /// Where the last word (a number, true) began.
  private var word: Int?
  /// The last thing that was whole, within the innermost bracket.
  private var last = Last.start
  private enum Last { case start, key, colon, value, comma }

  /// False where the text cannot be JSON.
  mutating func take(_ byte: UInt8, at index: Int) -> Bool {
    if inString {
      takeInString(byte, at: index)
      return true
    }
    if isBlank(byte) || byte == 0x0a || byte == 0x0d {
      endWord()
      return true
    }
    switch byte {
    case UInt8(ascii: "\""):
      inString = true
      return true
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      guard open.count < Self.deepest else { return false }
      open.append(byte)
      last = .start
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      endWord()
      guard open.popLast() != nil else { return false }
      last = .value
    case UInt8(ascii: ":"): last = .colon
    case UInt8(ascii: ","):
      endWord()
      last = .comma
    default: word = word ?? index
    }
    return true
  }

  private mutating func takeInString(_ byte: UInt8, at index: Int) {
    if escape != nil {
      if digits > 0 {
        digits -= 1
      } else if byte == UInt8(ascii: "u") {
        digits = 4
      }
      if digits == 0 { escape = nil }
      return
    }
    if byte == UInt8(ascii: "\\") {
      escape = index
      return
    }
    guard byte == UInt8(ascii: "\"") else { return }
    inString = false
    let isKey = open.last == UInt8(ascii: "{") && (last == .start || last == .comma)
    last = isKey ? .key : .value
  }

  private mutating func endWord() {
    if word != nil { last = .value }
    word = nil
  }

  func closed(_ text: [UInt8]) -> [UInt8] {
    var last = last
    var end = text.count
    // A number may have more digits, and half an escape is none.
    if let word { end = word }
    if let escape { end = escape }
    var bytes = Array(text[..<end])
    if inString {
      bytes.append(UInt8(ascii: "\""))
      let isKey = open.last == UInt8(ascii: "{") && (last == .start || last == .comma)
      last = isKey ? .key : .value
    }
    let isObject = open.last == UInt8(ascii: "{")
    switch last {
    case .key: bytes += ":null".utf8
    case .colon: bytes += "null".utf8
    case .comma: bytes += isObject ? Array("\"\":null".utf8) : Array("null".utf8)
    case .start, .value: break
    }
    for bracket in open.reversed() {
      bytes.append(bracket == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }
    return bytes
  }
}
