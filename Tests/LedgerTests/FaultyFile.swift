import Glibc
import LinuxKit

/// What a faulty disk does; shared by the files on it.
final class FaultyDisk {
  /// Bytes that may still be written or kept; nil is no limit.
  var room: Int64?
  var canPreallocate = true
  var appendError: Int32?
  var synchronizeError: Int32?
  /// Bytes that a failing append leaves behind.
  var leaves = 0
  var truncateError: Int32?

  func open(_ path: String) throws(SystemError) -> any AppendFile {
    FaultyFile(self, try DurableFile(appendingTo: path))
  }
}

/// A real file on a faulty disk. After an fdatasync that failed, what was appended is lost.
final class FaultyFile: AppendFile {
  private let disk: FaultyDisk
  private let file: DurableFile
  private var kept: Int64 = 0
  private var durable: Int64 = 0

  init(_ disk: FaultyDisk, _ file: DurableFile) {
    self.disk = disk
    self.file = file
  }

  func size() throws(SystemError) -> Int64 { try file.size() }

  func append(_ bytes: [UInt8]) throws(SystemError) {
    if let code = disk.appendError {
      try file.append(Array(bytes.prefix(disk.leaves)))
      throw SystemError(code, "write")
    }
    let end = try file.size() + Int64(bytes.count)
    if let room = disk.room, end > kept {
      guard room >= end - kept else {
        try file.append(Array(bytes.prefix(bytes.count / 2)))
        throw SystemError(ENOSPC, "write")
      }
      disk.room = room - (end - kept)
      kept = end
    }
    try file.append(bytes)
  }

  func synchronize() throws(SystemError) {
    if let code = disk.synchronizeError {
      let size = try file.size()
      try file.truncate(to: max(min(durable, size), size - 10))
      throw SystemError(code, "synchronize")
    }
    try file.synchronize()
    durable = try file.size()
  }

  func preallocate(to end: Int64) throws(SystemError) {
    guard disk.canPreallocate else { throw SystemError(EOPNOTSUPP, "keep room") }
    guard let room = disk.room, end > kept else { return kept = max(kept, end) }
    guard room >= end - kept else { throw SystemError(ENOSPC, "keep room") }
    disk.room = room - (end - kept)
    kept = end
  }

  func truncate(to size: Int64) throws(SystemError) {
    if let code = disk.truncateError { throw SystemError(code, "truncate") }
    try file.truncate(to: size)
    if let room = disk.room { disk.room = room + max(0, kept - size) }
    kept = size
  }
}
