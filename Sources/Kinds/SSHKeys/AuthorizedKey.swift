internal import ByteText

/// A key in a line of authorized_keys, as sshd finds it there.
package struct AuthorizedKey {
  /// `key:SHA256:…`, as `ssh-keygen -l` prints it.
  package var subject: String
  package var options: KeyOptions
  var hasOptions: Bool
  /// Where options or key begin in the line.
  var start: Int

  /// The longest key in Base64; RSA of 16,384 bits takes 2,800 bytes.
  private static let longestBlob = 16_384
  /// The most of a value that is shown, in bytes; a hash stands for the rest.
  private static let longestValue = 3_900

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Nil for a blank line, a comment, and what sshd refuses. A NUL ends the line.
  package init?(_ line: ArraySlice<UInt8>) {
    let text = line.prefix { $0 != 0 }.drop(while: Self.isSpace)
    guard let first = text.first, first != UInt8(ascii: "#") else { return nil }
    start = text.startIndex
    if let subject = Self.subject(text) {
      self.subject = subject
      options = KeyOptions()
      hasOptions = false
      return
    }
    guard let end = KeyOptions.end(in: text), let options = KeyOptions(text[..<end]),
      let subject = Self.subject(text[end...].drop(while: Self.isSpace))
    else { return nil }
    self.subject = subject
    self.options = options
    hasOptions = true
  }

  /// The fingerprint of `TYPE BLOB …`. The blob names its type once more, so that no list of types
  /// is needed. A certificate in such a file lets nobody in.
  private static func subject(_ text: ArraySlice<UInt8>) -> String? {
    let type = text.prefix { !isSpace($0) }
    guard !type.isEmpty, type.count <= 64, !type.hasSuffix("-cert-v01@openssh.com") else {
      return nil
    }
    let digits = text[type.endIndex...].drop(while: isSpace).prefix { !isSpace($0) }
      .prefix(longestBlob + 1).filter { !isBlank($0) }
    guard digits.count >= 8, digits.count <= longestBlob, digits.count % 4 == 0,
      let blob = decodeBase64(String(decoding: digits, as: UTF8.self)),
      blob.count > 4 + type.count
    else { return nil }
    let length = blob[..<4].reduce(0) { $0 << 8 | Int($1) }
    guard length == type.count, blob[4..<(4 + length)] == type[...] else { return nil }
    return subject(blob: blob)
  }

  static func subject(blob: [UInt8]) -> String {
    let digest = base64(SHA256.digest(blob))
    return "key:SHA256:" + digest.prefix { $0 != "=" }
  }

  /// `login` and the options, bounded.
  package var value: String {
    let text = options.text
    guard !text.isEmpty else { return "login" }
    guard text.utf8.count > Self.longestValue else { return "login " + text }
    let hash = hexadecimal(SHA256.digest(text.utf8))
    var shown = text.utf8.prefix(Self.longestValue)
    while let last = shown.last, last >= 0x80 { shown.removeLast() }
    return "login \(String(decoding: shown, as: UTF8.self))… sha256:\(hash)"
  }

  /// The options that `value` tells of; nil when they were too long to be shown.
  package static func options(of value: String) -> KeyOptions? {
    if value == "login" { return KeyOptions() }
    guard value.hasPrefix("login "), let bytes = unescaped(String(value.dropFirst(6))) else {
      return nil
    }
    return KeyOptions(bytes[...])
  }
}

extension ArraySlice where Element == UInt8 {
  fileprivate func hasSuffix(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { suffix($0.count).elementsEqual($0) }
  }
}

/// A line of a file of keys; the range goes to behind its line feed.
package struct KeyLine {
  package var range: Range<Int>
  package var key: AuthorizedKey?

  /// `bytes` cut into lines.
  package static func lines(_ bytes: [UInt8]) -> [KeyLine] {
    var lines: [KeyLine] = []
    var start = 0
    while start < bytes.count {
      let feed = bytes[start...].firstIndex(of: 0x0a)
      let end = feed.map { $0 + 1 } ?? bytes.count
      lines.append(
        KeyLine(range: start..<end, key: AuthorizedKey(bytes[start..<(feed ?? bytes.count)])))
      start = end
    }
    return lines
  }
}
