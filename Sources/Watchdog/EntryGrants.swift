import ByteText
import Grants
import Kinds
import Provenance

/// Entries that came, and who gave them.
extension Engine {
  private func isOurs(_ attribution: Attribution) -> Bool {
    attribution.chain.contains { $0.pid == ownPid }
  }

  func attribution(
    of gain: EntryGain, _ touched: TouchedBy, gap: Timestamp?
  ) -> Attribution {
    let names = [gain.entry.subject, gain.entry.object].compactMap {
      $0.split(separator: ":", maxSplits: 1).last.map(String.init)
    }
    return touched.giver(named: names, since: gap, isOurs: isOurs)
  }

  /// Gains of one look for which the ways in for root are told one by one.
  private static let fewGains = 16

  /// The ways in for root beside all of many new entries; nil for a few.
  func waysBeside(_ gained: [EntryGain]) -> [String]? {
    guard gained.count > Self.fewGains else { return nil }
    return rootWays(without: Set(gained.map(\.entry.key)))
  }

  /// - Parameter ways: those in for root beside it, where they are known.
  func add(
    _ gain: EntryGain, _ watch: EntryWatch, _ attribution: Attribution, ways: [String]? = nil,
    at now: Moment, earliest: Timestamp?, replacing replaced: Set<AccessEntry.Key> = []
  ) {
    let (entry, kind) = (gain.entry, watch.kind.kind)
    let item = item(gain, watch.kind)
    let key = ActKey(
      process: attribution.process, kind: kind, detail: "\(entry.subject) \(entry.object)")
    // What takes the place of an entry is no further item of that entry's grant.
    let joined = acts.open(key, at: now.up).first { !gives($0.grant, anyOf: replaced) }
    if let act = joined {
      acts.touch(act.grant, at: now.up)
      return update(act.grant) { grant in
        grant.items.append(item)
        grant.right = EntryRight.union(grant.right, entry.right, kind)
      }
    }
    var grant = newGrant(
      kind, subject: entry.subject, object: entry.object, right: entry.right, attribution, at: now)
    grant.items = [item]
    grant.earliest = earliest
    grant.evidence.insert(
      Evidence(
        time: now.wall,
        source: attribution.process.pid == 0 || kind.isConnectors ? "state" : "fanotify",
        text: attribution.process.pid == 0 || kind.isConnectors
          ? "\(entry.object) says: \(item.after ?? "")"
          : "pid \(attribution.process.pid) changed \(entry.object): \(item.after ?? "")"), at: 0)
    grant.otherWaysIn = Array((ways ?? rootWays(without: [entry.key])).prefix(8))
    begin(grant, key, attribution, at: now)
  }

  /// What a gain is within its grant. One that is only longer has its ends for what was before and
  /// after, and `gain` names the entry.
  private func item(_ gain: EntryGain, _ kind: any EntryKind) -> GrantItem {
    let detail = EntryDetail(own: gain.entry.detail, former: gain.former?.detail ?? "")
    guard gain.isLonger else {
      return GrantItem(
        object: gain.entry.object, before: gain.former?.value ?? "absent", after: gain.entry.value,
        detail: detail)
    }
    return GrantItem(
      object: gain.entry.object, before: gain.former.map(kind.textWithEnd),
      after: kind.textWithEnd(gain.entry), gain: gain.entry.value, detail: detail)
  }
}
