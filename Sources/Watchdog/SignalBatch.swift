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

extension Attribution {
  /// The attribution of a change that nobody was seen to make.
  static func unseen(reason: String) -> Attribution {
    Attribution(
      actor: Actor(), provenance: .unknown, confidence: .weak, agent: nil, via: nil,
      process: ProcessKey(pid: 0, start: 0), rootKey: "unseen", chainText: "", source: "state",
      because: [reason], skipsPermissions: false, packageManager: false, chainPids: [],
      complete: false)
  }
}
