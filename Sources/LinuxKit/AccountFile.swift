internal import ByteText
internal import CLinux
internal import Glibc

/// Why an account file could not be read; what was known before still counts.
package enum AccountFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(SystemError)
  /// Somebody is writing it, or left it empty: worth another look in some seconds. The path, escaped.
  case torn(String)

  package var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .torn(let path): "read: \(path): it is being written"
    }
  }
}

/// What shows that a file is still the one read before: identity, size and time of the last change.
package struct FileStamp: Equatable, Sendable {
  private var device: UInt64
  private var inode: UInt64
  private var size: Int64
  private var modified: Int64
  private var changed: Int64

  /// The stamp of the file at `path` now; nil when there is none.
  package init?(path: [UInt8]) {
    var status = stat()
    let path = path.map { CChar(bitPattern: $0) } + [0]
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  fileprivate init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
  }

  fileprivate var count: Int { Int(size) }

  /// Microseconds from the last change of its content to now.
  fileprivate var age: Int64 { SystemClock.wall() - modified / 1000 }
}

/// A small file of lines that tools rewrite while others read it.
package struct AccountFile: Sendable {
  package var bytes: [UInt8]
  package var stamp: FileStamp

  private static let longest = 64 << 20
  private static let settled: Int64 = 2_000_000

  /// Reads `path`, a regular file of at most 64 MiB; a last symbolic link is not followed.
  ///
  /// It is torn when it changes meanwhile, or ends within a line and was written in the last two
  /// seconds, or, unless `mayBeEmpty`, holds nothing.
  package init(path: [UInt8], mayBeEmpty: Bool = false) throws(AccountFileError) {
    let name = escaped(path)
    let raw = retrying {
      open(
        path.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    }
    guard raw >= 0 else { throw .unreadable(.last("open", name)) }
    let file = FileDescriptor(owning: raw)
    let before = try Self.status(file, name)
    guard before.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(SystemError(EINVAL, "read", name))
    }
    guard before.st_size <= Self.longest else {
      throw .unreadable(SystemError(EFBIG, "read", name))
    }
    stamp = FileStamp(before)
    bytes = []
    var space = [UInt8](repeating: 0, count: min(max(stamp.count, 0) + 1, 1 << 20))
    while bytes.count <= Self.longest {
      let count = retrying { read(file.raw, &space, space.count) }
      guard count >= 0 else { throw .unreadable(.last("read", name)) }
      guard count > 0 else { break }
      bytes.append(contentsOf: space[..<count])
    }
    guard FileStamp(try Self.status(file, name)) == stamp, bytes.count == stamp.count else {
      throw .torn(name)
    }
    if bytes.isEmpty, !mayBeEmpty { throw .torn(name) }
    if let last = bytes.last, last != UInt8(ascii: "\n"), abs(stamp.age) < Self.settled {
      throw .torn(name)
    }
  }

  private static func status(
    _ file: borrowing FileDescriptor, _ name: String
  ) throws(AccountFileError) -> stat {
    var status = stat()
    guard fstat(file.raw, &status) == 0 else { throw .unreadable(.last("stat", name)) }
    return status
  }
}
