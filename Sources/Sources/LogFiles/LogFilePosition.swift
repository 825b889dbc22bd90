internal import ByteText
internal import LinuxKit

/// How far a log file was read: which file it was, not only what it was called.
struct LogFilePosition: Equatable {
  var device: UInt64
  var inode: UInt64
  /// Nanoseconds since 1970; 0 where the file system keeps none.
  var birth: Int64
  var offset: Int64

  init(_ status: FileStatus, offset: Int64) {
    device = status.device
    inode = status.inode
    birth = status.birth
    self.offset = offset
  }

  /// Reads what `text` writes; nil for anything else.
  init?(text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let device = UInt64(parts[0]), let inode = UInt64(parts[1]),
      let birth = Int64(parts[2]), let offset = Int64(parts[3]), offset >= 0
    else { return nil }
    self.device = device
    self.inode = inode
    self.birth = birth
    self.offset = offset
  }

  var text: String { "\(device):\(inode):\(birth):\(offset)" }

  /// True for the very file, under whatever name.
  func isIn(_ status: FileStatus) -> Bool {
    device == status.device && inode == status.inode && birth == status.birth
  }
}
