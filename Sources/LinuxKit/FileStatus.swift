internal import ByteText
internal import CLinux
internal import Glibc

/// What kind of object stands under a name; see inode(7).
package enum FileType: UInt8, Sendable {
  case regular, directory, link, fifo, socket, blockDevice, characterDevice, other

  init(mode: UInt16) {
    switch mode & 0o170000 {
    case 0o100000: self = .regular
    case 0o040000: self = .directory
    case 0o120000: self = .link
    case 0o010000: self = .fifo
    case 0o140000: self = .socket
    case 0o060000: self = .blockDevice
    case 0o020000: self = .characterDevice
    default: self = .other
    }
  }
}

/// What the kernel says of a file; see statx(2).
package struct FileStatus: Equatable, Sendable {
  /// The permission bits with setuid, setgid and sticky: 07777 at most.
  package var mode: UInt16
  package var type: FileType
  package var uid: UInt32
  package var gid: UInt32
  /// How many names the file has; 0 for one that was deleted and is still open.
  package var links: UInt32
  /// As st_dev of stat(2).
  package var device: UInt64
  package var inode: UInt64
  /// Birth time in nanoseconds since 1970, 0 where the file system keeps none.
  package var birth: Int64
  /// When mode, owner, names or content changed last (ctime), in microseconds since 1970.
  package var changed: Int64
  package var size: Int64

  package var isDirectory: Bool { type == .directory }

  /// The status of `name` in an open directory. Mounts nothing.
  package static func at(
    _ directory: Int32, _ name: [UInt8], follow: Bool = false
  ) throws(SystemError) -> FileStatus {
    let flags = follow ? 0 : CLINUX_AT_SYMLINK_NOFOLLOW
    return try read(directory, name, Int32(flags))
  }

  /// The status of the file under `path`.
  package static func at(_ path: [UInt8], follow: Bool = false) throws(SystemError) -> FileStatus {
    try at(AT_FDCWD, path, follow: follow)
  }

  /// The status of an open file; O_PATH is enough.
  package static func of(_ descriptor: Int32) throws(SystemError) -> FileStatus {
    try read(descriptor, [], Int32(CLINUX_AT_EMPTY_PATH))
  }

  private static func read(
    _ directory: Int32, _ name: [UInt8], _ flags: Int32
  ) throws(SystemError) -> FileStatus {
    var raw = statx()
    let noAutomount: Int32 = 0x800
    let mask = UInt32(STATX_BASIC_STATS) | UInt32(STATX_BTIME)
    let result = withCPath(name) { clinux_statx(directory, $0, flags | noAutomount, mask, &raw) }
    guard result == 0 else { throw SystemError.last("read status", escaped(name)) }
    let hasBirth = raw.stx_mask & UInt32(STATX_BTIME) != 0
    return FileStatus(
      mode: raw.stx_mode & 0o7777, type: FileType(mode: raw.stx_mode), uid: raw.stx_uid,
      gid: raw.stx_gid, links: raw.stx_nlink,
      device: UInt64(gnu_dev_makedev(raw.stx_dev_major, raw.stx_dev_minor)),
      inode: raw.stx_ino,
      birth: hasBirth
        ? raw.stx_btime.tv_sec &* 1_000_000_000 &+ Int64(raw.stx_btime.tv_nsec) : 0,
      changed: raw.stx_ctime.tv_sec &* 1_000_000 &+ Int64(raw.stx_ctime.tv_nsec) / 1000,
      size: Int64(clamping: raw.stx_size))
  }
}

/// Sets the permission bits of the very file that is open, O_PATH or not; see chmod(2).
package func changeMode(of descriptor: Int32, to mode: UInt16) throws(SystemError) {
  let path = Array("/proc/self/fd/\(descriptor)".utf8)
  guard withCPath(path, { chmod($0, mode_t(mode)) }) == 0 else {
    throw SystemError.last("change mode")
  }
}

/// The path under which the kernel knows an open file now, as seen from this process's root.
package func pathOf(descriptor: Int32) throws(SystemError) -> [UInt8] {
  let link = Array("/proc/self/fd/\(descriptor)".utf8)
  let room = 4096
  var length = 0
  let path = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
    _ = withCPath(link) { text in
      buffer.withMemoryRebound(to: CChar.self) { target in
        if let base = target.baseAddress { length = readlink(text, base, room) }
      }
      return 0
    }
    count = max(0, length)
  }
  guard length >= 0 else { throw SystemError.last("read path of descriptor") }
  guard length < room else { throw SystemError(ENAMETOOLONG, "read path of descriptor") }
  return path
}

/// Calls with the bytes as a C string; -1 with EINVAL when they hold a NUL.
func withCPath(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: path.count + 1) { buffer in
    guard let base = buffer.baseAddress, !path.contains(0) else {
      errno = EINVAL
      return -1
    }
    path.withUnsafeBytes { bytes in
      if let from = bytes.baseAddress { memcpy(base, from, bytes.count) }
    }
    base[path.count] = 0
    return body(base)
  }
}
