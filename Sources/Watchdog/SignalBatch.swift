import Grants
import Provenance

/// What one read from the kernel brought, with each pid attributed once.
struct SignalBatch {
  let now: Moment
  var accountsTouched = false
  /// Who touched the account files, in order.
  var accountPids: [(pid: Int32, alive: Bool)] = []
  /// By pid, and by whether it lived: a number may come again within one read. The kernel gives file
  /// events no start time; the pidfd that came with a living one is its identity, and which process
  /// a dead one was is for the process table to say.
  private var attributions: [ProcessMark: Attribution] = [:]

  private struct ProcessMark: Hashable {
    var pid: Int32
    var alive: Bool
  }

  init(now: Moment) { self.now = now }

  mutating func attribution(
    of pid: Int32, alive: Bool, by processes: ProcessTable
  ) -> Attribution {
    let mark = ProcessMark(pid: pid, alive: alive)
    if let known = attributions[mark] { return known }
    let fresh = processes.attribute(pid: pid, alive: alive, at: now)
    attributions[mark] = fresh
    return fresh
  }
}
