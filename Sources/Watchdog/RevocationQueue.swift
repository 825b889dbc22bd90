package import Grants

/// Revocations that wait for their turn: highest severity first, then the longest overdue, and no
/// more in a minute than the configuration allows (law 9).
package struct RevocationQueue {
  private var waiting: [(severity: Severity, due: Int64, id: String)] = []
  private var ids: Set<String> = []
  /// When the automatic revocations of the last minute began, CLOCK_BOOTTIME in microseconds.
  private var begun: [Int64] = []

  package init() {}

  package var count: Int { waiting.count }

  package mutating func add(_ id: String, severity: Severity, due: Int64) {
    guard ids.insert(id).inserted else { return }
    let place =
      waiting.firstIndex {
        $0.severity < severity || ($0.severity == severity && $0.due > due)
      } ?? waiting.count
    waiting.insert((severity, due, id), at: place)
  }

  package mutating func remove(_ id: String) {
    guard ids.remove(id) != nil else { return }
    waiting.removeAll { $0.id == id }
  }

  /// The next one that may begin at `up`; nil when none waits or the minute is full.
  package mutating func next(at up: Int64, perMinute: Int) -> String? {
    begun.removeAll { $0 <= up - 60_000_000 }
    guard !waiting.isEmpty, begun.count < perMinute else { return nil }
    begun.append(up)
    let id = waiting.removeFirst().id
    ids.remove(id)
    return id
  }

  /// When the minute has room again, if it has none now.
  package func roomAt(perMinute: Int) -> Int64? {
    guard begun.count >= perMinute, let first = begun.first else { return nil }
    return first + 60_000_001
  }
}
