import Grants
import Provenance
import Sources

/// What one read from the kernel brought, with each pid attributed once.
struct SignalBatch {
  let now: Moment
  var accountsTouched = false
  /// Who touched the account files, in order.
  var accountPids: [(pid: Int32, alive: Bool)] = []
  /// Who else changed a file that several processes changed within the batch, by path.
  private var rivals: [[UInt8]: [(pid: Int32, alive: Bool)]] = [:]
  /// By pid, and by whether it lived: a number may come again within one read. The kernel gives file
  /// events no start time; the pidfd that came with a living one is its identity, and which process
  /// a dead one was is for the process table to say.
  private var attributions: [ProcessMark: Attribution] = [:]

  private struct ProcessMark: Hashable {
    var pid: Int32
    var alive: Bool
  }

  init(now: Moment) { self.now = now }

  /// Finds the files that several processes changed: which of them did what is not in the signals.
  mutating func noteRivals(_ signals: [FileSignal]) {
    guard let first = signals.first, signals.contains(where: { $0.pid != first.pid }) else {
      return
    }
    for signal in signals
    where !(rivals[signal.path] ?? []).contains(where: { $0.pid == signal.pid }) {
      rivals[signal.path, default: []].append((signal.pid, signal.alive))
    }
    rivals = rivals.filter { $0.value.count > 1 }
  }

  /// Who is behind what a look at the signal's file found: where several changed it at once, an agent
  /// among them. Else an agent would only have to wait for a human to touch the file.
  mutating func attribution(of signal: FileSignal, by processes: ProcessTable) -> Attribution {
    let own = attribution(of: signal.pid, alive: signal.alive, by: processes)
    guard own.provenance != .agentExecuted, let others = rivals[signal.path] else { return own }
    for other in others where other.pid != signal.pid {
      var found = attribution(of: other.pid, alive: other.alive, by: processes)
      guard found.provenance == .agentExecuted else { continue }
      found.because.append("pid \(signal.pid) changed it at the same moment")
      return found
    }
    return own
  }

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
