package import ByteText

/// One line of the record, read back.
package struct LedgerRecord: Sendable {
  package var seq: Int64
  package var time: Timestamp
  /// CLOCK_BOOTTIME in microseconds of boot `boot`.
  package var up: Int64
  package var boot: String
  package var type: String
  package var grant: String?
  package var text: String
  /// The whole line; what `append` was given stands in its member `data`.
  package var data: JSON

  /// Nil when the line is not JSON or lacks a member that every line has.
  init?(line: ArraySlice<UInt8>) {
    guard let json = try? JSON.parse(line), let seq = json["seq"].integer,
      let time = json["time"].text.flatMap(Timestamp.init(rfc3339:)), let up = json["up"].integer,
      let boot = json["boot"].text, let type = json["type"].text, let text = json["text"].text
    else { return nil }
    self.seq = seq
    self.time = time
    self.up = up
    self.boot = boot
    self.type = type
    self.grant = json["grant"].text
    self.text = text
    data = json
  }
}

/// The bytes of a line: see grantwatch-ledger(5).
///
/// The members up to `type` stand in a fixed order, so that a chain is checked without reading JSON.
enum LedgerLine {
  /// The longest line, its newline included.
  static let longest = 1 << 20
  /// What stands in `prev` of the first line.
  static let genesis: [UInt8] = Array(repeating: UInt8(ascii: "0"), count: 64)

  private static let sumMember = Array(",\"sum\":\"".utf8)
  private static let sumLength = 8 + 16 + 2

  /// Builds a line without its newline.
  static func build(
    seq: Int64, prev: [UInt8], at now: (time: Timestamp, up: Int64, boot: String), type: String,
    grant: String?, text: String, data: [UInt8]
  ) -> [UInt8] {
    var writer = JSONWriter(reserving: data.count + text.utf8.count + 320)
    writer.beginObject()
    writer.member("seq", seq)
    writer.member("prev", String(decoding: prev, as: UTF8.self))
    writer.member("time", time: now.time)
    writer.member("up", now.up)
    writer.member("boot", now.boot)
    writer.member("type", type)
    writer.member("grant", grant)
    writer.member("text", text)
    writer.key("data")
    writer.raw(data)
    var line = writer.bytes
    let sum = hexadecimal(SHA256.digest(line).prefix(8))
    line.append(contentsOf: sumMember)
    line.append(contentsOf: sum.utf8)
    line.append(contentsOf: "\"}".utf8)
    return line
  }

  /// The hash of a line, which the next one carries in `prev`: 64 hexadecimal digits.
  static func hash(_ line: ArraySlice<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for byte in SHA256.digest(line) {
      text.append(hexadecimalDigits[Int(byte >> 4)])
      text.append(hexadecimalDigits[Int(byte & 15)])
    }
    return text
  }

  /// True when the line's own sum fits: what no later line vouches for can be checked by it.
  static func sumFits(_ line: ArraySlice<UInt8>) -> Bool {
    guard line.count > sumLength else { return false }
    let end = line.endIndex - sumLength
    let tail = line[end...]
    return tail.starts(with: sumMember) && tail.suffix(2).elementsEqual("\"}".utf8)
      && tail.dropFirst(8).prefix(16).elementsEqual(
        hexadecimal(SHA256.digest(line[..<end]).prefix(8)).utf8)
  }
}

/// What a chain is checked by.
struct LineHeader {
  var seq: Int64
  var prev: ArraySlice<UInt8>
  var time: ArraySlice<UInt8>
  var up: Int64
  var boot: ArraySlice<UInt8>
  var type: ArraySlice<UInt8>
  /// Nil for `null`.
  var grant: ArraySlice<UInt8>?

  /// Nil when the line does not begin as every line does.
  init?(_ line: ArraySlice<UInt8>) {
    let parts = line.withUnsafeBytes { Parts($0) }
    guard let parts else { return nil }
    func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
      line[(line.startIndex + range.lowerBound)..<(line.startIndex + range.upperBound)]
    }
    seq = parts.seq
    prev = slice(parts.prev)
    time = slice(parts.time)
    up = parts.up
    boot = slice(parts.boot)
    type = slice(parts.type)
    grant = parts.grant.map(slice)
  }

  /// Where in the line the members stand.
  private struct Parts {
    var seq: Int64
    var prev: Range<Int>
    var time: Range<Int>
    var up: Int64
    var boot: Range<Int>
    var type: Range<Int>
    var grant: Range<Int>?

    init?(_ bytes: UnsafeRawBufferPointer) {
      var cursor = HeaderCursor(bytes: bytes)
      guard cursor.literal("{\"seq\":"), let seq = cursor.number(),
        cursor.literal(",\"prev\":\""), let prev = cursor.text(), prev.count == 64,
        cursor.literal("\",\"time\":\""), let time = cursor.text(),
        cursor.literal("\",\"up\":"), let up = cursor.number(),
        cursor.literal(",\"boot\":\""), let boot = cursor.text(),
        cursor.literal("\",\"type\":\""), let type = cursor.text(),
        cursor.literal("\",\"grant\":")
      else { return nil }
      if cursor.literal("\"") {
        guard let name = cursor.text() else { return nil }
        grant = name
      }
      self.seq = seq
      self.prev = prev
      self.time = time
      self.up = up
      self.boot = boot
      self.type = type
    }
  }
}

/// Reads the beginning of a line, whose members stand in a fixed order.
private struct HeaderCursor {
  let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func literal(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - at >= count else { return false }
    for index in 0..<count where bytes[at + index] != text.utf8Start[index] { return false }
    at += count
    return true
  }

  /// Digits, at least one; nil when they give no Int64.
  mutating func number() -> Int64? {
    let start = at
    var value: Int64 = 0
    while at < bytes.count, case let digit = bytes[at] &- 0x30, digit < 10 {
      let (product, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = product.addingReportingOverflow(Int64(digit))
      guard !over, !overSum else { return nil }
      value = sum
      at += 1
    }
    return at > start ? value : nil
  }

  /// Up to the next quotation mark, which is left.
  mutating func text() -> Range<Int>? {
    let start = at
    while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += 1 }
    return at < bytes.count ? start..<at : nil
  }
}
