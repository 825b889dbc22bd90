internal import CLinux
internal import Glibc

/// The standard input, output and error of a command.
package enum StandardStream: Int32, Sendable {
  case input = 0
  case output = 1
  case error = 2

  /// Writes all of `bytes`.
  package func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { space in
        retrying { Glibc.write(rawValue, space.baseAddress, space.count) }
      }
      guard count > 0 else {
        if count < 0, errno == EAGAIN {
          var entry = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
          _ = retrying { poll(&entry, 1, -1) }
          continue
        }
        throw .last("write", "\(self)")
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Reads to the end, or until more than `limit` bytes have come.
  package func read(limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count <= limit {
      let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { space in
        let count = retrying { Glibc.read(rawValue, space.baseAddress, space.count) }
        if count > 0 { bytes.append(contentsOf: space[..<count]) }
        return count
      }
      if count == 0 { break }
      guard count > 0 else {
        if errno == EAGAIN {
          var entry = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
          _ = retrying { poll(&entry, 1, -1) }
          continue
        }
        throw .last("read", "\(self)")
      }
    }
    return bytes
  }

  /// Reads what comes until the end, until nothing has come for `patience` microseconds, or until
  /// 64 MiB have; keeps the first `limit` bytes. Whoever writes is let finish, and is never waited
  /// for.
  package func readPart(limit: Int, patience: Int64) -> [UInt8] {
    var bytes: [UInt8] = []
    var left = 64 << 20
    while left > 0 {
      var entry = pollfd(fd: rawValue, events: Int16(POLLIN), revents: 0)
      guard retrying({ poll(&entry, 1, Int32(clamping: patience / 1000)) }) > 0 else { break }
      let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { space in
        let count = retrying { Glibc.read(rawValue, space.baseAddress, space.count) }
        if count > 0 { bytes.append(contentsOf: space[..<min(count, limit - bytes.count)]) }
        return count
      }
      guard count > 0 else { break }
      left -= count
    }
    return bytes
  }

  /// Columns of the terminal that the stream is; nil when it is none.
  package var terminalWidth: Int? {
    guard isatty(rawValue) == 1 else { return nil }
    var size = winsize()
    guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
