internal import CLinux
internal import Glibc

/// The kernel's stream of process events (CN_IDX_PROC of linux/cn_proc.h) over netlink(7).
/// It tells nothing inside a PID namespace other than the first.
package final class ProcessConnector {
  private let socket: FileDescriptor
  private let buffer: UnsafeMutableRawBufferPointer

  /// What one `drain` met.
  package struct Drained: Equatable, Sendable {
    package var events = 0
    /// How often the kernel said that it had to drop events for want of room.
    package var overruns = 0
    /// Datagrams that were not the kernel's, or not whole.
    package var rejected = 0
  }

  /// The room asked for in the kernel, in bytes; an event takes about 800 of them.
  package static let room: Int32 = 32 << 20
  /// Events read by one `drain` at the most.
  private static let most = 200_000

  /// Opens the socket, joins the group and asks the kernel to tell.
  package init(room: Int32 = ProcessConnector.room) throws(SystemError) {
    let raw = Glibc.socket(
      AF_NETLINK, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
      NETLINK_CONNECTOR)
    guard raw >= 0 else { throw .last("open process connector") }
    socket = FileDescriptor(owning: raw)
    buffer = .allocate(byteCount: 1024, alignment: 8)
    var room = room
    let size = socklen_t(MemoryLayout<Int32>.size)
    if setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &room, size) != 0 {
      setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &room, size)
    }
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    address.nl_groups = UInt32(CN_IDX_PROC)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(raw, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
      }
    }
    guard bound == 0 else { throw .last("join process events") }
    try Self.send(Self.listen, through: raw)
  }

  deinit {
    // The kernel counts listeners and does not notice a socket that closes.
    try? Self.send(Self.ignore, through: socket.raw)
    buffer.deallocate()
  }

  /// For poll(2) and dispatch sources; the connector keeps it.
  package var descriptor: Int32 { socket.raw }

  /// Asks again. Older kernels count every request, newer ones the first of each socket.
  package func listen() throws(SystemError) { try Self.send(Self.listen, through: socket.raw) }

  /// Raises the kernel's count of listeners by `times`, through passing sockets that never take
  /// their request back: newer kernels count one request of a socket only.
  package func raiseListeners(_ times: Int) {
    for _ in 0..<times {
      let raw = Glibc.socket(
        AF_NETLINK, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_CONNECTOR)
      guard raw >= 0 else { return }
      let passing = FileDescriptor(owning: raw)
      try? Self.send(Self.listen, through: passing.raw)
    }
  }

  /// Makes a child that ends at once; its pid, nil when the kernel refuses. Its FORK event is in
  /// the queue when this returns, or will never come.
  package func forkNothing() -> Int32? {
    let child = clinux_fork_nothing()
    guard child > 0 else { return nil }
    var status: Int32 = 0
    _ = retrying { waitpid(child, &status, 0) }
    return child
  }

  /// Reads what waits, without blocking, and hands over each event with the kernel's
  /// CLOCK_MONOTONIC in nanoseconds.
  package func drain(_ body: (ProcessEvent, UInt64) -> Void) -> Drained {
    var drained = Drained()
    var address = sockaddr_nl()
    while drained.events + drained.rejected < Self.most {
      var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
      let count = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          retrying { recvfrom(socket.raw, buffer.baseAddress, buffer.count, 0, address, &length) }
        }
      }
      guard count >= 0 else {
        guard errno == ENOBUFS else { break }
        drained.overruns += 1
        continue
      }
      guard address.nl_pid == 0,
        let (event, at) = ProcessEvent.parse(
          UnsafeRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)]))
      else {
        drained.rejected += 1
        continue
      }
      drained.events += 1
      body(event, at)
    }
    return drained
  }

  private static let listen: UInt32 = 1
  private static let ignore: UInt32 = 2

  /// nlmsghdr, cn_msg and the operation.
  package static func send(_ operation: UInt32, through raw: Int32) throws(SystemError) {
    let words: [UInt32] = [
      40, UInt32(NLMSG_DONE), 0, 0,
      UInt32(CN_IDX_PROC), UInt32(CN_VAL_PROC), 0, 0, 4,
      operation,
    ]
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    let sent = words.withUnsafeBytes { bytes in
      withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          retrying {
            sendto(
              raw, bytes.baseAddress, bytes.count, 0, address,
              socklen_t(MemoryLayout<sockaddr_nl>.size))
          }
        }
      }
    }
    guard sent == 40 else { throw .last("ask for process events") }
  }
}
