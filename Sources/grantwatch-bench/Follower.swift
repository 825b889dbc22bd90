import ByteText
import Control
import Dispatch
import LinuxKit
import Synchronization

/// Follows the log on a thread of its own and keeps when each new grant was told of.
final class Follower: Sendable {
  private let client: ControlClient
  /// By the event's text, CLOCK_BOOTTIME in microseconds.
  private let arrivals = Mutex<[String: Int64]>([:])

  init(_ client: ControlClient) {
    self.client = client
    DispatchQueue(label: "bench.follower").async { [self] in
      _ = try? client.stream("Log", .object([JSONMember("follow", .bool(true))])) { reply in
        let up = SystemClock.up()
        arrivals.withLock { all in
          for event in reply["events"].elements where event["type"].text == "grant.detected" {
            if let text = event["text"].text { all[text] = up }
          }
        }
        return true
      }
    }
  }

  /// When a grant on `path` was told of; nil when it was not yet.
  func arrival(of path: String) -> Int64? {
    arrivals.withLock { all in all.first { $0.key.contains(path + ";") }?.value }
  }

  func forget() { arrivals.withLock { $0 = [:] } }

  func end() { client.interrupt() }
}
