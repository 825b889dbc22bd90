import Grants
import Provenance

/// What one read from the kernel brought, with each pid attributed once.
struct SignalBatch {
  let now: Moment
  var accountsTouched = false
  /// Who touched the account files, in order.
  var accountPids: [(pid: Int32, alive: Bool)] = []
  private var attributions: [Int32: Attribution] = [:]

  init(now: Moment) { self.now = now }

  mutating func attribution(
    of pid: Int32, alive: Bool, by processes: ProcessTable
  ) -> Attribution {
    if let known = attributions[pid] { return known }
    let fresh = processes.attribute(pid: pid, alive: alive, at: now)
    attributions[pid] = fresh
    return fresh
  }
}
