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
