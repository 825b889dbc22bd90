internal import CLinux
internal import Glibc

/// A file that only grows at its end, and whose growth can be made to last.
///
/// `append` may leave a part of its bytes behind when it fails; `truncate` takes that back.
package protocol AppendFile: AnyObject {
  /// Length in bytes, as the kernel gives it.
  func size() throws(SystemError) -> Int64
  /// Writes all of `bytes` at the end.
  func append(_ bytes: [UInt8]) throws(SystemError)
  /// Returns when all that was appended is on the disk; see fdatasync(2).
  func synchronize() throws(SystemError)
  /// Keeps room on the disk up to `end`, without a change of the length; see fallocate(2).
  func preallocate(to end: Int64) throws(SystemError)
  /// Cuts the file to `size`, and gives back the room that was kept beyond it.
  func truncate(to size: Int64) throws(SystemError)
}

/// An `AppendFile` of the host, readable and writable by its owner alone.
package final class DurableFile: AppendFile {
  private let descriptor: FileDescriptor
  private let path: String

  /// Opens `path`, or creates it; a symbolic link as its last part is refused.
  package init(appendingTo path: String) throws(SystemError) {
    let raw = retrying { open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    guard raw >= 0 else { throw .last("open", path) }
    descriptor = FileDescriptor(owning: raw)
    self.path = path
  }

  package func size() throws(SystemError) -> Int64 {
    var status = stat()
    guard fstat(descriptor.raw, &status) == 0 else { throw .last("status", path) }
    return Int64(status.st_size)
  }

  package func append(_ bytes: [UInt8]) throws(SystemError) {
    try writeAll(bytes[...], to: descriptor.raw, path)
  }

  package func synchronize() throws(SystemError) {
    guard retrying({ fdatasync(descriptor.raw) }) == 0 else { throw .last("synchronize", path) }
  }

  package func preallocate(to end: Int64) throws(SystemError) {
    let start = try size()
    guard end > start else { return }
    let result = retrying {
      clinux_fallocate(
        descriptor.raw, Int32(CLINUX_FALLOC_FL_KEEP_SIZE), start, end - start)
    }
    guard result == 0 else { throw .last("keep room", path) }
  }

  package func truncate(to size: Int64) throws(SystemError) {
    guard retrying({ ftruncate(descriptor.raw, off_t(size)) }) == 0 else {
      throw .last("truncate", path)
    }
  }
}

/// Writes all of `bytes`, however many calls that takes.
func writeAll(
  _ bytes: ArraySlice<UInt8>, to descriptor: Int32, _ path: String
) throws(SystemError) {
  var done = 0
  while done < bytes.count {
    let result = bytes.withUnsafeBytes { buffer in
      retrying { write(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done) }
    }
    guard result > 0 else {
      throw result < 0 ? .last("write", path) : SystemError(EIO, "write", path)
    }
    done += result
  }
}

/// A file read at any place; nobody's position moves.
package struct ReadableFile: ~Copyable {
  private let descriptor: FileDescriptor
  private let path: String

  /// Opens a regular file; a symbolic link as its last part is refused.
  package init(path: String) throws(SystemError) {
    descriptor = try Self.opened(path)
    self.path = path
  }

  private static func opened(_ path: String) throws(SystemError) -> FileDescriptor {
    let raw = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
    guard raw >= 0 else { throw .last("open", path) }
    let descriptor = FileDescriptor(owning: raw)
    var status = stat()
    guard fstat(raw, &status) == 0 else { throw .last("status", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(EINVAL, "open", path) }
    return descriptor
  }

  /// Length in bytes.
  package func size() throws(SystemError) -> Int64 {
    var status = stat()
    guard fstat(descriptor.raw, &status) == 0 else { throw .last("status", path) }
    return Int64(status.st_size)
  }

  /// Appends to `bytes` what stands at `offset`, at most `count` bytes; fewer at the end only.
  package func read(into bytes: inout [UInt8], at offset: Int64, count: Int) throws(SystemError) {
    let start = bytes.count
    var done = 0
    var failure: SystemError?
    bytes.append(contentsOf: repeatElement(0, count: max(0, count)))
    bytes.withUnsafeMutableBytes { buffer in
      while done < count {
        let result = retrying {
          pread(
            descriptor.raw, buffer.baseAddress.map { $0 + start + done }, count - done,
            off_t(offset) + off_t(done))
        }
        if result < 0 { failure = .last("read", path) }
        guard result > 0 else { return }
        done += result
      }
    }
    bytes.removeLast(max(0, count) - done)
    if let failure { throw failure }
  }
}
