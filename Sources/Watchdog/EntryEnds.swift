import ByteText
import Grants
import Kinds
import Provenance

/// Entries that were there, and whose own end was put off or taken away.
extension Engine {
  /// True where a grant that stands will take the entry back whole, whatever its end is then, and
  /// where the end that went was written from here.
  func isCovered(_ longer: EntryGain, _ watch: EntryWatch) -> Bool {
    guard let former = longer.former, !watch.isOwnEnd(former.key) else { return true }
    let kind = watch.kind.kind
    let ids =
      kind == .account
      ? store.told(kind, former.object)
      : store.entries(ItemKey(kind, former.key)).map(\.grant)
    return ids.contains { id in
      guard let grant = store[id], !grant.standing, GrantStore.stands(grant),
        grant.provenance.isAgents || grant.nativeExpiry != nil
      else { return false }
      return grant.items.contains { item in
        item.state != .ended
          && gain(item, of: grant).map { watch.kind.covers($0, former) } ?? false
      }
    }
  }

  /// Takes in an entry that ends later than it did.
  func takeLonger(
    _ longer: EntryGain, _ watch: EntryWatch, _ attribution: Attribution, ways: [String]?,
    earliest: Timestamp?
  ) {
    let kind = watch.kind
    var gain = longer
    for reference in store.entries(ItemKey(kind.kind, longer.entry.key))
    where !running.contains(reference.grant) {
      guard let grant = store[reference.grant],
        let known = self.gain(grant.items[reference.index], of: grant), known.isLonger
      else { continue }
      if let end = kind.end(of: longer.entry), kind.end(of: known.entry).map({ $0 >= end }) ?? false
      {
        return
      }
      guard !shelters(grant) else { continue }
      // What is taken back is all that an agent put off, from its first step on.
      gain.former = known.former
      guard attribution.provenance.isAgents else { continue }
      return update(reference.grant, items: [reference.index]) {
        $0.items[reference.index].after = kind.textWithEnd(longer.entry)
        $0.items[reference.index].detail = EntryDetail(
          own: longer.entry.detail, former: known.former?.detail ?? "")
      }
    }
    add(gain, watch, attribution, ways: ways, at: now, earliest: earliest)
  }

  /// Ends that were put off and are as before again, or whose entry is gone.
  func endShortened(_ watch: EntryWatch, _ state: EntryState) {
    for id in store.longer.sorted() where !running.contains(id) {
      for reference in shortened(id, watch, state) { endItem(reference, by: .removed) }
    }
  }

  private func shortened(
    _ id: String, _ watch: EntryWatch, _ state: EntryState
  ) -> [ItemReference] {
    guard let grant = store[id], grant.kind == watch.kind.kind else { return [] }
    return grant.items.indices.compactMap { index in
      let item = grant.items[index]
      guard item.state == .active || item.state == .revokeFailed,
        let gain = gain(item, of: grant), gain.isLonger, let former = gain.former
      else { return nil }
      if let now = state[gain.entry.key] {
        guard let end = watch.kind.end(of: now), let before = watch.kind.end(of: former),
          end <= before
        else { return nil }
      }
      return ItemReference(grant: id, index: index)
    }
  }
}

/// Accounts that got another number, or that came when another one went.
extension Engine {
  /// An account that an agent renumbers is the same account still: what is known of it follows. By
  /// anybody else it might be another one of its name.
  func followNumbers(from old: EntryState, to new: EntryState, _ touched: TouchedBy) {
    guard touched.all.contains(where: { $0.provenance == .agentExecuted }) else { return }
    for entry in new.sorted {
      guard let former = old[entry.key], former.detail != entry.detail else { continue }
      for reference in store.entries(ItemKey(.account, entry.key))
      where !running.contains(reference.grant) {
        guard let detail = store.item(reference)?.detail,
          let own = Accounts.renumbered(detail.own, as: entry)
        else { continue }
        update(reference.grant, items: [reference.index]) {
          $0.items[reference.index].detail = EntryDetail(own: own, former: detail.former)
          let text = "\(entry.object) has another uid now, by an agent's doing"
          if !$0.because.contains(text) { $0.because.append(text) }
        }
      }
    }
  }

  /// The soonest deadline of agents' grants among these entries, if it has not passed.
  func soonestDeadline(of entries: [AccessEntry]) -> Deadline? {
    let now = now
    let deadlines = entries.flatMap { store.entries(ItemKey(.account, $0.key)) }
      .compactMap { store[$0.grant] }.filter(\.provenance.isAgents).compactMap(\.deadline)
    return deadlines.filter { $0.boot == now.boot && $0.left(at: now) > .zero }
      .min { $0.up < $1.up }
  }
}
