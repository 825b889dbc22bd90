internal import ByteText
internal import LinuxKit

/// A whole state at one line of the chain, in a file of two lines: the state with the number and
/// the hash of that line, and the SHA-256 of the first line. See grantwatch-ledger(5).
struct SnapshotFile {
  var seq: Int64
  var head: String
  /// The file's first line.
  var line: ArraySlice<UInt8>

  /// Bytes that are held at once: a state may be large.
  private static let piece = 256 << 10

  static func write(
    seq: Int64, head: [UInt8], time: Timestamp, to append: DurableDirectory.FilePieces,
    _ state: (inout JSONWriter) -> Void
  ) throws(SystemError) {
    var digest = SHA256()
    var failure: SystemError?
    try withoutActuallyEscaping(append) { append throws(SystemError) in
      var writer = JSONWriter(limit: piece) { bytes in
        digest.update(bytes)
        guard failure == nil else { return }
        do throws(SystemError) { try append(bytes) } catch { failure = error }
      }
      writer.beginObject()
      writer.member("seq", seq)
      writer.member("head", String(decoding: head, as: UTF8.self))
      writer.member("time", time: time)
      writer.key("state")
      state(&writer)
      writer.endObject()
      writer.finish()
    }
    if let failure { throw failure }
    try append(Array("\nsha256:\(hexadecimal(digest.finish()))\n".utf8)[...])
  }

  /// Nil when the file is not whole or its sum does not fit.
  init?(_ bytes: [UInt8]) {
    guard bytes.count > 73, bytes[bytes.count - 73] == 0x0a, bytes.last == 0x0a else { return nil }
    let line = bytes[..<(bytes.count - 73)]
    let sum = String(decoding: bytes[(bytes.count - 72)..<(bytes.count - 1)], as: UTF8.self)
    guard sum == "sha256:" + hexadecimal(SHA256.digest(line)) else { return nil }
    // The state stands behind a beginning of fixed order, which is read without the state.
    let opening = line.prefix(200)
    guard let mark = opening.firstIndex(of: ",\"state\":"),
      let header = try? JSON.parse(Array(line[..<mark]) + [UInt8(ascii: "}")]),
      let seq = header["seq"].integer, let head = header["head"].text
    else { return nil }
    self.seq = seq
    self.head = head
    self.line = line
    stateStart = mark + 9
  }

  private var stateStart: Int

  /// The text of the state.
  var state: ArraySlice<UInt8> { line[stateStart..<(line.endIndex - 1)] }

  /// The snapshot in a file; nil when it is damaged.
  static func read(_ path: String) throws(SystemError) -> SnapshotFile? {
    let file = try ReadableFile(path: path)
    let size = try file.size()
    guard size <= 4 << 30 else { return nil }
    var bytes: [UInt8] = []
    try file.read(into: &bytes, at: 0, count: Int(size))
    return SnapshotFile(bytes)
  }
}

extension ArraySlice<UInt8> {
  /// Where `text` begins.
  fileprivate func firstIndex(of text: StaticString) -> Int? {
    let count = text.utf8CodeUnitCount
    guard self.count >= count else { return nil }
    return (startIndex...(endIndex - count)).first { start in
      (0..<count).allSatisfy { self[start + $0] == text.utf8Start[$0] }
    }
  }
}
