internal import CLinux
internal import Glibc

/// An open file descriptor with one owner; closed when the owner lets go of it. See open(2).
package struct FileDescriptor: ~Copyable, Sendable {
  /// The number the kernel gave; valid as long as this value lives.
  package let raw: Int32

  /// Takes over an open descriptor.
  package init(owning raw: Int32) { self.raw = raw }

  deinit { close(raw) }

  /// Gives the number away; whoever takes it closes it.
  package consuming func release() -> Int32 {
    let raw = self.raw
    discard self
    return raw
  }
}

/// Calls again while the kernel says EINTR; the result is -1 with errno set on any other failure.
package func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result == -1, errno == EINTR { continue }
    return result
  }
}
