import Sources

/// Signals that came a short while ago, for grants that are seen after them. Bounded.
struct RecentSignals {
  private static let most = 512
  private var entries: [(signal: AccessSignal, up: Int64)] = []

  mutating func add(_ signal: AccessSignal, at up: Int64) {
    if entries.count >= Self.most { entries.removeFirst(entries.count - Self.most + 64) }
    entries.append((signal, up))
  }

  func signals(since up: Int64) -> [AccessSignal] {
    entries.lazy.filter { $0.up >= up }.map(\.signal)
  }
}
