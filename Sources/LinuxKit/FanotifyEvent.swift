/// One event as the kernel wrote it; see fanotify(7).
package struct FanotifyEvent: Equatable, Sendable {
  /// FAN_ATTRIB and its like; what happened to one name by one process may be merged.
  package var mask: UInt64
  /// 0 for an overflow and for a process of another PID namespace.
  package var pid: Int32
  /// An open pidfd, or negative: the process was gone, or descriptors had run out.
  package var pidfd: Int32
  /// f_fsid of the file system.
  package var fileSystem: UInt64
  /// The directory, in the form of `FileHandle`; empty when the kernel gave none.
  package var handle: [UInt8]
  /// The name in that directory; empty or `.` for the object of the handle itself.
  package var name: [UInt8]

  package static let modified: UInt64 = 0x2
  package static let attributes: UInt64 = 0x4
  package static let closedWritten: UInt64 = 0x8
  package static let movedFrom: UInt64 = 0x40
  package static let movedTo: UInt64 = 0x80
  package static let created: UInt64 = 0x100
  package static let deleted: UInt64 = 0x200
  package static let overflow: UInt64 = 0x4000
  package static let onChild: UInt64 = 0x0800_0000
  package static let onDirectory: UInt64 = 0x4000_0000

  /// Reads what the kernel put into a buffer. Stops where a record does not fit its bounds:
  /// `damaged` says so. Every pidfd that was read is in an event, so that it can be closed.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer
  ) -> (events: [FanotifyEvent], damaged: Bool) {
    var events: [FanotifyEvent] = []
    var at = 0
    while at < bytes.count {
      guard bytes.count - at >= 24 else { return (events, true) }
      let length = Int(bytes.number(at, UInt32.self))
      let header = Int(bytes.number(at + 6, UInt16.self))
      guard length >= 24, length <= bytes.count - at, header >= 24, header <= length,
        bytes[at + 4] == 3
      else { return (events, true) }
      var event = FanotifyEvent(
        mask: bytes.number(at + 8, UInt64.self), pid: bytes.number(at + 20, Int32.self), pidfd: -1,
        fileSystem: 0, handle: [], name: [])
      let whole = event.read(
        records: UnsafeRawBufferPointer(rebasing: bytes[(at + header)..<(at + length)]))
      events.append(event)
      if !whole { return (events, true) }
      at += length
    }
    return (events, false)
  }

  private mutating func read(records bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    while at < bytes.count {
      guard bytes.count - at >= 4 else { return false }
      let length = Int(bytes.number(at + 2, UInt16.self))
      guard length >= 4, length <= bytes.count - at else { return false }
      let record = UnsafeRawBufferPointer(rebasing: bytes[at..<(at + length)])
      switch bytes[at] {
      case 1, 2, 3:
        guard read(object: record, named: bytes[at] == 2) else { return false }
      case 4:
        guard length >= 8 else { return false }
        pidfd = record.number(4, Int32.self)
      default:
        break
      }
      at += length
    }
    return true
  }

  /// struct fanotify_event_info_fid: fsid, struct file_handle, and a name with its NUL.
  private mutating func read(object record: UnsafeRawBufferPointer, named: Bool) -> Bool {
    guard record.count >= 20 else { return false }
    let length = Int(record.number(12, UInt32.self))
    guard length <= 128, 20 + length <= record.count else { return false }
    if !handle.isEmpty, !named { return true }
    fileSystem = record.number(4, UInt64.self)
    handle = Array(record[16..<(20 + length)])
    name = named ? Array(record[(20 + length)...].prefix { $0 != 0 }) : []
    return true
  }
}

extension UnsafeRawBufferPointer {
  /// A number in the machine's order at any offset that the caller has checked.
  fileprivate func number<Number: FixedWidthInteger>(_ at: Int, _: Number.Type) -> Number {
    loadUnaligned(fromByteOffset: at, as: Number.self)
  }
}
