internal import ByteText

extension SSHKeys {
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
        difference.moved.append(
          EntryMove(from: lost.remove(at: wider).key, to: entry.key, detail: entry.detail))
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
    return difference
  }

  private static func gives(_ former: AccessEntry, atLeast entry: AccessEntry) -> Bool {
    guard let mine = AuthorizedKey.options(of: former.value),
      let theirs = AuthorizedKey.options(of: entry.value)
    else { return false }
    return mine.gives(atLeast: theirs)
  }
}
