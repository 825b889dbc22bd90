internal import ByteText
internal import CLinux
internal import Glibc

/// A text file of somebody else's that is given new content in one step, and keeps all the rest:
/// owner, group, mode, access lists, SELinux label and every other extended attribute.
///
/// It is opened below a trusted folder without following any link. The new content is written beside
/// it, made durable, checked by the caller, and takes the name only while the file under that name
/// is still the one that was read (rename(2) cannot compare: what is written in the microseconds
/// between is lost, as with every tool that replaces files; take the tool's own lock against it).
package struct RewrittenFile: ~Copyable {
  package enum Outcome: Equatable, Sendable {
    case done
    /// The caller wants nothing changed.
    case unchanged
    /// Somebody changed or replaced it meanwhile; nothing was touched.
    case changedMeanwhile
    /// The caller's check refused the new content, in these words; nothing was touched.
    case refused(String)
  }

  /// As it was read.
  package let bytes: [UInt8]
  private let folder: FileDescriptor
  private let file: FileDescriptor
  private let name: [UInt8]
  private let path: [UInt8]
  private let before: stat

  /// Opens and reads `path`, a regular file of at most `limit` bytes, below `base`, whose own path
  /// may lead through links. ELOOP or EXDEV where a link stands below it, EINVAL for no regular file.
  ///
  /// With `locking` the file itself is locked against writers as lockf(3) and fcntl(2) lock it, until
  /// this value goes; EAGAIN when somebody else has the lock (see `SystemError.isLocked`).
  package init(
    _ path: [UInt8], below base: [UInt8], limit: Int = 1 << 20, locking: Bool = false
  ) throws(SystemError) {
    guard path.starts(with: base), let slash = path.lastIndex(of: UInt8(ascii: "/")),
      slash >= base.count || base.last == UInt8(ascii: "/")
    else { throw SystemError(EINVAL, "open", escaped(path)) }
    let top = try SafeOpen.directory(base.isEmpty ? [UInt8(ascii: "/")] : base)
    let inside = slash > base.count ? path[base.count..<slash] : []
    let relative = Array(inside.drop { $0 == UInt8(ascii: "/") })
    let opened = try SafeOpen.open(beneath: top.raw, relative)
    let folder = try SafeOpen.directory(opened.raw, [UInt8(ascii: ".")])
    let name = Array(path[(slash + 1)...])
    let raw = retrying {
      let access = locking ? O_RDWR : O_RDONLY
      return withCPath(name) {
        openat(folder.raw, $0, access | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      }
    }
    guard raw >= 0 else { throw .last("open", escaped(path)) }
    let file = FileDescriptor(owning: raw)
    var status = stat()
    guard fstat(file.raw, &status) == 0 else { throw .last("look at", escaped(path)) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SystemError(EINVAL, "read", escaped(path))
    }
    if locking { try lockWhole(file.raw, escaped(path)) }
    var bytes: [UInt8] = []
    var space = [UInt8](repeating: 0, count: 32 << 10)
    while true {
      let count = retrying { read(file.raw, &space, space.count) }
      guard count >= 0 else { throw .last("read", escaped(path)) }
      if count == 0 { break }
      guard bytes.count + count <= limit else { throw SystemError(EFBIG, "read", escaped(path)) }
      bytes.append(contentsOf: space[..<count])
    }
    self.bytes = bytes
    self.folder = folder
    self.file = file
    self.name = name
    self.path = path
    before = status
  }

  /// Gives the file the content `new`. `check` gets the path of the new file, which has owner and
  /// mode already, and says why it must not go live; nil when it may.
  package consuming func replace(
    with new: [UInt8], check: (String) -> String? = { _ in nil }
  ) throws(SystemError) -> Outcome {
    if new == bytes { return .unchanged }
    // A name that sudo passes over in sudoers.d, and sshd never asks for.
    let temporary = [UInt8(ascii: ".")] + name.prefix(200) + Array(".grantwatch~".utf8)
    let shown = escaped(path + Array(".grantwatch~".utf8))
    _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
    let raw = withCPath(temporary) {
      openat(folder.raw, $0, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    guard raw >= 0 else { throw .last("create", shown) }
    let copy = FileDescriptor(owning: raw)
    do throws(SystemError) {
      try writeAll(new[...], to: copy.raw, shown)
      guard fchown(copy.raw, before.st_uid, before.st_gid) == 0 else {
        throw .last("set owner", shown)
      }
      try copyAttributes(from: file.raw, to: copy.raw, shown)
      guard fchmod(copy.raw, before.st_mode & 0o7777) == 0 else { throw .last("set mode", shown) }
      guard retrying({ fsync(copy.raw) }) == 0 else { throw .last("sync", shown) }
      let live = "/proc/self/fd/\(folder.raw)/" + String(decoding: temporary, as: UTF8.self)
      if let refusal = check(resolved(live) ?? live) {
        _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
        return .refused(refusal)
      }
      guard isStillThere() else {
        _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
        return .changedMeanwhile
      }
      let moved = withCPath(temporary) { from in
        withCPath(name) { renameat(folder.raw, from, folder.raw, $0) }
      }
      guard moved == 0 else { throw .last("put in place", escaped(path)) }
    } catch {
      _ = withCPath(temporary) { unlinkat(folder.raw, $0, 0) }
      throw error
    }
    guard retrying({ fsync(folder.raw) }) == 0 else { throw .last("sync", escaped(path)) }
    return .done
  }

  /// Removes the file, if it is still the one that was read.
  package consuming func remove() throws(SystemError) -> Outcome {
    guard isStillThere() else { return .changedMeanwhile }
    guard withCPath(name, { unlinkat(folder.raw, $0, 0) }) == 0 else {
      throw .last("remove", escaped(path))
    }
    guard retrying({ fsync(folder.raw) }) == 0 else { throw .last("sync", escaped(path)) }
    return .done
  }

  private func isStillThere() -> Bool {
    var now = stat()
    guard
      withCPath(name, { fstatat(folder.raw, $0, &now, Int32(CLINUX_AT_SYMLINK_NOFOLLOW)) }) == 0
    else { return false }
    return now.st_dev == before.st_dev && now.st_ino == before.st_ino
      && now.st_size == before.st_size
      && now.st_mtim.tv_sec == before.st_mtim.tv_sec
      && now.st_mtim.tv_nsec == before.st_mtim.tv_nsec
  }
}

/// Takes a lock of the open file description: unlike one of the process it is not lost when another
/// descriptor of the file is closed; against those of other processes both are the same.
private func lockWhole(_ file: Int32, _ shown: String) throws(SystemError) {
  var lock = flock()
  lock.l_type = Int16(F_WRLCK)
  lock.l_whence = Int16(SEEK_SET)
  guard fcntl(file, Int32(CLINUX_F_OFD_SETLK), &lock) == 0 else {
    throw SystemError(errno == EACCES ? EAGAIN : errno, "lock", shown)
  }
}

private func resolved(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}

/// Copies what listxattr(2) lists. What the file system or the kernel does not let be set (ENOTSUP,
/// EPERM) stays as the new file was born with it.
private func copyAttributes(
  from old: Int32, to new: Int32, _ shown: String
) throws(SystemError) {
  let length = flistxattr(old, nil, 0)
  guard length > 0 else { return }
  var names = [CChar](repeating: 0, count: min(length, 64 << 10))
  let got = flistxattr(old, &names, names.count)
  guard got > 0 else { return }
  for name in names[..<got].split(separator: 0) {
    let name = Array(name) + [0]
    let size = fgetxattr(old, name, nil, 0)
    guard size >= 0, size <= 64 << 10 else { continue }
    var value = [UInt8](repeating: 0, count: max(size, 1))
    let read = fgetxattr(old, name, &value, size)
    guard read == size else { continue }
    guard fsetxattr(new, name, value, size, 0) == 0 || errno == ENOTSUP || errno == EPERM else {
      throw .last("set attribute", shown)
    }
  }
}
