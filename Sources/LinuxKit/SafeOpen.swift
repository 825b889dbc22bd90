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
  ///
  /// - Parameter folderByFolder: without openat2(2), to the same effect; `..` is refused.
  package static func open(
    beneath directory: Int32, _ relative: [UInt8], folderByFolder: Bool = isWithoutOpenat2
  ) throws(SystemError) -> FileDescriptor {
    if folderByFolder { return try walk(directory, relative) }
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

  /// A sandbox refuses openat2(2): systemd's RestrictSUIDSGID= does, as it cannot look into its
  /// argument.
  package static let isWithoutOpenat2: Bool = {
    let opened = clinux_openat2(AT_FDCWD, ".", UInt64(Int32(CLINUX_O_PATH) | O_CLOEXEC), 0, 0)
    guard opened >= 0 else { return errno == ENOSYS }
    close(opened)
    return false
  }()

  private static func walk(
    _ directory: Int32, _ relative: [UInt8]
  ) throws(SystemError) -> FileDescriptor {
    let slash = UInt8(ascii: "/")
    var parts = relative.split(separator: slash).map(Array.init)
    if parts.isEmpty { parts = [[UInt8(ascii: ".")]] }
    guard relative.first != slash, !parts.contains(Array("..".utf8)) else {
      throw SystemError(EXDEV, "open", escaped(relative))
    }
    let last = parts.removeLast()
    var folder: FileDescriptor?
    for part in parts {
      let base = folder?.raw ?? directory
      do throws(SystemError) {
        folder = try beneath(base, part, O_DIRECTORY)
      } catch {
        let isLink = (try? FileStatus.at(base, part))?.type == .link
        throw isLink ? SystemError(ELOOP, "open", escaped(relative)) : error
      }
    }
    return try beneath(folder?.raw ?? directory, last, relative.last == slash ? O_DIRECTORY : 0)
  }

  private static func beneath(
    _ directory: Int32, _ name: [UInt8], _ more: Int32
  ) throws(SystemError) -> FileDescriptor {
    let flags = Int32(CLINUX_O_PATH) | O_NOFOLLOW | O_CLOEXEC | more
    let opened = retrying { withCPath(name) { openat(directory, $0, flags) } }
    guard opened >= 0 else { throw SystemError.last("open", escaped(name)) }
    return FileDescriptor(owning: opened)
  }

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
