package import LinuxKit

/// What a run of curl left behind.
package struct CurlResult: Equatable, Sendable {
  /// What `write-out` of `CurlRequest` asks for: the status of the reply, 000 without one, a blank
  /// and the header Retry-After.
  package var output: [UInt8]
  package var errors: [UInt8]
  /// How it ended, in words: `exit status 7`.
  package var ending: String

  package init(output: [UInt8], errors: [UInt8], ending: String) {
    self.output = output
    self.errors = errors
    self.ending = ending
  }

  package init(_ result: SpawnResult) {
    output = result.output
    errors = result.errors
    switch result.status {
    case .exited(let code): ending = "exit status \(code)"
    case .signalled(let signal): ending = "killed by signal \(signal)"
    case .timedOut: ending = "took too long"
    case .failed(let error): ending = "\(error)"
    }
  }
}
