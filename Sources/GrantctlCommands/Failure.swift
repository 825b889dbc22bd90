internal import Control

/// How `grantctl` ends, for scripts.
enum ExitStatus: Int32 {
  case done = 0
  /// Refused or failed, also in part.
  case failed = 1
  case usage = 2
  /// The daemon is not reachable.
  case unreachable = 3
  /// An id that matches nothing, or several.
  case notFound = 4
}

/// What ends a command early: one line for people, and an exit status.
struct Failure: Error {
  var status: ExitStatus
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  init(_ error: ControlClientError) {
    switch error {
    case .unreachable, .disconnected: self.init(.unreachable, "daemon not reachable: \(error)")
    case .refused(.notFound): self.init(.notFound, "\(error)")
    case .refused, .foreign, .malformed: self.init(.failed, "\(error)")
    }
  }
}
