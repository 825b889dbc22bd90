internal import CLinux
internal import Glibc

/// A descriptor that stays the same while the one it stands for is exchanged: readable when that
/// one is. See epoll(7).
package final class WakeDescriptor {
  private let poller: FileDescriptor
  private var current: Int32 = -1

  package init() throws(SystemError) {
    poller = try makePoller()
  }

  package var raw: Int32 { poller.raw }

  /// Stands for `descriptor` from now on, which must be open; the one before may be closed already.
  package func replace(with descriptor: Int32) throws(SystemError) {
    if current >= 0 { _ = epoll_ctl(poller.raw, EPOLL_CTL_DEL, current, nil) }
    current = descriptor
    guard descriptor >= 0 else { return }
    try watch(descriptor, by: poller.raw)
  }
}

func makePoller() throws(SystemError) -> FileDescriptor {
  let raw = epoll_create1(Int32(EPOLL_CLOEXEC))
  guard raw >= 0 else { throw .last("make epoll set") }
  return FileDescriptor(owning: raw)
}

/// Has `poller` be readable whenever `descriptor` is.
func watch(_ descriptor: Int32, by poller: Int32) throws(SystemError) {
  var event = epoll_event()
  event.events = EPOLLIN.rawValue
  guard epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
    throw .last("watch descriptor")
  }
}
