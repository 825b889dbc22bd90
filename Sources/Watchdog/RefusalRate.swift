/// How many refused approvals of one uid are told in a minute: a flood of them must not drown the
/// alerts that matter.
struct RefusalRate {
  static let perMinute = 20

  enum Turn { case said, last, counted }

  private var counts: [UInt32: (since: Int64, count: Int)] = [:]

  /// Counts one of `uid` at `up` (CLOCK_BOOTTIME, microseconds), and says what to do with it.
  mutating func count(_ uid: UInt32, at up: Int64) -> Turn {
    if counts.count > 4096 { counts = counts.filter { up - $0.value.since < 60_000_000 } }
    var entry = counts[uid] ?? (up, 0)
    if up - entry.since >= 60_000_000 { entry = (up, 0) }
    entry.count += 1
    counts[uid] = entry
    if entry.count < Self.perMinute { return .said }
    return entry.count == Self.perMinute ? .last : .counted
  }
}
