package import Grants

/// What is to be done at a moment of CLOCK_BOOTTIME.
package enum AgendaEntry: Hashable {
  /// The act of this grant may have had its last item.
  case closeAct(String)
  /// The alert for this grant's detection leaves.
  case detectionAlert(String)
  case warning(String)
  case deadline(String)
  case retryRevocation(String)
  /// A held-back revocation may go on.
  case revocationQueue
  case adviceEnd(String)
  /// A mark in the ledger, so that a reboot gives nobody more time than is left.
  case mark
  case canary
  /// A full look at the state, whether or not anything was reported.
  case slowLook
  case saveBaseline
  /// The account files could not be read a moment ago.
  case accountsAgain
  /// The same of a kind that is read whole.
  case entriesAgain(GrantKind)
  case serviceWatchdog
  /// The mechanism's own end of this grant could not be written.
  case nativeExpiry(String)
  /// A line of the journal waits for its continuation.
  case journalAgain
  /// The journals of other hosts are to be read again.
  case adviceJournalAgain
  /// A look at the state that was put off.
  case freshLook
  /// Events that did not leave one by one are told together.
  case foldedAlerts
}

/// The engine's appointments, soonest first. An entry may be stale when it comes up; whoever takes
/// it looks at the state before acting.
package struct Agenda {
  private var heap: [(up: Int64, entry: AgendaEntry)] = []

  package init() {}

  /// When the soonest entry is due, in microseconds of CLOCK_BOOTTIME.
  package var soonest: Int64? { heap.first?.up }

  package var count: Int { heap.count }

  package mutating func add(_ entry: AgendaEntry, at up: Int64) {
    heap.append((up, entry))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].up < heap[parent].up else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Takes out the entries that nobody waits for any more.
  package mutating func removeAll(where isOver: (AgendaEntry) -> Bool) {
    heap.removeAll { isOver($0.entry) }
    // What is in order is a heap.
    heap.sort { $0.up < $1.up }
  }

  /// The soonest entry that is due at `up`, taken out; nil when none is.
  package mutating func takeDue(at up: Int64) -> AgendaEntry? {
    guard let first = heap.first, first.up <= up else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var smallest = parent
        for child in [2 * parent + 1, 2 * parent + 2]
        where child < heap.count && heap[child].up < heap[smallest].up {
          smallest = child
        }
        if smallest == parent { break }
        heap.swapAt(parent, smallest)
        parent = smallest
      }
    }
    return first.entry
  }
}
