internal import ByteText
internal import CLinux
internal import Glibc

/// Folders of other people's, looked into without waiting for anybody: no link is followed, and only
/// file systems of this host are entered, so that no server of files, a user's own least of all, can
/// hold the caller up.
package enum LocalFolder {
  /// The most names that are read of a folder.
  package static let most = 16_384

  /// The names in a folder, sorted; nil where it cannot be read so.
  package static func names(_ path: [UInt8]) -> [[UInt8]]? {
    guard let folder = open(path) else { return nil }
    return try? RootedFile.names(folder.raw, most: most)
  }

  private static func open(_ path: [UInt8]) -> FileDescriptor? {
    let parts = path.split(separator: UInt8(ascii: "/")).map(Array.init)
    guard path.first == UInt8(ascii: "/"), parts.count <= 64, !parts.contains(Array("..".utf8))
    else { return nil }
    let mounts = localMounts()
    var folder = step(AT_FDCWD, Array("/".utf8), mounts)
    for part in parts {
      guard let base = folder else { return nil }
      folder = step(base.raw, part, mounts)
    }
    return folder
  }

  private static func step(
    _ base: Int32, _ name: [UInt8], _ mounts: Set<UInt64>
  ) -> FileDescriptor? {
    let flags = Int32(CLINUX_O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let raw = retrying { withCPath(name) { openat(base, $0, flags) } }
    guard raw >= 0 else { return nil }
    let folder = FileDescriptor(owning: raw)
    guard mounts.contains(clinux_mount_id(folder.raw)) else { return nil }
    return folder
  }

  /// The numbers of the mounts whose files lie on this host; see proc_pid_mountinfo(5).
  private static func localMounts() -> Set<UInt64> {
    guard let table = fopen("/proc/self/mountinfo", "re") else { return [] }
    defer { fclose(table) }
    var found: Set<UInt64> = []
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    while true {
      let count = getline(&line, &room, table)
      guard count > 0, let start = line else { return found }
      let bytes = UnsafeRawBufferPointer(start: start, count: count)
      let fields = bytes.split(separator: UInt8(ascii: " "))
      guard let number = fields.first.flatMap({ decimal($0) }), number > 0,
        let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }),
        fields.count > dash + 1, types.contains(String(decoding: fields[dash + 1], as: UTF8.self))
      else { continue }
      found.insert(UInt64(number))
    }
  }

  private static let types: Set<String> = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "tmpfs", "ramfs", "overlay",
    "reiserfs", "jfs", "squashfs", "erofs", "rootfs", "nilfs2", "ubifs",
  ]
}
