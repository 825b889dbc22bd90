internal import ByteText
internal import CLinux
internal import Glibc

/// Files as a program finds them whose root directory is another one: links are followed, and none
/// of them leads out of that root; see RESOLVE_IN_ROOT of openat2(2).
package struct RootedFile: Sendable {
  package var bytes: [UInt8]
  package var owner: UInt32
  package var group: UInt32
  /// Permission bits, 07777 at most.
  package var mode: UInt16

  /// Reads the regular file at `path`, an absolute path as seen from `root` (empty for the host's
  /// own). EFBIG when it is longer than `limit`, EINVAL when it is no regular file: nothing else is
  /// ever opened, since opening alone makes some devices act.
  package init(_ path: [UInt8], root: [UInt8], limit: Int = 1 << 20) throws(SystemError) {
    let shown = escaped(path)
    let place = try Self.open(path, root: root)
    let status = try FileStatus.of(place.raw)
    guard status.type == .regular else { throw SystemError(EINVAL, "read", shown) }
    let again = Array("/proc/self/fd/\(place.raw)".utf8)
    let raw = retrying {
      withCPath(again) { Glibc.open($0, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) }
    }
    guard raw >= 0 else { throw .last("open", shown) }
    let file = FileDescriptor(owning: raw)
    (owner, group, mode) = (status.uid, status.gid, status.mode)
    bytes = []
    var space = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = retrying { read(file.raw, &space, space.count) }
      guard count >= 0 else { throw .last("read", shown) }
      if count == 0 { return }
      guard bytes.count + count <= limit else { throw SystemError(EFBIG, "read", shown) }
      bytes.append(contentsOf: space[..<count])
    }
  }

  /// Where `path`, as seen from `root`, really lies on the host: a path without links.
  package static func realPath(_ path: [UInt8], root: [UInt8]) throws(SystemError) -> [UInt8] {
    let place = try open(path, root: root)
    return try pathOf(descriptor: place.raw)
  }

  /// The same as seen from `root`.
  package static func place(_ path: [UInt8], root: [UInt8]) throws(SystemError) -> [UInt8] {
    let real = try realPath(path, root: root)
    guard !root.isEmpty else { return real }
    // A descriptor that only an argument holds is closed before the call.
    let top = try SafeOpen.directory(root)
    let base = try pathOf(descriptor: top.raw)
    return real.starts(with: base) && base.count > 1 ? Array(real[base.count...]) : real
  }

  /// The names in the folder at `path` as seen from `root`, sorted by their bytes, `.` and `..`
  /// left out. EFBIG when there are more than `most`.
  package static func names(
    in path: [UInt8], root: [UInt8], most: Int
  ) throws(SystemError) -> [[UInt8]] {
    let place = try open(path, root: root)
    do throws(SystemError) {
      return try names(place.raw, most: most)
    } catch {
      throw SystemError(error.code, error.context, escaped(path))
    }
  }

  /// The names in an open folder, as above.
  static func names(_ directory: Int32, most: Int) throws(SystemError) -> [[UInt8]] {
    let raw = retrying { openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard raw >= 0 else { throw .last("read folder") }
    guard let stream = fdopendir(raw) else {
      close(raw)
      throw .last("read folder")
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name == [0x2e] || name == [0x2e, 0x2e] { continue }
      guard names.count < most else { throw SystemError(EFBIG, "read folder") }
      names.append(name)
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  private static func open(_ path: [UInt8], root: [UInt8]) throws(SystemError) -> FileDescriptor {
    let flags = Int32(CLINUX_O_PATH) | O_CLOEXEC
    if root.isEmpty {
      // Nothing leads out of the host's own root; and some sandboxes refuse openat2.
      let raw = retrying { withCPath(path) { Glibc.open($0, flags) } }
      guard raw >= 0 else { throw .last("open", escaped(path)) }
      return FileDescriptor(owning: raw)
    }
    let resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    let top = try SafeOpen.directory(root)
    // EAGAIN: something was renamed while the kernel looked.
    for _ in 0..<8 {
      let raw = retrying {
        withCPath(path) { clinux_openat2(top.raw, $0, UInt64(flags), 0, resolve) }
      }
      if raw >= 0 { return FileDescriptor(owning: raw) }
      guard errno == EAGAIN else { break }
    }
    throw .last("open", escaped(path))
  }
}

extension SystemError {
  /// True when there is no such thing to be read, and nobody else can read it as a file: no such
  /// name, a folder that is none, a chain of links without end, a name no file can have.
  package var isNoFile: Bool {
    [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL].contains(code)
  }

  /// True for EFBIG: longer than is read.
  package var isTooLong: Bool { code == EFBIG }

  /// True for EEXIST.
  package var isExisting: Bool { code == EEXIST }

  /// True when a symbolic link, or a way out, stands where none is followed.
  package var isForbiddenLink: Bool { code == ELOOP || code == EXDEV }
}
