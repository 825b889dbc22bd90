import Sources

/// Signals that came a short while ago, for grants that are seen after them. Bounded.
struct RecentSignals {
  private static let most = 512
  private var entries: [(signal: AccessSignal, up: Int64)] = []

  mutating func add(_ signal: AccessSignal, at up: Int64) {
    if entries.count >= Self.most { entries.removeFirst(entries.count - Self.most + 64) }
    entries.append((signal, up))
  }

  /// Those since `up` that are wanted; the others are not even copied, which is what most of the
  /// time would go into.
  func signals(since up: Int64, where isWanted: (AccessSignal) -> Bool) -> [AccessSignal] {
    entries.indices.filter { entries[$0].up >= up && isWanted(entries[$0].signal) }
      .map { entries[$0].signal }
  }
}
