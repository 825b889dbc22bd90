/// True for `0` to `9`.
package func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

/// True for a blank, tab, line feed, vertical tab, form feed or carriage return.
package func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 0x09 < 5 }

/// The value of a hexadecimal digit, either case; nil for any other byte.
package func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x41 + 10
  case 0x61...0x66: byte - 0x61 + 10
  default: nil
  }
}

/// The digits of hexadecimal numbers, lower case.
package let hexadecimalDigits: [UInt8] = Array("0123456789abcdef".utf8)

/// Bytes as lower-case hexadecimal text.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  var text: [UInt8] = []
  for byte in bytes {
    text.append(hexadecimalDigits[Int(byte >> 4)])
    text.append(hexadecimalDigits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// The number that `bytes` writes in decimal; nil when it is empty, has another byte or overflows.
package func decimal(_ bytes: some Collection<UInt8>) -> Int64? {
  guard !bytes.isEmpty else { return nil }
  var value: Int64 = 0
  for byte in bytes {
    guard isDigit(byte) else { return nil }
    let (tens, over) = value.multipliedReportingOverflow(by: 10)
    let (sum, over2) = tens.addingReportingOverflow(Int64(byte - 0x30))
    guard !over, !over2 else { return nil }
    value = sum
  }
  return value
}

/// `bytes` cut at each `separator`; empty pieces are kept.
package func split(_ bytes: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>] {
  var pieces: [ArraySlice<UInt8>] = []
  var start = bytes.startIndex
  for index in bytes.indices where bytes[index] == separator {
    pieces.append(bytes[start..<index])
    start = index + 1
  }
  pieces.append(bytes[start...])
  return pieces
}

/// True for an ASCII letter or digit.

package func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || (byte | 0x20) &- 0x61 < 26 }
