import Grants
import Kinds

/// Entries that go on as others: under a new name, in another file, narrower.
extension Engine {
  /// Grants go on under the new names of what they are about. Returns what those that are just being
  /// taken back go on as: their own end does not end that.
  func carry(_ moves: [EntryMove], _ watch: EntryWatch) -> [EntryGain] {
    let kind = watch.kind.kind
    var byGrant: [String: [(index: Int, move: EntryMove)]] = [:]
    var missed: [EntryGain] = []
    // What goes on as an entry that others gave as well is theirs.
    let others = Set(moves.filter { isOthers($0.from, kind) }.map(\.to))
    for move in moves {
      let references = store.entries(ItemKey(kind, move.from))
      let carried = references.filter { !running.contains($0.grant) }
      for reference in carried {
        if others.contains(move.to), !isOthers(move.from, kind) {
          endItem(reference, by: .removed)
        } else {
          byGrant[reference.grant, default: []].append((reference.index, move))
        }
      }
      if carried.isEmpty, !references.isEmpty, let entry = watch.state?[move.to] {
        missed.append(EntryGain(entry))
      }
    }
    for (id, moves) in byGrant.sorted(by: { $0.key < $1.key }) {
      guard var grant = store[id], let first = moves.first?.move else { continue }
      if first.from.subject != first.to.subject || first.from.object != first.to.object {
        grant.because.append(
          "\(first.from.subject) on \(first.from.object) is \(first.to.subject) on"
            + " \(first.to.object) now")
      }
      grant.subject = first.to.subject
      if grant.object == first.from.object { grant.object = first.to.object }
      var changed: [Int] = []
      for (index, move) in moves {
        var item = grant.items[index]
        item.object = move.to.object
        let former = item.detail?.former ?? ""
        if let detail = move.detail { item.detail = EntryDetail(own: detail, former: former) }
        let isLonger = item.gain != nil
        if isLonger {
          item.gain = move.to.value
          if let entry = watch.state?[move.to] { item.after = watch.kind.textWithEnd(entry) }
        } else {
          item.after = move.to.value
        }
        if changed.contains(index) {
          // One rule goes on as several: what was there before is put back once.
          if !isLonger {
            item.before = "absent"
            item.detail = EntryDetail(own: item.detail?.own ?? "", former: "")
          }
          grant.items.append(item)
        } else {
          changed.append(index)
          grant.items[index] = item
        }
      }
      replace(grant, changedItems: changed)
      for index in grant.items.indices
      where changed.contains(index) && isAsBefore(grant.items[index], of: grant, watch) {
        endItem(ItemReference(grant: id, index: index), by: .removed)
      }
    }
    return missed
  }

  /// True for an entry that was there before anything was watched, or that somebody else than an agent
  /// gave.
  private func isOthers(_ key: AccessEntry.Key, _ kind: GrantKind) -> Bool {
    let grants = store.entries(ItemKey(kind, key)).compactMap { store[$0.grant] }
    return grants.isEmpty || grants.contains { $0.standing || shelters($0) }
  }

  /// True when what stood there before the grant gave as much as what it goes on as: nothing that it
  /// gave is left.
  private func isAsBefore(_ item: GrantItem, of grant: Grant, _ watch: EntryWatch) -> Bool {
    guard grant.kind != .account, let gain = gain(item, of: grant), let former = gain.former else {
      return false
    }
    // Of ends `endShortened` tells.
    guard !gain.isLonger else { return false }
    return watch.kind.difference(EntryState([former]), EntryState([gain.entry])).gained.isEmpty
  }
}
