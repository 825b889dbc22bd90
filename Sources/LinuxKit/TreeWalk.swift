internal import CLinux
internal import Glibc

/// One object that a walk came by.
package struct TreeEntry {
  /// The open directory in which `name` lies; valid during the visit only.
  package let directory: Int32
  package let name: [UInt8]
  /// The directory's own status, and its path as the walk was told or found it.
  package let parent: FileStatus
  package let parentPath: [UInt8]
  package let status: FileStatus

  package var path: [UInt8] {
    parentPath.last == UInt8(ascii: "/")
      ? parentPath + name : parentPath + [UInt8(ascii: "/")] + name
  }
}

/// What a visit asks the walk to do next.
package enum TreeStep: Sendable {
  /// Go on, into the object when it is a directory.
  case into
  /// Go on, but not into it.
  case over
  case stop
}

/// Walks a tree by descriptors: no link is followed, no depth is too deep, and what vanishes
/// meanwhile is passed over. Links are not visited. Other file systems below are entered, except
/// the kernel's own views (proc, sysfs, cgroup, ...).
package struct TreeWalk {
  /// Folders that could not be looked into, each with its error; the first 100 are kept.
  package private(set) var failures: [(path: [UInt8], error: SystemError)] = []
  /// How many those were.
  package private(set) var failed = 0

  private final class Frame {
    var descriptor: FileDescriptor?
    let status: FileStatus
    let path: [UInt8]
    var pending: [[UInt8]] = []

    init(_ descriptor: consuming FileDescriptor, _ status: FileStatus, _ path: [UInt8]) {
      self.descriptor = consume descriptor
      self.status = status
      self.path = path
    }
  }

  private static let openAtOnce = 64
  private var frames: [Frame] = []
  private var buffer = [UInt8](repeating: 0, count: 32_768)

  private init() {}

  /// Visits everything below the open folder `root`, whose path is `path`; not the folder itself.
  @discardableResult
  package static func walk(
    _ root: consuming FileDescriptor, path: [UInt8], _ visit: (TreeEntry) -> TreeStep
  ) throws(SystemError) -> TreeWalk {
    var walk = TreeWalk()
    let status = try FileStatus.of(root.raw)
    guard status.isDirectory else { throw SystemError(ENOTDIR, "walk folder") }
    guard walk.enter(Frame(root, status, path), visit) else { return walk }
    while let frame = walk.frames.last {
      guard let name = frame.pending.popLast() else {
        walk.leave()
        continue
      }
      guard let child = walk.open(name, in: frame) else { continue }
      if !walk.enter(child, visit) { break }
    }
    return walk
  }

  private mutating func note(_ path: [UInt8], _ error: SystemError) {
    if error.code == ENOENT || error.code == ENOTDIR || error.code == ELOOP { return }
    failed += 1
    if failures.count < 100 { failures.append((path, error)) }
  }

  private mutating func open(_ name: [UInt8], in frame: Frame) -> Frame? {
    guard let parent = frame.descriptor?.raw else { return nil }
    let path = frame.path.last == UInt8(ascii: "/") ? frame.path + name : frame.path + [0x2f] + name
    do {
      let before = try FileStatus.at(parent, name)
      guard before.isDirectory else { return nil }
      if before.device != frame.status.device {
        let peek = try SafeOpen.open(beneath: parent, name)
        if try FileSystemID.of(peek.raw).isKernelView { return nil }
      }
      let opened = try SafeOpen.directory(parent, name)
      let status = try FileStatus.of(opened.raw)
      return Frame(opened, status, path)
    } catch {
      note(path, error)
      return nil
    }
  }

  /// Reads the whole folder, visits what is in it and keeps the folders to enter. False: stop.
  private mutating func enter(_ frame: Frame, _ visit: (TreeEntry) -> TreeStep) -> Bool {
    guard let directory = frame.descriptor?.raw else { return true }
    frames.append(frame)
    if frames.count > Self.openAtOnce {
      frames[frames.count - 1 - Self.openAtOnce].descriptor = nil
    }
    while true {
      let length = buffer.withUnsafeMutableBytes { bytes in
        retrying { clinux_getdents64(directory, bytes.baseAddress, UInt64(bytes.count)) }
      }
      if length < 0 { note(frame.path, SystemError.last("read folder")) }
      guard length > 0 else { return true }
      for (name, type) in DirectoryRecords(buffer[..<Int(length)]) where type != linkType {
        guard let status = try? FileStatus.at(directory, name), status.type != .link else {
          continue
        }
        let step = visit(
          TreeEntry(
            directory: directory, name: name, parent: frame.status, parentPath: frame.path,
            status: status))
        if step == .stop { return false }
        if step == .into, status.isDirectory { frame.pending.append(name) }
      }
    }
  }

  /// Goes back up; a folder whose descriptor was given up meanwhile is opened again from below.
  private mutating func leave() {
    guard let done = frames.popLast(), let above = frames.last, above.descriptor == nil else {
      return
    }
    let up = Array("..".utf8)
    if let below = done.descriptor?.raw, let opened = try? SafeOpen.directory(below, up),
      let status = try? FileStatus.of(opened.raw), status.inode == above.status.inode,
      status.device == above.status.device
    {
      above.descriptor = consume opened
    } else if !above.pending.isEmpty {
      note(above.path, SystemError(ESTALE, "go back up to folder"))
      above.pending = []
    }
  }
}

/// DT_LNK of getdents64(2).
private let linkType: UInt8 = 10

/// The records that getdents64(2) wrote, without `.` and `..`.
private struct DirectoryRecords: Sequence, IteratorProtocol {
  private let bytes: ArraySlice<UInt8>
  private var at: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    at = bytes.startIndex
  }

  mutating func next() -> (name: [UInt8], type: UInt8)? {
    while at + 19 < bytes.endIndex {
      let length = Int(bytes[at + 16]) | Int(bytes[at + 17]) << 8
      guard length > 19, at + length <= bytes.endIndex else { return nil }
      let type = bytes[at + 18]
      let name = bytes[(at + 19)..<(at + length)].prefix { $0 != 0 }
      at += length
      if name.isEmpty || name == [0x2e] || name == [0x2e, 0x2e] { continue }
      return (Array(name), type)
    }
    return nil
  }
}
