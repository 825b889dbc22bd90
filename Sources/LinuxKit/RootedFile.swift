internal import ByteText
internal import CLinux
internal import Glibc

/// A file that is looked up below a root as a program in that root would find it: a symbolic link,
/// absolute ones too, leads to what it names there and never out of the root.
package struct RootedFile: Sendable {
  package var bytes: [UInt8]
  /// Where it stands with all links followed, absolute, as seen from the root.
  package var path: [UInt8]
  package var owner: UInt32
  package var group: UInt32
  /// Permission bits, 07777 at most.
  package var mode: UInt32

  /// Reads a regular file of at most `limit` bytes; EINVAL for anything else, EFBIG for a longer one.
  /// `root` has no slash at its end and is empty for the host's; `path` is absolute in it.
  package init(_ path: [UInt8], in root: [UInt8], limit: Int = 1 << 20) throws(SystemError) {
    let shown = escaped(path)
    let file = try Self.open(path, in: root, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    var status = stat()
    guard fstat(file.raw, &status) == 0 else { throw .last("look at", shown) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(EINVAL, "read", shown) }
    owner = status.st_uid
    group = status.st_gid
    mode = status.st_mode & 0o7777
    self.path = try Self.place(of: file.raw, in: root)
    bytes = []
    var space = [UInt8](repeating: 0, count: 32 << 10)
    while true {
      let count = retrying { read(file.raw, &space, space.count) }
      guard count >= 0 else { throw .last("read", shown) }
      if count == 0 { return }
      guard bytes.count + count <= limit else { throw SystemError(EFBIG, "read", shown) }
      bytes.append(contentsOf: space[..<count])
    }
  }

  /// The names in a folder, sorted by their bytes, and where the folder really stands.
  package static func names(
    in path: [UInt8], root: [UInt8]
  ) throws(SystemError) -> (path: [UInt8], names: [[UInt8]]) {
    let folder = try open(path, in: root, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
    let place = try place(of: folder.raw, in: root)
    guard let stream = fdopendir(folder.release()) else {
      throw .last("open folder", escaped(path))
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .last("read folder", escaped(path)) }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
    }
    return (place, names.sorted { $0.lexicographicallyPrecedes($1) })
  }

  private static func open(
    _ path: [UInt8], in root: [UInt8], _ flags: Int32
  ) throws(SystemError) -> FileDescriptor {
    let top = try SafeOpen.directory(root.isEmpty ? [UInt8(ascii: "/")] : root)
    let resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    // EAGAIN: something was renamed while the kernel looked.
    for _ in 0..<8 {
      let opened = retrying {
        withCPath(path) { clinux_openat2(top.raw, $0, UInt64(flags | O_CLOEXEC), 0, resolve) }
      }
      if opened >= 0 { return FileDescriptor(owning: opened) }
      guard errno == EAGAIN else { break }
    }
    throw SystemError.last("open", escaped(path))
  }

  private static func place(of file: Int32, in root: [UInt8]) throws(SystemError) -> [UInt8] {
    let place = try pathOf(descriptor: file)
    guard !root.isEmpty else { return place }
    let top = try SafeOpen.directory(root)
    let base = try pathOf(descriptor: top.raw)
    return place.starts(with: base) && base.count > 1 ? Array(place[base.count...]) : place
  }
}
