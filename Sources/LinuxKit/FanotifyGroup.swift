internal import ByteText
internal import CLinux
internal import Glibc

/// A group of fanotify marks with its queue of events: notification only, each event with a pidfd
/// and the directory and name of its object, the queue without limit; see fanotify_init(2).
package struct FanotifyGroup: ~Copyable, Sendable {
  private let group: FileDescriptor
  private let poller: FileDescriptor

  package init() throws(SystemError) {
    let flags =
      UInt32(FAN_CLASS_NOTIF) | UInt32(FAN_CLOEXEC) | UInt32(FAN_NONBLOCK)
      | UInt32(FAN_UNLIMITED_QUEUE) | UInt32(FAN_UNLIMITED_MARKS) | UInt32(FAN_REPORT_PIDFD)
      | UInt32(FAN_REPORT_DIR_FID) | UInt32(FAN_REPORT_NAME)
    let opened = fanotify_init(flags, UInt32(O_RDONLY | O_CLOEXEC))
    guard opened >= 0 else { throw SystemError.last("start fanotify") }
    let group = FileDescriptor(owning: opened)
    let poller = try makePoller()
    try watch(group.raw, by: poller.raw)
    self.group = group
    self.poller = poller
  }

  /// Readable when events wait. Not the group itself: Dispatch asks every descriptor that it watches
  /// how much there is to read, for which the kernel walks through the whole queue each time.
  package var descriptor: Int32 { poller.raw }

  package var hasUnread: Bool {
    var entry = pollfd(fd: group.raw, events: Int16(POLLIN), revents: 0)
    return retrying { poll(&entry, 1, 0) } > 0
  }

  /// Asks for the events of `mask` anywhere on the file system of an open directory.
  ///
  /// EXDEV (a btrfs subvolume), EOPNOTSUPP and ENODEV (no handles, no id) say that it cannot be
  /// watched as a whole.
  package func markFileSystem(_ directory: Int32, _ mask: UInt64) throws(SystemError) {
    try mark(directory, UInt32(FAN_MARK_ADD) | UInt32(FAN_MARK_FILESYSTEM), mask)
  }

  /// Asks for the events of `mask` in one open directory and on its children.
  package func markDirectory(_ directory: Int32, _ mask: UInt64) throws(SystemError) {
    try mark(directory, UInt32(FAN_MARK_ADD), mask | FanotifyEvent.onChild)
  }

  private func mark(
    _ directory: Int32, _ flags: UInt32, _ mask: UInt64
  ) throws(SystemError) {
    let result = withCPath([UInt8(ascii: ".")]) {
      fanotify_mark(group.raw, flags | UInt32(FAN_MARK_ONLYDIR), mask, directory, $0)
    }
    guard result == 0 else { throw SystemError.last("mark for watching") }
  }

  /// Reads waiting events into `buffer`; how many bytes, 0 when nothing waits.
  package func read(into buffer: inout [UInt8]) throws(SystemError) -> Int {
    let count = buffer.withUnsafeMutableBytes { bytes in
      retrying { Glibc.read(group.raw, bytes.baseAddress, bytes.count) }
    }
    if count < 0, errno == EAGAIN { return 0 }
    guard count >= 0 else { throw SystemError.last("read fanotify events") }
    return count
  }
}

/// Says of each pidfd whether its process still runs, then closes them all. Negative numbers are
/// processes that were gone already.
package func settle(pidfds: [Int32]) -> [Bool] {
  var polled = pidfds.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
  let answered = retrying { poll(&polled, nfds_t(polled.count), 0) } >= 0
  for pidfd in pidfds where pidfd >= 0 { close(pidfd) }
  return polled.map { $0.fd >= 0 && answered && $0.revents == 0 }
}
