internal import ByteText
internal import CLinux
internal import Glibc

/// Writes a file beside the old one and puts it in its place at once, or not at all.
///
/// Mode 0600. What was not put in place is removed when the value goes.
package struct AtomicFile: ~Copyable {
  private let file: FileDescriptor
  private let path: [UInt8]
  private let temporary: [UInt8]

  package init(replacing path: [UInt8]) throws(SystemError) {
    self.path = path
    temporary = path + Array(".new".utf8)
    let name = temporary
    _ = withCPath(name) { unlink($0) }
    let opened = withCPath(name) {
      openFile($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    }
    guard opened >= 0 else { throw SystemError.last("create", escaped(name)) }
    file = FileDescriptor(owning: opened)
  }

  deinit { _ = withCPath(temporary) { unlink($0) } }

  package func write(_ bytes: [UInt8]) throws(SystemError) {
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        retrying { Glibc.write(file.raw, buffer.baseAddress.map { $0 + at }, buffer.count - at) }
      }
      guard count > 0 else { throw SystemError.last("write", escaped(temporary)) }
      at += count
    }
  }

  /// Makes what was written durable and the file of that name.
  package consuming func commit() throws(SystemError) {
    guard fsync(file.raw) == 0 else { throw SystemError.last("sync", escaped(temporary)) }
    let (from, to) = (temporary, path)
    let moved = withCPath(from) { old in withCPath(to) { rename(old, $0) } }
    guard moved == 0 else { throw SystemError.last("put in place", escaped(path)) }
    let slash = path.lastIndex(of: UInt8(ascii: "/"))
    let parent = slash.map { $0 == 0 ? [UInt8(ascii: "/")] : Array(path[..<$0]) } ?? [0x2e]
    let folder = try SafeOpen.directory(parent)
    guard fsync(folder.raw) == 0 else { throw SystemError.last("sync", escaped(parent)) }
  }

  /// The whole of a regular file; nil when there is none. EFBIG when it is longer than `limit`.
  package static func read(_ path: [UInt8], limit: Int) throws(SystemError) -> [UInt8]? {
    let opened = retrying { withCPath(path) { openFile($0, O_RDONLY | O_CLOEXEC, 0) } }
    if opened < 0, errno == ENOENT { return nil }
    guard opened >= 0 else { throw SystemError.last("open", escaped(path)) }
    let file = FileDescriptor(owning: opened)
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = piece.withUnsafeMutableBytes { buffer in
        retrying { Glibc.read(file.raw, buffer.baseAddress, buffer.count) }
      }
      guard count >= 0 else { throw SystemError.last("read", escaped(path)) }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else { throw SystemError(EFBIG, "read", escaped(path)) }
      bytes.append(contentsOf: piece[..<count])
    }
  }
}

/// Reads a regular file from its beginning, piece by piece.
package struct SequentialFile: ~Copyable {
  private let file: FileDescriptor
  private let path: [UInt8]
  /// In bytes, when it was opened.
  package let size: Int

  private init(_ file: consuming FileDescriptor, _ path: [UInt8], size: Int) {
    self.file = file
    self.path = path
    self.size = size
  }

  /// Nil when there is none.
  package static func open(_ path: [UInt8]) throws(SystemError) -> SequentialFile? {
    let opened = retrying { withCPath(path) { openFile($0, O_RDONLY | O_CLOEXEC, 0) } }
    if opened < 0, errno == ENOENT { return nil }
    guard opened >= 0 else { throw SystemError.last("open", escaped(path)) }
    let file = FileDescriptor(owning: opened)
    let size = Int(clamping: try FileStatus.of(file.raw).size)
    return SequentialFile(file, path, size: size)
  }

  /// At most so many bytes; empty at the end.
  package func read(_ most: Int) throws(SystemError) -> [UInt8] {
    var length = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
      length = retrying { Glibc.read(file.raw, buffer.baseAddress, most) }
      count = max(0, length)
    }
    guard length >= 0 else { throw SystemError.last("read", escaped(path)) }
    return bytes
  }
}

private func openFile(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: mode_t) -> Int32 {
  open(path, flags, mode)
}
