/// Bytes of the outside world (file names, command lines) as text that is safe to print and can be
/// turned back.
///
/// Valid UTF-8 without control characters and combining marks stays as it is; a backslash becomes `\\`, every other
/// byte `\xNN`. A newline in a file name can so not forge a line of output.
package func escaped(_ bytes: some Collection<UInt8>) -> String {
  // The generic code is not specialised for callers in other modules: the common case leaves it
  // at once.
  let plain = bytes.withContiguousStorageIfAvailable { plainText($0) }
  if let plain, let text = plain { return text }
  return escapedText(Array(bytes))
}

/// The same without the price of a generic call.
package func escaped(_ bytes: ArraySlice<UInt8>) -> String {
  bytes.withUnsafeBufferPointer { plainText($0) } ?? escapedText(Array(bytes))
}

/// The same for a whole array.
package func escaped(_ bytes: [UInt8]) -> String {
  bytes.withUnsafeBufferPointer { plainText($0) } ?? escapedText(bytes)
}

/// `prefix`, and `bytes` escaped, put together at once.
package func escaped(_ bytes: ArraySlice<UInt8>, after prefix: StaticString) -> String {
  let length = prefix.utf8CodeUnitCount
  return bytes.withUnsafeBufferPointer { source -> String? in
    guard isPlain(source) else { return nil }
    return String(unsafeUninitializedCapacity: length + source.count) { target in
      _ = UnsafeMutableBufferPointer(rebasing: target[..<length]).update(
        from: UnsafeBufferPointer(start: prefix.utf8Start, count: length))
      _ = UnsafeMutableBufferPointer(rebasing: target[length...]).update(from: source)
      return length + source.count
    }
  } ?? prefix.description + escapedText(Array(bytes))
}

/// The text, if there is nothing to escape in it.
private func plainText(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
  isPlain(bytes) ? String(decoding: bytes, as: UTF8.self) : nil
}

private func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
  for byte in bytes where byte < 0x20 || byte >= 0x7f || byte == UInt8(ascii: "\\") { return false }
  return true
}

private func escapedText(_ source: [UInt8]) -> String {
  var text: [UInt8] = []
  var at = 0
  func hex(_ byte: UInt8) {
    text.append(contentsOf: "\\x".utf8)
    text.append(hexadecimalDigits[Int(byte >> 4)])
    text.append(hexadecimalDigits[Int(byte & 15)])
  }
  while at < source.count {
    let byte = source[at]
    switch byte {
    case UInt8(ascii: "\\"):
      text.append(contentsOf: "\\\\".utf8)
      at += 1
    case 0x20..<0x7f:
      text.append(byte)
      at += 1
    case 0xc2..<0xf5:
      let length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
      let end = min(at + length, source.count)
      // U+0080 to U+009F are control characters, U+202A and its like turn the writing direction.
      if end - at == length,
        let piece = String(validating: source[at..<end], as: UTF8.self),
        let scalar = piece.unicodeScalars.first, piece.unicodeScalars.count == 1,
        scalar.properties.generalCategory != .control, scalar.properties.generalCategory != .format,
        scalar.properties.generalCategory != .lineSeparator,
        scalar.properties.generalCategory != .paragraphSeparator,
        // What melts into the character beside it would keep a text from being found and cut again.
        "=\(piece)=".count == 3
      {
        text.append(contentsOf: source[at..<end])
        at = end
      } else {
        hex(byte)
        at += 1
      }
    default:
      hex(byte)
      at += 1
    }
  }
  return String(decoding: text, as: UTF8.self)
}

/// The bytes that `escaped` made `text` of; nil when `text` is not of that form.
package func unescaped(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  let source = Array(text.utf8)
  var at = 0
  while at < source.count {
    guard source[at] == UInt8(ascii: "\\") else {
      bytes.append(source[at])
      at += 1
      continue
    }
    guard at + 1 < source.count else { return nil }
    if source[at + 1] == UInt8(ascii: "\\") {
      bytes.append(UInt8(ascii: "\\"))
      at += 2
    } else {
      guard at + 3 < source.count, source[at + 1] == UInt8(ascii: "x"),
        let high = hexadecimalValue(source[at + 2]), let low = hexadecimalValue(source[at + 3])
      else { return nil }
      bytes.append(high << 4 | low)
      at += 4
    }
  }
  return bytes
}
