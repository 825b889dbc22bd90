internal import ByteText
internal import Glibc

/// A log file that another program writes: opened for reading, no link followed at its end.
package final class LogFile {
  private let file: FileDescriptor
  private let name: String
  private var buffer = [UInt8](repeating: 0, count: 256 << 10)

  /// Opens a regular file; EINVAL for anything else, ELOOP for a link.
  package init(_ path: String) throws(SystemError) {
    name = escaped(path.utf8)
    let raw = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW) }
    guard raw >= 0 else { throw .last("open", name) }
    file = FileDescriptor(owning: raw)
    guard try FileStatus.of(file.raw).type == .regular else {
      throw SystemError(EINVAL, "read", name)
    }
  }

  /// The status of the very file that is open, whatever its name is now.
  package func status() throws(SystemError) -> FileStatus { try FileStatus.of(file.raw) }

  /// At most 256 KiB from `offset` on; nothing at the end.
  package func read(at offset: Int64) throws(SystemError) -> ArraySlice<UInt8> {
    let raw = file.raw
    let count = buffer.withUnsafeMutableBytes { space in
      retrying { pread(raw, space.baseAddress, space.count, off_t(offset)) }
    }
    guard count >= 0 else { throw .last("read", name) }
    return buffer[..<count]
  }
}
