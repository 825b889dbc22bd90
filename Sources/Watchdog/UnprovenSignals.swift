/// How many signals that prove nothing, and how many refusals, are kept of one uid: who may write
/// anything may write much, and whoever tries to log in tries often.
package struct UnprovenSignals {
  /// Kept of one uid in a minute.
  package static let perMinute = 60
  private static let minute: Int64 = 60_000_000
  private static let mostUIDs = 1024

  private struct Count {
    var since: Int64
    var kept = 0
    var suppressed = 0
  }
  private var counts: [UInt32: Count] = [:]

  package init() {}

  /// True when one more of `uid` may be kept at `up`; it takes `places` of those in a minute.
  package mutating func admits(uid: UInt32, at up: Int64, places: Int = 1) -> Bool {
    // Beyond so many uids at once they share one count.
    let key = counts[uid] == nil && counts.count >= Self.mostUIDs ? .max : uid
    var count = counts[key] ?? Count(since: up)
    if up - count.since > Self.minute {
      count.since = up
      count.kept = 0
    }
    defer { counts[key] = count }
    guard count.kept + places <= Self.perMinute else {
      count.suppressed += 1
      return false
    }
    count.kept += places
    return true
  }

  /// The uids of which signals were passed over since the last call; forgets quiet ones.
  package mutating func takeSuppressed(at up: Int64) -> [(uid: UInt32, count: Int)] {
    let found = counts.filter { $0.value.suppressed > 0 }.map { ($0.key, $0.value.suppressed) }
    for (uid, _) in found { counts[uid]?.suppressed = 0 }
    counts = counts.filter { up - $0.value.since <= Self.minute }
    return found.sorted { $0.0 < $1.0 }.map { (uid: $0.0, count: $0.1) }
  }
}
