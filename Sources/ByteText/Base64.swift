private let base64Digits = Array(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

/// The value of each digit; 0xff for what is none.
private let base64Values: [UInt8] = {
  var values = [UInt8](repeating: 0xff, count: 256)
  for (value, digit) in base64Digits.enumerated() { values[Int(digit)] = UInt8(value) }
  return values
}()

/// Base64 with padding (RFC 4648, section 4).
package func base64(_ bytes: [UInt8]) -> String {
  var text: [UInt8] = []
  var at = 0
  while at < bytes.count {
    let second = at + 1 < bytes.count ? bytes[at + 1] : 0
    let third = at + 2 < bytes.count ? bytes[at + 2] : 0
    text.append(base64Digits[Int(bytes[at] >> 2)])
    text.append(base64Digits[Int(bytes[at] << 4 & 0x30 | second >> 4)])
    text.append(
      at + 1 < bytes.count ? base64Digits[Int(second << 2 & 0x3c | third >> 6)] : 0x3d)
    text.append(at + 2 < bytes.count ? base64Digits[Int(third & 0x3f)] : 0x3d)
    at += 3
  }
  return String(decoding: text, as: UTF8.self)
}

/// The bytes of Base64 text (RFC 4648, section 4); padding may be missing; nil for anything else.
package func decodeBase64(_ text: String) -> [UInt8]? {
  var digits = Array(text.utf8)
  if digits.last == 0x3d {
    guard digits.count % 4 == 0 else { return nil }
    for _ in 0..<2 where digits.last == 0x3d { digits.removeLast() }
  }
  guard digits.count % 4 != 1 else { return nil }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(digits.count / 4 * 3 + 2)
  var bits: UInt32 = 0
  var count = 0
  for digit in digits {
    let value = base64Values[Int(digit)]
    guard value != 0xff else { return nil }
    bits = bits << 6 | UInt32(value)
    count += 6
    if count >= 8 {
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
    }
  }
  return bytes
}
