internal import Glibc
internal import LinuxKit

/// The lines of a file, one after another, with no more than a piece of it in memory.
struct LineReader: ~Copyable {
  struct Line {
    /// Where it begins in the file.
    var offset: Int64
    /// Without its newline.
    var bytes: ArraySlice<UInt8>
    /// False when the file, or `LedgerLine.longest`, ends before a newline comes.
    var whole: Bool
  }

  private static let piece = 1 << 20
  private let file: ReadableFile
  /// Where reading ends.
  let end: Int64
  private var buffer: [UInt8] = []
  private var bufferStart: Int64
  private var cursor = 0

  /// Reads from `start` to `end`, or to where the file ends now.
  init(path: String, from start: Int64 = 0, to end: Int64? = nil) throws(SystemError) {
    let opened = try ReadableFile(path: path)
    let size = try opened.size()
    file = opened
    bufferStart = start
    self.end = min(end ?? size, size)
  }

  /// The next line; nil at the end. After a line that is not whole there is none.
  mutating func next() throws(SystemError) -> Line? {
    while true {
      let rest = buffer.count - cursor
      if let length = newline() {
        let start = cursor
        cursor += length + 1
        return Line(
          offset: bufferStart + Int64(start), bytes: buffer[start..<start + length], whole: true)
      }
      let readUpTo = bufferStart + Int64(buffer.count)
      let left = Int(min(Int64(Self.piece), end - readUpTo))
      if left <= 0 || rest > LedgerLine.longest {
        guard rest > 0 else { return nil }
        let start = cursor
        cursor = buffer.count
        return Line(offset: bufferStart + Int64(start), bytes: buffer[start...], whole: false)
      }
      var fresh: [UInt8] = []
      fresh.reserveCapacity(rest + left)
      fresh.append(contentsOf: buffer[cursor...])
      bufferStart += Int64(cursor)
      cursor = 0
      buffer = []
      let before = fresh.count
      try file.read(into: &fresh, at: readUpTo, count: left)
      buffer = fresh
      guard buffer.count > before else {
        guard !buffer.isEmpty else { return nil }
        cursor = buffer.count
        return Line(offset: bufferStart, bytes: buffer[...], whole: false)
      }
    }
  }

  /// The distance from the cursor to the next newline.
  private func newline() -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, cursor < bytes.count else { return nil }
      return memchr(base + cursor, 0x0a, bytes.count - cursor).map {
        UnsafeRawPointer($0) - (base + cursor)
      }
    }
  }

  /// True when a whole sector of zeros, which no write of ours leaves, lies between `offset` and the
  /// end: the mark of data that a crash kept from the disk.
  mutating func hasEmptySector(from offset: Int64) throws(SystemError) -> Bool {
    let sector: Int64 = 512
    var at = (offset + sector - 1) / sector * sector
    while at + sector <= end {
      var bytes: [UInt8] = []
      try file.read(into: &bytes, at: at, count: Int(min(Int64(Self.piece), end - at)))
      var start = 0
      while start + Int(sector) <= bytes.count {
        if bytes[start..<start + Int(sector)].allSatisfy({ $0 == 0 }) { return true }
        start += Int(sector)
      }
      guard !bytes.isEmpty else { return false }
      at += Int64(bytes.count) / sector * sector
      if bytes.count < Int(sector) { return false }
    }
    return false
  }
}
