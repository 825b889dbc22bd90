internal import ByteText
internal import CLinux
import Glibc

/// The whole of a short file, with who owns it and who may read it.
package struct OwnedFile: Sendable {
  package var bytes: [UInt8]
  package var owner: UInt32
  /// Permission bits, 07777 at most.
  package var mode: UInt32

  /// Reads a regular file of at most `limit` bytes; EFBIG when it is longer, EINVAL when it is no
  /// regular file. Owner and mode are those of the very file that was read.
  package init(_ path: String, limit: Int = 1 << 20) throws(SystemError) {
    let name = escaped(path.utf8)
    let raw = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
    guard raw >= 0 else { throw .last("open", name) }
    let file = FileDescriptor(owning: raw)
    var status = stat()
    guard fstat(file.raw, &status) == 0 else { throw .last("look at", name) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(EINVAL, "read", name) }
    owner = status.st_uid
    mode = status.st_mode & 0o7777
    bytes = []
    var space = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = retrying { read(file.raw, &space, space.count) }
      guard count >= 0 else { throw .last("read", name) }
      if count == 0 { return }
      guard bytes.count + count <= limit else { throw SystemError(EFBIG, "read", name) }
      bytes.append(contentsOf: space[..<count])
    }
  }
}
