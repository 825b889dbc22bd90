import ByteText
import Control
import Dispatch
import Glibc
import LinuxKit
import Synchronization

/// Calls GetStatus again and again on a thread of its own and keeps how long each call took.
final class StatusCaller: Sendable {
  private struct State {
    var times: [Double] = []
    var isOver = false
  }
  private let state = Mutex(State())
  private let done = DispatchGroup()

  init(_ client: ControlClient) {
    done.enter()
    DispatchQueue(label: "bench.status").async { [self] in
      while !state.withLock({ $0.isOver }) {
        let start = SystemClock.up()
        guard (try? client.call("GetStatus", .object([]))) != nil else { break }
        let time = Double(SystemClock.up() - start) / 1000
        state.withLock { $0.times.append(time) }
        usleep(5_000)
      }
      done.leave()
    }
  }

  /// Ends it; milliseconds.
  func end() -> [Double] {
    state.withLock { $0.isOver = true }
    done.wait()
    return state.withLock { $0.times }
  }
}
