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
    var at = line.startIndex
    func literal(_ text: StaticString) -> Bool {
      let count = text.utf8CodeUnitCount
      guard line.endIndex - at >= count else { return false }
      for index in 0..<count where line[at + index] != text.utf8Start[index] { return false }
      at += count
      return true
    }
    func number() -> Int64? {
      let start = at
      while at < line.endIndex, isDigit(line[at]) { at += 1 }
      return decimal(line[start..<at])
    }
    func text() -> ArraySlice<UInt8>? {
      let start = at
      while at < line.endIndex, line[at] != UInt8(ascii: "\"") { at += 1 }
      return at < line.endIndex ? line[start..<at] : nil
    }
    guard literal("{\"seq\":"), let seq = number(), literal(",\"prev\":\""), let prev = text(),
      prev.count == 64, literal("\",\"time\":\""), let time = text(), literal("\",\"up\":"),
      let up = number(), literal(",\"boot\":\""), let boot = text(), literal("\",\"type\":\""),
      let type = text(), literal("\",\"grant\":")
    else { return nil }
    if literal("\"") {
      guard let name = text() else { return nil }
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
