package import ByteText
internal import LinuxKit

/// The option `expiry-time` of a line of authorized_keys.
package enum KeyExpiry {
  /// What `YYYYMMDD[HHMM[SS]][Z]` means, in microseconds since 1970; without `Z` the host's own time
  /// zone counts. Nil for anything else.
  static func moment(_ value: [UInt8]) -> Int64? {
    var digits = value[...]
    var isUTC = false
    if digits.last.map({ $0 | 0x20 }) == UInt8(ascii: "z") {
      (digits, isUTC) = (digits.dropLast(), true)
    } else if digits.suffix(3).map({ $0 | 0x20 }) == Array("utc".utf8) {
      (digits, isUTC) = (digits.dropLast(3), true)
    }
    guard [8, 12, 14].contains(digits.count), digits.allSatisfy(isDigit) else { return nil }
    let all = Array(digits) + [UInt8](repeating: 0x30, count: 14 - digits.count)
    func text(_ range: Range<Int>) -> String { String(decoding: all[range], as: UTF8.self) }
    let written =
      "\(text(0..<4))-\(text(4..<6))-\(text(6..<8))"
      + "T\(text(8..<10)):\(text(10..<12)):\(text(12..<14))Z"
    guard let utc = Timestamp(rfc3339: written) else { return nil }
    if isUTC { return utc.microseconds }
    func number(_ range: Range<Int>) -> Int { decimal(all[range]).map { Int($0) } ?? 0 }
    return SystemClock.local(
      year: number(0..<4), month: number(4..<6), day: number(6..<8), hour: number(8..<10),
      minute: number(10..<12), second: number(12..<14))
  }

  /// The option that ends a key at this moment, to the second before it.
  static func option(_ until: Timestamp) -> [UInt8] {
    let digits = until.rfc3339.utf8.filter(isDigit).prefix(14)
    return Array("\(KeyOptions.expiry)=\"".utf8) + digits + Array("Z\"".utf8)
  }

  /// How long an option in the form of `option` is that begins `text`, the comma or blank behind it
  /// not counted; nil when `text` begins with something else.
  static func ownLength(_ text: ArraySlice<UInt8>) -> Int? {
    let length = KeyOptions.expiry.utf8.count + 18
    let start = text.prefix(length)
    guard start.count == length, start.starts(with: "\(KeyOptions.expiry)=\"".utf8),
      start.dropFirst(KeyOptions.expiry.utf8.count + 2).prefix(14).allSatisfy(isDigit),
      start.suffix(2).elementsEqual("Z\"".utf8), let next = text.dropFirst(length).first,
      next == UInt8(ascii: ",") || AuthorizedKey.isSpace(next)
    else { return nil }
    return length
  }

  /// The line with this end, or without it, as the first of its options; every other byte stays.
  package static func line(_ line: ArraySlice<UInt8>, _ key: AuthorizedKey, until: Timestamp?)
    -> [UInt8]
  {
    let head = line[..<key.start]
    var rest = line[key.start...]
    var hasOptions = key.hasOptions
    if let length = ownLength(rest) {
      hasOptions = rest[rest.startIndex + length] == UInt8(ascii: ",")
      rest = rest.dropFirst(length + 1)
      if !hasOptions { rest = rest.drop(while: AuthorizedKey.isSpace) }
    }
    guard let until else { return Array(head + rest) }
    return head + option(until) + [UInt8(ascii: hasOptions ? "," : " ")] + rest
  }
}
