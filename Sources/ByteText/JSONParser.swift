import Glibc

extension JSON {
  /// Reads one JSON value that fills `bytes` but for white space (RFC 8259).
  ///
  /// Nesting is limited to 64 levels; strings must be UTF-8. Nothing in the input can trap.
  package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
    try parse(bytes[...])
  }

  /// Reads one JSON value that fills the slice; offsets in errors count from the slice's start.
  package static func parse(_ bytes: ArraySlice<UInt8>) throws(JSONError) -> JSON {
    let result: Result<JSON, JSONError> = bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONParser(buffer)
      do throws(JSONError) {
        return .success(try parser.document())
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

private struct JSONParser {
  static let deepest = 64
  let text: UnsafeBufferPointer<UInt8>
  var at = 0

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  func failure(_ reason: String) -> JSONError { JSONError(offset: at, reason: reason) }

  mutating func document() throws(JSONError) -> JSON {
    let value = try value(depth: 0)
    skipBlanks()
    guard at == text.count else { throw failure("text after the value") }
    return value
  }

  mutating func skipBlanks() {
    while at < text.count {
      switch text[at] {
      case 0x20, 0x09, 0x0a, 0x0d: at += 1
      default: return
      }
    }
  }

  mutating func value(depth: Int) throws(JSONError) -> JSON {
    skipBlanks()
    guard at < text.count else { throw failure("value expected") }
    guard depth < Self.deepest else { throw failure("nested too deep") }
    switch text[at] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let length = word.utf8CodeUnitCount
    guard at + length <= text.count, let base = text.baseAddress,
      memcmp(base + at, word.utf8Start, length) == 0
    else { throw failure("value expected") }
    at += length
    return value
  }

  mutating func object(depth: Int) throws(JSONError) -> JSON {
    at += 1
    skipBlanks()
    if at < text.count, text[at] == UInt8(ascii: "}") {
      at += 1
      return .object([])
    }
    var members: [JSONMember] = []
    members.reserveCapacity(8)
    while true {
      skipBlanks()
      guard at < text.count, text[at] == UInt8(ascii: "\"") else {
        throw failure("member name expected")
      }
      let name = try string()
      skipBlanks()
      guard at < text.count, text[at] == UInt8(ascii: ":") else { throw failure("':' expected") }
      at += 1
      members.append(JSONMember(name, try value(depth: depth + 1)))
      skipBlanks()
      guard at < text.count else { throw failure("object not closed") }
      let mark = text[at]
      at += 1
      if mark == UInt8(ascii: "}") { return .object(members) }
      guard mark == UInt8(ascii: ",") else { throw failure("',' or '}' expected") }
    }
  }

  mutating func array(depth: Int) throws(JSONError) -> JSON {
    at += 1
    var values: [JSON] = []
    skipBlanks()
    if at < text.count, text[at] == UInt8(ascii: "]") {
      at += 1
      return .array(values)
    }
    while true {
      values.append(try value(depth: depth + 1))
      skipBlanks()
      guard at < text.count else { throw failure("array not closed") }
      let mark = text[at]
      at += 1
      if mark == UInt8(ascii: "]") { return .array(values) }
      guard mark == UInt8(ascii: ",") else { throw failure("',' or ']' expected") }
    }
  }

  mutating func string() throws(JSONError) -> String {
    at += 1
    let start = at
    var union: UInt8 = 0
    while at < text.count {
      let byte = text[at]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
      guard byte >= 0x20 else { throw failure("control character in a string") }
      union |= byte
      at += 1
    }
    guard at < text.count else { throw failure("string not closed") }
    if text[at] == UInt8(ascii: "\"") {
      let plain = UnsafeBufferPointer(rebasing: text[start..<at])
      at += 1
      // ASCII needs no check, which costs more than all else here.
      return union < 0x80 ? String(decoding: plain, as: UTF8.self) : try utf8(plain)
    }
    var unescaped = Array(text[start..<at])
    while true {
      guard at < text.count else { throw failure("string not closed") }
      let byte = text[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        let result: Result<String, JSONError> = unescaped.withUnsafeBufferPointer { buffer in
          do throws(JSONError) {
            return .success(try utf8(buffer))
          } catch {
            return .failure(error)
          }
        }
        return try result.get()
      case UInt8(ascii: "\\"): try escape(into: &unescaped)
      case ..<0x20: throw failure("control character in a string")
      default: unescaped.append(byte)
      }
    }
  }

  func utf8(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> String {
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw failure("string is not UTF-8")
    }
    return string
  }

  mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
    guard at < text.count else { throw failure("string not closed") }
    let mark = text[at]
    at += 1
    switch mark {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(mark)
    case UInt8(ascii: "n"): bytes.append(0x0a)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "r"): bytes.append(0x0d)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0c)
    case UInt8(ascii: "u"):
      var code = try hex4()
      if code & 0xfc00 == 0xd800 {
        guard at + 1 < text.count, text[at] == UInt8(ascii: "\\"),
          text[at + 1] == UInt8(ascii: "u")
        else { throw failure("half a surrogate pair") }
        at += 2
        let low = try hex4()
        guard low & 0xfc00 == 0xdc00 else { throw failure("half a surrogate pair") }
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
      bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: throw failure("unknown escape")
    }
  }

  mutating func hex4() throws(JSONError) -> UInt32 {
    guard at + 4 <= text.count else { throw failure("four hexadecimal digits expected") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = hexadecimalValue(text[at]) else {
        throw failure("four hexadecimal digits expected")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }

  mutating func number() throws(JSONError) -> JSON {
    let start = at
    if at < text.count, text[at] == UInt8(ascii: "-") { at += 1 }
    let firstDigit = at
    var integer: Int64? = 0
    let sign: Int64 = firstDigit > start ? -1 : 1
    while at < text.count, isDigit(text[at]) {
      let digit = sign * Int64(text[at] - UInt8(ascii: "0"))
      if let sofar = integer {
        let (tens, over) = sofar.multipliedReportingOverflow(by: 10)
        let (sum, over2) = tens.addingReportingOverflow(digit)
        integer = over || over2 ? nil : sum
      }
      at += 1
    }
    guard at > firstDigit else { throw failure("value expected") }
    guard text[firstDigit] != UInt8(ascii: "0") || at == firstDigit + 1 else {
      throw failure("number starts with 0")
    }
    var fraction = false
    if at < text.count, text[at] == UInt8(ascii: ".") {
      fraction = true
      at += 1
      try digits()
    }
    if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
      fraction = true
      at += 1
      if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
      try digits()
    }
    if !fraction, let integer { return .integer(integer) }
    guard at - start <= 64, let double = Double(String(decoding: text[start..<at], as: UTF8.self))
    else { throw failure("number out of range") }
    return .number(double)
  }

  mutating func digits() throws(JSONError) {
    let start = at
    while at < text.count, isDigit(text[at]) { at += 1 }
    guard at > start else { throw failure("digit expected") }
  }
}
