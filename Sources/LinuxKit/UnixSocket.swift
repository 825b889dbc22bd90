internal import ByteText
internal import CLinux
internal import Glibc

/// Who stands at the other end of a Unix socket: what the kernel noted when it connected
/// (SO_PEERCRED of unix(7)). It cannot be forged, and does not follow a socket that is handed on: who
/// sent what came over it is told by `receive(from:into:sender:)`.
package struct PeerCredentials: Hashable, Sendable {
  package var pid: Int32
  package var uid: UInt32
  package var gid: UInt32
  /// When the process that connected began, in clock ticks since the boot (/proc/PID/stat, field
  /// 22); 0 where it was gone before that could be read, and `pid` may be another's by now.
  package var start: UInt64

  package init(pid: Int32, uid: UInt32, gid: UInt32, start: UInt64 = 0) {
    self.pid = pid
    self.uid = uid
    self.gid = gid
    self.start = start
  }
}

/// What a read of a socket gave.
package enum Received: Equatable, Sendable {
  /// So many bytes were appended.
  case bytes(Int)
  /// Nothing is there now.
  case nothingYet
  /// The other side writes no more.
  case end
}

/// Unix stream sockets that are named by a path; see unix(7).
package enum UnixSocket {
  /// True when the process that connected still lives; nil where the kernel cannot tell (before
  /// Linux 6.5).
  package static func peerLives(_ socket: borrowing FileDescriptor) -> Bool? {
    errno = 0
    let pidfd = clinux_peer_pidfd(socket.raw)
    guard pidfd >= 0 else { return errno == ENOPROTOOPT ? nil : false }
    let owned = FileDescriptor(owning: pidfd)
    var entry = pollfd(fd: owned.raw, events: Int16(POLLIN), revents: 0)
    return retrying { poll(&entry, 1, 0) } == 0
  }

  /// The longest path in bytes: sun_path holds 108, the last of them a zero.
  package static let longestPath = 107

  /// A nonblocking listener at `path`, which everybody may connect to: peer credentials decide.
  ///
  /// A socket that an earlier process left there is removed, but only when nobody answers on it;
  /// EADDRINUSE when somebody does, ENOTSOCK when something else lies there.
  package static func listen(at path: String) throws(SystemError) -> FileDescriptor {
    var address = try address(of: path)
    let socket = try open(nonblocking: true, path)
    // Those that are accepted inherit it, so that the first byte has a sender too.
    var on: Int32 = 1
    guard
      setsockopt(socket.raw, SOL_SOCKET, SO_PASSCRED, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
    else { throw .last("ask for senders", escaped(path.utf8)) }
    try removeStale(path)
    guard withPointer(to: &address, { bind(socket.raw, $0, $1) }) == 0 else {
      throw .last("bind", escaped(path.utf8))
    }
    guard chmod(path, 0o666) == 0 else { throw .last("chmod", escaped(path.utf8)) }
    guard Glibc.listen(socket.raw, 128) == 0 else { throw .last("listen", escaped(path.utf8)) }
    return socket
  }

  /// A blocking connection to whoever listens at `path`. With `patience` every single step (to
  /// connect, to send, to receive) gives up after so many microseconds.
  package static func connect(
    to path: String, patience: Int64? = nil
  ) throws(SystemError) -> FileDescriptor {
    var address = try address(of: path)
    let socket = try open(nonblocking: false, path)
    if let patience {
      var limit = timeval(
        tv_sec: time_t(patience / 1_000_000), tv_usec: suseconds_t(patience % 1_000_000))
      let length = socklen_t(MemoryLayout<timeval>.size)
      for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
        guard setsockopt(socket.raw, SOL_SOCKET, option, &limit, length) == 0 else {
          throw .last("limit the wait", escaped(path.utf8))
        }
      }
    }
    guard retrying({ withPointer(to: &address) { Glibc.connect(socket.raw, $0, $1) } }) == 0 else {
      throw .last("connect", escaped(path.utf8))
    }
    return socket
  }

  /// The next connection that waits, nonblocking; nil when none does or it is gone again.
  package static func accept(
    from listener: borrowing FileDescriptor
  ) throws(SystemError) -> FileDescriptor? {
    let number = listener.raw
    let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let raw = retrying { clinux_accept4(number, flags) }
    if raw >= 0 { return FileDescriptor(owning: raw) }
    if errno == EAGAIN || errno == ECONNABORTED { return nil }
    throw .last("accept")
  }

  /// The credentials of the other end.
  package static func peer(
    of socket: borrowing FileDescriptor
  ) throws(SystemError) -> PeerCredentials {
    var credentials = clinux_ucred()
    guard clinux_peer_credentials(socket.raw, &credentials) == 0 else {
      throw .last("peer credentials")
    }
    return PeerCredentials(pid: credentials.pid, uid: credentials.uid, gid: credentials.gid)
  }

  /// Appends what has arrived to `buffer`, at most `limit` bytes of it.
  package static func receive(
    from socket: borrowing FileDescriptor, into buffer: inout [UInt8], limit: Int = 65_536
  ) throws(SystemError) -> Received {
    var sender: Int32 = 0
    return try receive(from: socket, into: &buffer, limit: limit, sender: &sender)
  }

  /// The same, of a socket that a listener of ours accepted; `sender` is the pid of the process that
  /// sent these bytes, whoever connected; 0 where the kernel does not say.
  package static func receive(
    from socket: borrowing FileDescriptor, into buffer: inout [UInt8], limit: Int = 65_536,
    sender: inout Int32
  ) throws(SystemError) -> Received {
    let number = socket.raw
    let count = withUnsafeTemporaryAllocation(byteCount: limit, alignment: 16) { space in
      let count = retrying {
        Int(clinux_receive(number, space.baseAddress, UInt64(space.count), &sender))
      }
      if count > 0 { buffer.append(contentsOf: space[..<count]) }
      return count
    }
    if count > 0 { return .bytes(count) }
    if count == 0 { return .end }
    if errno == EAGAIN { return .nothingYet }
    throw .last("receive")
  }

  /// Sends what the kernel takes of `bytes` now and returns how many that were; 0 when it takes
  /// none. No SIGPIPE is raised.
  package static func send(
    _ bytes: ArraySlice<UInt8>, to socket: borrowing FileDescriptor
  ) throws(SystemError) -> Int {
    let number = socket.raw
    let count = bytes.withUnsafeBytes { space in
      retrying { Glibc.send(number, space.baseAddress, space.count, Int32(MSG_NOSIGNAL)) }
    }
    if count >= 0 { return count }
    if errno == EAGAIN { return 0 }
    throw .last("send")
  }

  /// True when the other side is gone for both directions, and not only writes no more.
  package static func hasHungUp(_ socket: borrowing FileDescriptor) -> Bool {
    var entry = pollfd(fd: socket.raw, events: 0, revents: 0)
    guard retrying({ poll(&entry, 1, 0) }) > 0 else { return false }
    return Int32(entry.revents) & (POLLHUP | POLLERR) != 0
  }

  /// Ends both directions; whoever is blocked on the socket wakes up.
  package static func shutDown(_ socket: borrowing FileDescriptor) {
    shutdown(socket.raw, Int32(SHUT_RDWR))
  }

  /// Takes the name of a listener away, if it is a socket.
  package static func remove(_ path: String) {
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
  }

  private static func open(
    nonblocking: Bool, _ path: String
  ) throws(SystemError) -> FileDescriptor {
    var type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    if nonblocking { type |= Int32(SOCK_NONBLOCK.rawValue) }
    let raw = socket(AF_UNIX, type, 0)
    guard raw >= 0 else { throw .last("socket", escaped(path.utf8)) }
    return FileDescriptor(owning: raw)
  }

  private static func removeStale(_ path: String) throws(SystemError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT { return }
      throw .last("look at", escaped(path.utf8))
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw SystemError(ENOTSOCK, "bind", escaped(path.utf8))
    }
    do throws(SystemError) {
      _ = try connect(to: path)
    } catch {
      guard error.code == ECONNREFUSED else { throw error }
      guard unlink(path) == 0 || errno == ENOENT else {
        throw .last("remove", escaped(path.utf8))
      }
      return
    }
    throw SystemError(EADDRINUSE, "bind", escaped(path.utf8))
  }

  private static func address(of path: String) throws(SystemError) -> sockaddr_un {
    let bytes = Array(path.utf8)
    guard bytes.count <= longestPath else {
      throw SystemError(
        ENAMETOOLONG, "socket path of \(bytes.count) bytes, at most \(longestPath) fit",
        escaped(bytes))
    }
    guard !bytes.isEmpty, !bytes.contains(0) else {
      throw SystemError(EINVAL, "socket path", escaped(bytes))
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
  }

  private static func withPointer(
    to address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
