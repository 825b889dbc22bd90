import Grants
import Kinds
import Provenance
import Sources

/// What one read from the kernel brought, with each pid attributed once.
struct SignalBatch {
  let now: Moment
  var accountsTouched = false
  /// Who touched the account files, in order.
  var accountPids: [(pid: Int32, alive: Bool)] = []
  /// Who changed a file that several processes changed within the batch, by path.
  private var rivals: [[UInt8]: [Rival]] = [:]
  /// By pid, and by whether it lived: a number may come again within one read. The kernel gives file
  /// events no start time; the pidfd that came with a living one is its identity, and which process
  /// a dead one was is for the process table to say.
  private var attributions: [ProcessMark: Attribution] = [:]

  private struct ProcessMark: Hashable {
    var pid: Int32
    var alive: Bool
  }

  init(now: Moment) { self.now = now }

  private struct Rival {
    var pid: Int32
    var alive: Bool
    var changes: FileChanges
  }

  /// Finds the files that several processes changed: which of them did what is not in the signals.
  /// What `ownPid` does is left aside.
  mutating func noteRivals(_ signals: [FileSignal], ownPid: Int32) {
    guard let first = signals.first, signals.contains(where: { $0.pid != first.pid }) else {
      return
    }
    for signal in signals where signal.pid != ownPid {
      let known = rivals[signal.path]?.firstIndex { $0.pid == signal.pid }
      if let known {
        rivals[signal.path]?[known].changes.formUnion(signal.changes)
      } else {
        rivals[signal.path, default: []].append(
          Rival(pid: signal.pid, alive: signal.alive, changes: signal.changes))
      }
    }
    rivals = rivals.filter { $0.value.count > 1 }
  }

  /// Who is behind what a look at the signal's file found. Of several that changed it at once those
  /// count whose signals can have given it: a file that was there before is only widened by a change
  /// of its attributes. Where that leaves several, see `Attribution.oneOf`.
  mutating func attribution(
    of signal: FileSignal, _ observation: FileObservation, by processes: ProcessTable
  ) -> Attribution {
    let own = attribution(of: signal.pid, alive: signal.alive, by: processes)
    guard let rivals = rivals[signal.path] else { return own }
    let wasThere = observation.former != nil && observation.replaced == nil
    let able = rivals.filter { !wasThere || $0.changes.contains(.attributes) }
    let isAble = able.contains { $0.pid == signal.pid }
    var candidates = isAble ? [own] : []
    for rival in able where rival.pid != signal.pid {
      candidates.append(attribution(of: rival.pid, alive: rival.alive, by: processes))
    }
    return Attribution.oneOf(candidates) ?? own
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
