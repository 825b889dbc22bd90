/// Writes JSON (RFC 8259) into a byte buffer; commas are placed by looking at the last byte.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  private var limit = Int.max
  private var handOn: (ArraySlice<UInt8>) -> Void = { _ in }

  package init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// A writer for texts that are too long to be held: it hands on what it has whenever that is more
  /// than `limit` bytes, and the rest with `finish`.
  package init(limit: Int, _ handOn: @escaping (ArraySlice<UInt8>) -> Void) {
    self.limit = limit
    self.handOn = handOn
    bytes.reserveCapacity(2 * limit)
  }

  package mutating func finish() {
    handOn(bytes[...])
    bytes.removeAll(keepingCapacity: true)
  }

  private mutating func separate() {
    guard let last = bytes.last else { return }
    if bytes.count > limit {
      handOn(bytes.dropLast())
      bytes.removeAll(keepingCapacity: true)
      bytes.append(last)
    }
    switch last {
    case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), UInt8(ascii: ","), 0x0a: return
    default: bytes.append(UInt8(ascii: ","))
    }
  }

  package mutating func beginObject() {
    separate()
    bytes.append(UInt8(ascii: "{"))
  }

  package mutating func endObject() { bytes.append(UInt8(ascii: "}")) }

  package mutating func beginArray() {
    separate()
    bytes.append(UInt8(ascii: "["))
  }

  package mutating func endArray() { bytes.append(UInt8(ascii: "]")) }

  /// The name of the next member; its value must follow.
  package mutating func key(_ name: String) {
    separate()
    quoted(name)
    bytes.append(UInt8(ascii: ":"))
  }

  package mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  package mutating func value(_ value: String) {
    separate()
    quoted(value)
  }

  package mutating func value(_ value: String?) {
    if let value { self.value(value) } else { null() }
  }

  package mutating func value(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  package mutating func value(_ value: Int64) {
    separate()
    bytes.append(contentsOf: String(value).utf8)
  }

  /// A number with at most `digits` decimals, all of them where it is too large for that;
  /// not-a-number and infinity become null.
  package mutating func value(_ value: Double, digits: Int = 3) {
    guard value.isFinite else { return null() }
    separate()
    var scale: Int64 = 1
    for _ in 0..<min(max(0, digits), 15) { scale *= 10 }
    guard let scaled = Int64(exactly: (value * Double(scale)).rounded()) else {
      bytes.append(contentsOf: value.description.utf8)
      return
    }
    bytes.append(contentsOf: (scaled < 0 ? "-" : "").utf8)
    bytes.append(contentsOf: String(scaled.magnitude / UInt64(scale)).utf8)
    var rest = String(scaled.magnitude % UInt64(scale))
    if rest == "0" { return }
    let width = String(scale).utf8.count - 1
    rest = String(repeating: "0", count: width - rest.utf8.count) + rest
    while rest.hasSuffix("0") { rest.removeLast() }
    bytes.append(UInt8(ascii: "."))
    bytes.append(contentsOf: rest.utf8)
  }

  /// Text that is JSON already.
  package mutating func raw(_ json: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
  }

  package mutating func member(_ name: String, _ value: String?) {
    key(name)
    self.value(value)
  }

  package mutating func member(_ name: String, _ value: Bool) {
    key(name)
    self.value(value)
  }

  package mutating func member(_ name: String, _ value: Int64?) {
    key(name)
    if let value { self.value(value) } else { null() }
  }

  package mutating func member(_ name: String, _ value: Int) { member(name, Int64(value)) }

  package mutating func member(_ name: String, seconds value: Double?) {
    key(name)
    if let value { self.value(value) } else { null() }
  }

  /// A time as RFC 3339 in UTC with milliseconds, or null.
  package mutating func member(_ name: String, time: Timestamp?) {
    key(name)
    value(time?.rfc3339)
  }

  package mutating func member(_ name: String, _ values: [String]) {
    key(name)
    beginArray()
    for value in values { self.value(value) }
    endArray()
  }

  /// A whole JSON tree.
  package mutating func value(_ json: JSON) {
    switch json {
    case .null: null()
    case .bool(let flag): value(flag)
    case .integer(let number): value(number)
    case .number(let number): value(number, digits: 6)
    case .string(let text): value(text)
    case .array(let values):
      beginArray()
      for element in values { value(element) }
      endArray()
    case .object(let members):
      beginObject()
      for member in members {
        key(member.name)
        value(member.value)
      }
      endObject()
    }
  }

  private mutating func quoted(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { buffer in
      var start = 0
      for at in buffer.indices {
        let byte = buffer[at]
        guard
          byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7f
        else { continue }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start..<at]))
        start = at + 1
        escape(byte)
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    case 0x0a: bytes.append(UInt8(ascii: "n"))
    default:
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(hexadecimalDigits[Int(byte >> 4)])
      bytes.append(hexadecimalDigits[Int(byte & 15)])
    }
  }
}

extension JSON {
  /// The value as compact JSON text.
  package var encoded: [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.bytes
  }
}
