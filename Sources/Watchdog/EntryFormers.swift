import Grants
import Kinds

/// Entries that were replaced, and are put back when what took their place is taken back.
///
/// The grant of such an entry goes on meanwhile where it is to be kept: its end still counts when the
/// entry is there again.
extension Engine {
  /// The other grants on the same object whose items, when taken back, put this entry back.
  private func replacers(of entry: AccessEntry.Key, _ grant: Grant) -> [Grant] {
    store.told(grant.kind, entry.object).compactMap { id in
      guard id != grant.id, store.mayReplace(id, entry), let other = store[id] else { return nil }
      let replaces = other.items.contains { item in
        (item.state == .active || item.state == .revokeFailed) && item.gain == nil
          && gain(item, of: other)?.former?.key == entry
      }
      return replaces ? other : nil
    }
  }

  /// True when something else stands in the place of the entry, and is not just being taken back.
  func isReplaced(_ entry: AccessEntry.Key, _ grant: Grant) -> Bool {
    let others = replacers(of: entry, grant)
    return !others.isEmpty && !others.contains { running.contains($0.id) }
  }

  /// True, and noted, for what is not there only because something else stands in its place: what an
  /// agent replaced is to come back, and what has an end must not outlive it if it does.
  func standsAside(_ entry: AccessEntry.Key, _ grant: Grant) -> Bool {
    guard shelters(grant) || grant.standing else { return false }
    let hasEnd = effectiveDeadline(grant) != nil
    let other = replacers(of: entry, grant).first { hasEnd || $0.provenance.isAgents }
    guard let other else { return false }
    entryWatch(grant.kind)?.stoodAside.insert(grant.id)
    let text = "grant \(other.id) put something else in its place: with its end this comes back"
    if !grant.because.contains(text) { update(grant.id) { $0.because.append(text) } }
    return true
  }

  /// What stood aside, does so no more and is not there again has ended.
  func endStoodAside(_ watch: EntryWatch, _ state: EntryState) {
    for id in watch.stoodAside.sorted() where !running.contains(id) {
      guard let grant = store[id], GrantStore.stands(grant) else {
        watch.stoodAside.remove(id)
        continue
      }
      let away = grant.items.indices.filter { index in
        let item = grant.items[index]
        guard item.state == .active || item.state == .revokeFailed,
          let key = gain(item, of: grant)?.entry.key
        else { return false }
        return !state.contains(key)
      }
      if away.isEmpty { watch.stoodAside.remove(id) }
      for index in away {
        guard let key = gain(grant.items[index], of: grant)?.entry.key, !standsAside(key, grant)
        else { continue }
        endItem(ItemReference(grant: id, index: index), by: .removed)
      }
    }
  }

  /// What was taken back while it stood aside does not come back: what stands in its place is put
  /// back to what was before it.
  func goBackFurther(pastEntry reference: ItemReference) {
    guard let grant = store[reference.grant], let item = store.item(reference),
      let ended = gain(item, of: grant)
    else { return }
    for other in replacers(of: ended.entry.key, grant) where !running.contains(other.id) {
      for (index, later) in other.items.enumerated()
      where later.gain == nil && gain(later, of: other)?.former?.key == ended.entry.key {
        let own = later.detail?.own ?? ""
        update(other.id, items: [index]) {
          if !ended.isLonger { $0.items[index].before = item.before }
          $0.items[index].detail = EntryDetail(own: own, former: item.detail?.former ?? "")
        }
      }
    }
  }

  /// What an agent gave is not what was there before: an agent that widens twice would find its first
  /// step put back. Accounts keep what they were in their details, and say here what went last.
  func withTrueFormer(_ gain: EntryGain, _ kind: GrantKind) -> EntryGain {
    guard kind != .account, let former = gain.former else { return gain }
    for reference in store.entries(ItemKey(kind, former.key)) {
      guard let grant = store[reference.grant], !grant.standing, !shelters(grant),
        let earlier = self.gain(grant.items[reference.index], of: grant)
      else { continue }
      return EntryGain(gain.entry, former: earlier.former)
    }
    return gain
  }

  /// True when the grant gives one of these entries.
  func gives(_ id: String, anyOf entries: Set<AccessEntry.Key>) -> Bool {
    guard !entries.isEmpty, let grant = store[id] else { return false }
    return grant.items.contains { item in
      item.state != .ended
        && gain(item, of: grant).map { entries.contains($0.entry.key) } == true
    }
  }
}
