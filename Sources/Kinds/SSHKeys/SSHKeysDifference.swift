internal import ByteText

extension SSHKeys {
  /// What came and what went. An entry in the place of one that went and gave as much is none, and
  /// what went is not over then: it is narrower now.
  package func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    struct Place: Hashable { var subject, object: String }
    func place(_ entry: AccessEntry) -> Place {
      Place(subject: entry.subject, object: entry.object)
    }
    var difference = EntryDifference()
    var loosened: [AccessEntry] = []
    var lost = Dictionary(grouping: old.sorted.filter { !new.contains($0.key) }, by: place)
    for entry in new.sorted where !old.contains(entry.key) {
      guard let formers = lost[place(entry)] else {
        difference.gained.append(EntryGain(entry))
        continue
      }
      if let wider = formers.firstIndex(where: { Self.gives($0, atLeast: entry) }) {
        lost[place(entry)]?.remove(at: wider)
        difference.moved.append(
          EntryMove(from: formers[wider].key, to: entry.key, detail: entry.detail))
      } else {
        loosened.append(entry)
      }
    }
    difference.lost = lost.values.joined().sorted { $0.precedes($1) }
    // Each former line stands behind one new line at the most.
    for entry in loosened {
      let isLeft = lost[place(entry)]?.isEmpty == false
      let former = isLeft ? lost[place(entry)]?.removeFirst() : nil
      difference.gained.append(EntryGain(entry, former: former))
    }
    difference.gained.sort { $0.entry.precedes($1.entry) }
    difference.prolonged = prolonged(old, new, moved: difference.moved)
    return difference
  }

  private static func gives(_ former: AccessEntry, atLeast entry: AccessEntry) -> Bool {
    guard let mine = AuthorizedKey.options(of: former.value),
      let theirs = AuthorizedKey.options(of: entry.value)
    else { return false }
    return mine.gives(atLeast: theirs)
  }
}
