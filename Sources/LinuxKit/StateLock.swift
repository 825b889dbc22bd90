internal import CLinux
internal import Glibc

/// Why a state directory cannot be taken.
package enum StateLockError: Error, Equatable, CustomStringConvertible {
  /// Another process has it; its pid, when it wrote it down.
  case inUse(directory: String, pid: Int32?)
  case system(SystemError)

  package var description: String {
    switch self {
    case .inUse(let directory, let pid?): "state directory: \(directory): in use by pid \(pid)"
    case .inUse(let directory, nil): "state directory: \(directory): in use"
    case .system(let error): error.description
    }
  }
}

/// The right to write a state directory: flock(2) on its file `lock`, which holds our pid.
///
/// The kernel lets go of the lock when the process ends, however it ends.
package struct StateLock: ~Copyable, Sendable {
  private let descriptor: FileDescriptor

  /// Takes the lock of `directory`, which must be there.
  package init(directory: String) throws(StateLockError) {
    descriptor = try Self.locked(directory)
    // The lock holds without the pid too: on a full disk it cannot be written.
    if ftruncate(descriptor.raw, 0) == 0 {
      try? writeAll(Array("\(getpid())\n".utf8)[...], to: descriptor.raw, directory)
    }
  }

  private static func locked(_ directory: String) throws(StateLockError) -> FileDescriptor {
    let path = directory + "/lock"
    let raw = retrying { open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    guard raw >= 0 else { throw .system(.last("open", path)) }
    let descriptor = FileDescriptor(owning: raw)
    guard retrying({ flock(raw, LOCK_EX | LOCK_NB) }) == 0 else {
      guard errno == EWOULDBLOCK else { throw .system(.last("lock", path)) }
      throw .inUse(directory: directory, pid: pid(in: raw))
    }
    return descriptor
  }

  private static func pid(in raw: Int32) -> Int32? {
    var digits: [UInt8] = Array(repeating: 0, count: 16)
    let count = pread(raw, &digits, digits.count, 0)
    guard count > 0 else { return nil }
    return Int32(String(decoding: digits[..<count].prefix { $0 != 0x0a }, as: UTF8.self))
  }
}
