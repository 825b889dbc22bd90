internal import ByteText
internal import CLinux
internal import Glibc

/// Opens files so that no symbolic link can lead elsewhere; see openat2(2).
package enum SafeOpen {
  /// Opens a directory for reading; links on the way are followed, so `path` must be trusted.
  package static func directory(_ path: [UInt8]) throws(SystemError) -> FileDescriptor {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK
    let opened = retrying { withCPath(path) { Glibc.open($0, flags) } }
    guard opened >= 0 else { throw SystemError.last("open folder", escaped(path)) }
    return FileDescriptor(owning: opened)
  }

  /// Opens a directory below an open one for reading; a link is refused (ELOOP or ENOTDIR).
  package static func directory(
    _ directory: Int32, _ name: [UInt8]
  ) throws(SystemError) -> FileDescriptor {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW
    let opened = retrying { withCPath(name) { openat(directory, $0, flags) } }
    guard opened >= 0 else { throw SystemError.last("open folder", escaped(name)) }
    return FileDescriptor(owning: opened)
  }

  /// Opens `relative`, which may be longer than PATH_MAX, below an open directory with O_PATH.
  ///
  /// A link in the middle is refused with ELOOP, a way out with EXDEV; a link at the end is opened
  /// itself: look at its type. An empty `relative` opens the directory again.
  package static func open(
    beneath directory: Int32, _ relative: [UInt8]
  ) throws(SystemError) -> FileDescriptor {
    var rest = relative[...]
    var base: FileDescriptor?
    while rest.count > longest {
      let head = rest.prefix(longest)
      guard let slash = head.lastIndex(of: UInt8(ascii: "/")), slash > rest.startIndex else {
        throw SystemError(ENAMETOOLONG, "open", escaped(relative))
      }
      base = try step(base?.raw ?? directory, Array(rest[..<slash]), O_DIRECTORY)
      rest = rest[rest.index(after: slash)...]
    }
    let name = rest.isEmpty ? [UInt8(ascii: ".")] : Array(rest)
    return try step(base?.raw ?? directory, name, 0)
  }

  private static let longest = 4000

  private static func step(
    _ directory: Int32, _ name: [UInt8], _ more: Int32
  ) throws(SystemError) -> FileDescriptor {
    let path = Int32(CLINUX_O_PATH)
    let flags = UInt64(path | O_NOFOLLOW | O_CLOEXEC | more)
    let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
    // EAGAIN: something was renamed while the kernel looked.
    for _ in 0..<8 {
      let opened = retrying { withCPath(name) { clinux_openat2(directory, $0, flags, 0, resolve) } }
      if opened >= 0 { return FileDescriptor(owning: opened) }
      guard errno == EAGAIN else { break }
    }
    throw SystemError.last("open", escaped(name))
  }
}
