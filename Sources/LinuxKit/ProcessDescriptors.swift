internal import ByteText
internal import CLinux
internal import Glibc

/// How a process has a file open.
package struct DescriptorAccess: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let read = Self(rawValue: 1)
  package static let write = Self(rawValue: 2)
  /// The process runs the file.
  package static let execute = Self(rawValue: 4)
}

extension ProcessFiles {
  /// Hands over every descriptor of a process with the file it stands for, at most `limit`; false
  /// when there are more. Asks no file server: what the kernel knows of a file is enough.
  package func eachDescriptor(
    _ pid: Int32, limit: Int,
    _ body: (_ descriptor: Int32, _ device: UInt64, _ inode: UInt64) -> Void
  ) -> Bool {
    setPath(pid, "fd")
    let raw = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { return true }
    var left = limit
    var isWhole = true
    eachNumber(in: FileDescriptor(owning: raw)) { descriptor, folder in
      guard left > 0 else {
        isWhole = false
        return false
      }
      left -= 1
      if let file = Self.file(folder, Array("\(descriptor)".utf8)) {
        body(descriptor, file.device, file.inode)
      }
      return true
    }
    return isWhole
  }

  /// The file that a process runs; nil for kernel threads.
  package func program(_ pid: Int32) -> (device: UInt64, inode: UInt64)? {
    Self.file(root, Array("\(pid)/exe".utf8))
  }

  /// What a descriptor lets the process do with its file, as it was opened; see proc(5). Nothing
  /// for one that was opened with O_PATH.
  package func access(_ pid: Int32, descriptor: Int32) -> DescriptorAccess? {
    let raw = withCPath(Array("\(pid)/fdinfo/\(descriptor)".utf8)) {
      openat(root, $0, O_RDONLY | O_CLOEXEC)
    }
    guard raw >= 0 else { return nil }
    let file = FileDescriptor(owning: raw)
    var space = [UInt8](repeating: 0, count: 512)
    let count = retrying { Glibc.read(file.raw, &space, space.count) }
    guard count > 0 else { return nil }
    for line in space[..<count].split(separator: 0x0a) where line.starts(with: "flags:".utf8) {
      let digits = line.dropFirst(6).drop(while: isBlank)
      guard !digits.isEmpty, digits.count <= 16, digits.allSatisfy({ 0x30...0x37 ~= $0 }) else {
        return nil
      }
      let flags = digits.reduce(UInt64(0)) { $0 << 3 | UInt64($1 - 0x30) }
      if flags & UInt64(CLINUX_O_PATH) != 0 { return [] }
      switch Int32(flags & UInt64(O_ACCMODE)) {
      case O_RDONLY: return .read
      case O_WRONLY: return .write
      default: return [.read, .write]
      }
    }
    return nil
  }

  /// The very file that a descriptor stands for, or that the process runs with nil, opened with
  /// O_PATH: for a look at who may do what with it.
  package func opened(_ pid: Int32, descriptor: Int32?) -> FileDescriptor? {
    let name = descriptor.map { "\(pid)/fd/\($0)" } ?? "\(pid)/exe"
    let raw = withCPath(Array(name.utf8)) {
      openat(root, $0, Int32(CLINUX_O_PATH) | O_CLOEXEC)
    }
    return raw >= 0 ? FileDescriptor(owning: raw) : nil
  }

  private static func file(_ folder: Int32, _ name: [UInt8]) -> (device: UInt64, inode: UInt64)? {
    var status = statx()
    let flags = Int32(CLINUX_AT_STATX_DONT_SYNC)
    let asked = withCPath(name) { clinux_statx(folder, $0, flags, UInt32(STATX_INO), &status) }
    guard asked == 0 else { return nil }
    return (UInt64(gnu_dev_makedev(status.stx_dev_major, status.stx_dev_minor)), status.stx_ino)
  }
}
