/// Joins the grants of one actor's one go: the same root, gaps under five minutes.
package struct Incidents {
  package static let longestGap: Int64 = 300_000_000

  private var byRoot: [String: (id: String, last: Int64)] = [:]

  package init() {}

  /// The incident of a grant whose actor has `root`, at `up` (CLOCK_BOOTTIME, microseconds).
  package mutating func incident(root: String, at up: Int64) -> String {
    if let known = byRoot[root], up - known.last < Self.longestGap {
      byRoot[root]?.last = up
      return known.id
    }
    if byRoot.count > 4096 { byRoot = byRoot.filter { up - $0.value.last < Self.longestGap } }
    let id = Identifier.make("i", length: 4) { id in byRoot.values.contains { $0.id == id } }
    byRoot[root] = (id, up)
    return id
  }
}

/// Grants by the pids that stood in their chains, for journal lines that come late. Bounded.
package struct RecentPids {
  private var entries: [(pid: Int32, grant: String, up: Int64)] = []

  package init() {}

  package mutating func add(_ pids: [Int32], grant: String, at up: Int64) {
    entries.removeAll { up - $0.up > 30_000_000 }
    for pid in pids.prefix(16) where pid > 1 { entries.append((pid, grant, up)) }
    if entries.count > 4096 { entries.removeFirst(entries.count - 4096) }
  }

  package func grants(of pid: Int32) -> [String] { entries.filter { $0.pid == pid }.map(\.grant) }
}
