internal import CLinux
internal import Glibc

/// A mounted file system as this process sees it; see proc_pid_mountinfo(5).
package struct Mount: Equatable, Sendable {
  /// Where it is mounted.
  package var path: [UInt8]
  /// `ext4`, `tmpfs`.
  package var type: [UInt8]

  package init(path: [UInt8], type: [UInt8]) {
    self.path = path
    self.type = type
  }

  /// What is mounted now; empty where /proc cannot be read.
  package static func all() -> [Mount] {
    guard let table = fopen("/proc/self/mountinfo", "re") else { return [] }
    defer { fclose(table) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = fread(&piece, 1, piece.count, table)
      if count == 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return parse(bytes)
  }

  /// Reads lines of mountinfo; what is no such line is left out.
  package static func parse(_ bytes: [UInt8]) -> [Mount] {
    var mounts: [Mount] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " "))
      guard let dash = fields.firstIndex(of: [UInt8(ascii: "-")]), dash >= 6,
        fields.count > dash + 1
      else { continue }
      mounts.append(Mount(path: plain(fields[4]), type: Array(fields[dash + 1])))
    }
    return mounts
  }

  /// Undoes the octal escapes of blank, tab, newline and backslash.
  private static func plain(_ field: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var at = field.startIndex
    while at < field.endIndex {
      let digits = field[at...].dropFirst().prefix(3)
      if field[at] == UInt8(ascii: "\\"), digits.count == 3,
        digits.allSatisfy({ (0x30...0x37).contains($0) })
      {
        let value = digits.reduce(0) { $0 * 8 + Int($1 - 0x30) }
        bytes.append(UInt8(truncatingIfNeeded: value))
        at += 4
      } else {
        bytes.append(field[at])
        at += 1
      }
    }
    return bytes
  }

  /// True where a file is there and its file system, or this process's view of it, is mounted
  /// read-only; see EROFS of access(2).
  package static func isReadOnly(_ path: [UInt8]) -> Bool {
    withCPath(path) { access($0, W_OK) } != 0 && errno == EROFS
  }

  /// True for the kernel's own views (proc, sysfs, cgroup, ...), which hold no files of anybody.
  package var isKernelView: Bool { Self.views.contains(String(decoding: type, as: UTF8.self)) }

  private static let views: Set<String> = [
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "debugfs", "tracefs", "securityfs", "configfs",
    "fusectl", "mqueue", "bpf", "pstore", "efivarfs", "hugetlbfs", "binfmt_misc", "autofs",
    "rpc_pipefs", "selinuxfs", "nsfs",
  ]
}

/// Which file system an open file lies on; see statfs(2).
package struct FileSystemID: Hashable, Sendable {
  /// f_fsid, as fanotify reports it too.
  package var id: UInt64
  /// f_type: the magic number of its kind.
  package var magic: UInt32

  package static func of(_ descriptor: Int32) throws(SystemError) -> FileSystemID {
    var id: UInt64 = 0
    var magic: UInt32 = 0
    guard clinux_filesystem(descriptor, &id, &magic) == 0 else {
      throw SystemError.last("read file system")
    }
    return FileSystemID(id: id, magic: magic)
  }

  /// As `Mount.isKernelView`, by the magic numbers of linux/magic.h.
  package var isKernelView: Bool { Self.views.contains(magic) }

  private static let views: Set<UInt32> = [
    0x9fa0, 0x6265_6572, 0x27e0eb, 0x6367_7270, 0x1cd1, 0x6462_6720, 0x7472_6163, 0x7363_6673,
    0x6265_6570, 0x6573_5543, 0x1980_0202, 0xcafe_4a11, 0x6165_676c, 0xde5e_81e4, 0x9584_58f6,
    0x4249_4e4d, 0x0187, 0x6759_6969, 0xf97c_ff8c, 0x6e73_6673,
  ]
}
