internal import Glibc

/// A system call that failed, said as `context: object: reason`.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  /// errno(3).
  package var code: Int32
  /// What was tried, in words: `open`, `mark file system`.
  package var context: String
  /// What it was tried on; escaped where it comes from outside.
  package var object: String

  package init(_ code: Int32, _ context: String, _ object: String = "") {
    self.code = code
    self.context = context
    self.object = object
  }

  /// The error that errno holds now.
  package static func last(_ context: String, _ object: String = "") -> SystemError {
    SystemError(errno, context, object)
  }

  /// The kernel's words for `code`, as strerror(3) gives them.
  package var reason: String { String(cString: strerror(code)) }

  /// EINVAL.
  package static let invalidArgument: Int32 = EINVAL
  package static let notFound: Int32 = ENOENT
  /// EXDEV: a way out of where one must stay.
  package static let crossesOut: Int32 = EXDEV
  package static let busy: Int32 = EBUSY
  package static let tooLarge: Int32 = EFBIG
  package static let timedOut: Int32 = ETIMEDOUT

  /// True for EAGAIN: somebody else holds the lock.
  package var isLocked: Bool { code == EAGAIN }

  /// True when a link, or something that is no regular file or folder, stands where one was to be.
  package var isOtherObject: Bool {
    [ELOOP, EXDEV, EINVAL, ENOTDIR, EISDIR, ENXIO].contains(code)
  }

  /// True for ENOENT: there is no such file.
  package var isMissing: Bool { code == ENOENT }

  package var description: String {
    object.isEmpty ? "\(context): \(reason)" : "\(context): \(object): \(reason)"
  }
}

extension SystemError {
  /// True when there is no room left on the disk, or none that this user may take.
  package var isDiskFull: Bool { code == ENOSPC || code == EDQUOT }
}
