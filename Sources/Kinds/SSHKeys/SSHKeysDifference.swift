internal import ByteText
internal import Synchronization

extension SSHKeys {
  private static let mostNarrowed = 1024

  /// What came and what went. An entry in the place of one that went and gave as much is none, and
  /// what went is not over then: it is narrower now.
  package func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    var lost = old.sorted.filter { !new.contains($0.key) }
    var difference = EntryDifference()
    var loosened: [AccessEntry] = []
    func place(_ entry: AccessEntry) -> [String] { [entry.subject, entry.object] }
    let lostPlaces = Set(lost.map(place))
    for entry in new.sorted where !old.contains(entry.key) {
      guard lostPlaces.contains(place(entry)) else {
        difference.gained.append(EntryGain(entry))
        continue
      }
      let wider = lost.firstIndex { former in
        place(former) == place(entry) && Self.gives(former, atLeast: entry)
      }
      if let wider {
        difference.replaced.append(EntryReplacement(from: lost.remove(at: wider), to: entry))
      } else {
        loosened.append(entry)
      }
    }
    // Each former line stands behind one new line at the most.
    var free = lost
    for entry in loosened {
      let former = free.firstIndex { place($0) == place(entry) }.map { free.remove(at: $0) }
      difference.gained.append(EntryGain(entry, former: former))
    }
    difference.gained.sort {
      ($0.entry.subject, $0.entry.object, $0.entry.value)
        < ($1.entry.subject, $1.entry.object, $1.entry.value)
    }
    difference.lost = lost
    note(difference.replaced)
    return difference
  }

  private static func gives(_ former: AccessEntry, atLeast entry: AccessEntry) -> Bool {
    guard let mine = AuthorizedKey.options(of: former.value),
      let theirs = AuthorizedKey.options(of: entry.value)
    else { return false }
    return mine.gives(atLeast: theirs)
  }

  private func note(_ replaced: [EntryReplacement]) {
    guard !replaced.isEmpty else { return }
    memory.withLock { memory in
      memory.narrowed += replaced.map { ($0.from.key, $0.to.key) }
      memory.narrowed.removeFirst(max(0, memory.narrowed.count - Self.mostNarrowed))
    }
  }

  /// The entry that `key` became by narrowings since, last of all; itself when there were none.
  func narrowest(_ key: AccessEntry.Key) -> AccessEntry.Key {
    memory.withLock { memory in
      var key = key
      for step in memory.narrowed where step.from == key { key = step.to }
      return key
    }
  }
}
