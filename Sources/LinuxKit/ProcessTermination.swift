internal import CLinux
internal import Glibc

/// Ending processes that are known by pid and start time, so that no other one with the number is.
package enum ProcessTermination {
  /// A process by its number and when it began, in ticks since boot (/proc/PID/stat, field 22).
  package typealias Mark = (pid: Int32, start: UInt64)

  /// Sends SIGTERM to each, waits up to `patience` microseconds for their end, then sends SIGKILL and
  /// waits a second more. Returns those that still live. Blocks the calling thread.
  package static func end(_ marks: [Mark], patience: Int64 = 5_000_000) -> [Mark] {
    var left: [(mark: Mark, descriptor: Handle)] = []
    for mark in marks where mark.pid > 1 && mark.pid != getpid() {
      guard let descriptor = open(mark) else { continue }
      left.append((mark, descriptor))
      signal(descriptor, SIGTERM)
    }
    wait(for: &left, patience)
    for entry in left { signal(entry.descriptor, SIGKILL) }
    wait(for: &left, 1_000_000)
    return left.map(\.mark)
  }

  private final class Handle {
    let descriptor: FileDescriptor
    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
  }

  /// A descriptor of that very process; nil when it is gone.
  private static func open(_ mark: Mark) -> Handle? {
    let raw = clinux_pidfd_open(mark.pid)
    guard raw >= 0 else { return nil }
    let handle = Handle(FileDescriptor(owning: raw))
    // What is read after the descriptor was opened is of the process that it means, if it lives.
    guard ProcessFiles().stat(mark.pid)?.start == mark.start else { return nil }
    return handle
  }

  private static func signal(_ handle: Handle, _ number: Int32) {
    _ = clinux_pidfd_send_signal(handle.descriptor.raw, number)
  }

  private static func wait(
    for left: inout [(mark: Mark, descriptor: Handle)], _ patience: Int64
  ) {
    let end = SystemClock.up() + patience
    while let first = left.first {
      let rest = end - SystemClock.up()
      var poll = pollfd(fd: first.descriptor.descriptor.raw, events: Int16(POLLIN), revents: 0)
      let ready = retrying { Glibc.poll(&poll, 1, Int32(max(0, rest / 1000))) }
      guard ready > 0 else { break }
      left.removeFirst()
    }
    // The first one that did not end keeps nobody else from being looked at.
    left.removeAll { entry in
      var poll = pollfd(fd: entry.descriptor.descriptor.raw, events: Int16(POLLIN), revents: 0)
      return retrying { Glibc.poll(&poll, 1, 0) } > 0
    }
  }
}
