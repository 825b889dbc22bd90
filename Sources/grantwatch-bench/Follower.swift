import ByteText
import Control
import Dispatch
import LinuxKit
import Synchronization

/// Follows the log on a thread of its own and keeps when grants were told of.
final class Follower: Sendable {
  private let client: ControlClient
  /// By what was changed, CLOCK_BOOTTIME in microseconds, in order.
  private let arrivals = Mutex<[String: [Int64]]>([:])

  /// - Parameter types: the events that count.
  init(_ client: ControlClient, types: Set<String> = ["grant.detected"]) {
    self.client = client
    DispatchQueue(label: "bench.follower").async { [self] in
      _ = try? client.stream("Log", .object([JSONMember("follow", .bool(true))])) { reply in
        let up = SystemClock.up()
        arrivals.withLock { all in
          for event in reply["events"].elements where event["type"].text.map(types.contains) == true
          {
            if let text = event["text"].text { all[Self.changed(text), default: []].append(up) }
          }
        }
        return true
      }
    }
  }

  /// What an event's text says was changed: `/srv/data` of `bench gave everyone read on /srv/data;
  /// …`, `bob docker` of `bench made bob a member of docker: …`.
  private static func changed(_ text: String) -> String {
    let words = text.prefix { $0 != ";" && $0 != ":" }.split(separator: " ")
    guard let last = words.last else { return "" }
    guard words.count >= 6, words[words.count - 6] == "made" else { return String(last) }
    return "\(words[words.count - 5]) \(last)"
  }

  /// When a grant on `changed` was told of first; nil when it was not yet.
  func arrival(of changed: String) -> Int64? { arrivals(of: changed).first }

  func arrivals(of changed: String) -> [Int64] { arrivals.withLock { $0[changed] ?? [] } }

  /// How many events were told.
  var count: Int { arrivals.withLock { all in all.values.reduce(0) { $0 + $1.count } } }

  func forget() { arrivals.withLock { $0 = [:] } }

  func end() { client.interrupt() }
}
