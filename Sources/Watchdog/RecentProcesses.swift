package import Provenance

/// Grants by the processes that stood in their chains, for lines that come late. Bounded.
///
/// A line of the journal or of audit has a pid and a time, no start time: it is of the process that
/// had the pid then.
package struct RecentProcesses {
  private var entries: [(process: ProcessKey, grant: String, up: Int64)] = []

  package init() {}

  package mutating func add(_ processes: [ProcessKey], grant: String, at up: Int64) {
    entries.removeAll { up - $0.up > 30_000_000 }
    for process in processes.prefix(16) where process.pid > 1 {
      entries.append((process, grant, up))
    }
    if entries.count > 4096 { entries.removeFirst(entries.count - 4096) }
  }

  /// The processes of a grant are another's too.
  package mutating func share(_ grant: String, with other: String) {
    entries += entries.filter { $0.grant == grant }.map { ($0.process, other, $0.up) }
  }

  /// The grants of the process that had `pid` at `up` (CLOCK_BOOTTIME, microseconds). `known` is that
  /// process where the process table still has it.
  package func grants(of pid: Int32, at up: Int64, known: ProcessKey?) -> [String] {
    // Unknown start times count as any: the pid alone is all there is.
    let found = entries.filter { $0.process.pid == pid && $0.process.begins(before: up) }
    if let known {
      return found.filter { $0.process.start == 0 || $0.process.isSame(as: known) }.map(\.grant)
    }
    guard let last = found.map(\.process.start).max() else { return [] }
    return found.filter { $0.process.start == 0 || $0.process.start == last }.map(\.grant)
  }
}
