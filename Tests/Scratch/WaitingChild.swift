internal import Glibc

/// A program that stays until a test ends it; ended and reaped when the test lets go of it.
package final class WaitingChild: Sendable {
  package let pid: Int32

  /// Starts it, and waits until `isReady` is true of its pid, twenty seconds at the most.
  package init(_ program: String, _ arguments: [String], isReady: (Int32) -> Bool) {
    pid = Scratch.start(program, arguments)
    var left = 4000
    while left > 0, !isReady(pid) {
      usleep(5000)
      left -= 1
    }
  }

  deinit {
    kill(pid, SIGKILL)
    _ = Scratch.wait(pid)
  }
}
