internal import CLinux
internal import Glibc

/// The kernel's audit records as they happen, read-only: the multicast group of NETLINK_AUDIT
/// (linux/audit.h), which any number of readers may join beside auditd(8). It changes nothing:
/// neither rules nor who is the kernel's audit daemon. Needs CAP_AUDIT_READ.
package final class AuditSocket {
  private let socket: FileDescriptor
  private let buffer: UnsafeMutableRawBufferPointer

  /// What one `drain` met.
  package struct Drained: Equatable, Sendable {
    package var records = 0
    /// How often the kernel said that it had to drop records for want of room.
    package var overruns = 0
  }

  /// Bytes of a netlink message of audit: MAX_AUDIT_MESSAGE_LENGTH and its header.
  private static let longestRecord = 16 + 8970

  /// `room` is asked for in the kernel, in bytes.
  package init(room: Int32 = 16 << 20) throws(SystemError) {
    let raw = Glibc.socket(
      AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
      NETLINK_AUDIT)
    guard raw >= 0 else { throw .last("open audit socket") }
    socket = FileDescriptor(owning: raw)
    buffer = .allocate(byteCount: Self.longestRecord, alignment: 8)
    var room = room
    let size = socklen_t(MemoryLayout<Int32>.size)
    if setsockopt(raw, SOL_SOCKET, SO_RCVBUFFORCE, &room, size) != 0 {
      setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &room, size)
    }
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    address.nl_groups = 1 << (UInt32(AUDIT_NLGRP_READLOG.rawValue) - 1)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(raw, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
      }
    }
    guard bound == 0 else { throw .last("join audit records") }
  }

  deinit { buffer.deallocate() }

  /// For poll(2) and dispatch sources; the socket keeps it.
  package var descriptor: Int32 { socket.raw }

  /// Reads at most `limit` records that wait, without blocking: their types, and their text, valid
  /// within `body`.
  package func drain(
    limit: Int, _ body: (UInt16, UnsafeRawBufferPointer) -> Void
  ) -> Drained {
    var drained = Drained()
    var address = sockaddr_nl()
    while drained.records < limit {
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
      drained.records += 1
      // Only the kernel has the number 0.
      guard address.nl_pid == 0, count > 16 else { continue }
      let type = buffer.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
      // The header's length leaves the header out in these messages, on some kernels.
      body(type, UnsafeRawBufferPointer(rebasing: buffer[16..<min(count, buffer.count)]))
    }
    return drained
  }
}

/// What the kernel says of its audit system.
package struct AuditStatus: Sendable, Equatable {
  /// 0 off, 1 on, 2 on and locked.
  package var enabled: UInt32
  /// Pid of the audit daemon; 0 without one.
  package var daemon: UInt32
  /// Records that the kernel lost since it started.
  package var lost: UInt32

  /// Asks the kernel, through a passing socket. Needs CAP_AUDIT_CONTROL.
  package static func read() throws(SystemError) -> AuditStatus {
    let raw = Glibc.socket(
      AF_NETLINK, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), NETLINK_AUDIT)
    guard raw >= 0 else { throw .last("open audit socket") }
    let socket = FileDescriptor(owning: raw)
    var patience = timeval(tv_sec: 0, tv_usec: 200_000)
    setsockopt(
      socket.raw, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    // nlmsghdr: length, type and flags, sequence, port; nothing behind it.
    let request: [UInt32] = [16, UInt32(AUDIT_GET) | UInt32(NLM_F_REQUEST) << 16, 1, 0]
    var address = sockaddr_nl()
    address.nl_family = sa_family_t(AF_NETLINK)
    let sent = request.withUnsafeBytes { bytes in
      withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          retrying {
            sendto(
              socket.raw, bytes.baseAddress, bytes.count, 0, address,
              socklen_t(MemoryLayout<sockaddr_nl>.size))
          }
        }
      }
    }
    guard sent == 16 else { throw .last("ask for audit status") }
    var reply = [UInt32](repeating: 0, count: 256)
    for _ in 0..<4 {
      let count = reply.withUnsafeMutableBytes { space in
        retrying { recv(socket.raw, space.baseAddress, space.count, 0) }
      }
      guard count >= 20 else { throw .last("read audit status") }
      let type = reply[1] & 0xffff
      if type == UInt32(NLMSG_ERROR), Int32(bitPattern: reply[4]) != 0 {
        throw SystemError(-Int32(bitPattern: reply[4]), "ask for audit status")
      }
      // struct audit_status: mask, enabled, failure, pid, rate limit, backlog limit, lost, …
      if type == UInt32(AUDIT_GET), count >= 16 + 28 {
        return AuditStatus(enabled: reply[5], daemon: reply[7], lost: reply[10])
      }
    }
    throw SystemError(EPROTO, "read audit status")
  }
}
