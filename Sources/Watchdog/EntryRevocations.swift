import Dispatch
import Grants
import Kinds
import LinuxKit

/// Taking entries back. The kinds' tools run on their own queue; the engine goes on meanwhile.
extension Engine {
  /// What an item gave, as its kind knows it; nil for a record that does not say.
  func gain(_ item: GrantItem, of grant: Grant) -> EntryGain? {
    guard let value = item.after else { return nil }
    func entry(_ value: String, _ detail: String) -> AccessEntry {
      AccessEntry(
        subject: grant.subject, object: item.object, right: grant.right, value: value,
        detail: detail)
    }
    let former = item.before.flatMap { $0 == "absent" ? nil : $0 }
    return EntryGain(
      entry(value, item.detail?.own ?? ""),
      former: former.map { entry($0, item.detail?.former ?? "") })
  }

  func revokeEntries(_ id: String) {
    guard let grant = store[id], let watch = entryWatch(grant.kind) else {
      return turn { revocationFailed(id, "nothing here takes such grants back", final: true) }
    }
    var gains: [(index: Int, gain: EntryGain)] = []
    var states: [Int: ItemState] = [:]
    for (index, item) in grant.items.enumerated()
    where item.state == .active || item.state == .revokeFailed {
      guard let gain = gain(item, of: grant) else {
        states[index] = .revokeFailed
        continue
      }
      if watch.state?.contains(gain.entry.key) == false, isReplaced(gain.entry.key, grant) {
        states[index] = .ended
        gone[id, default: 0] += 1
        continue
      }
      if isSheltered(gain.entry, of: grant) {
        states[index] = .ended
        sheltered[id, default: 0] += 1
      } else {
        gains.append((index, gain))
        if let former = gain.former { watch.expected.insert(former.key) }
      }
    }
    if let connector = connector(grant.kind) {
      return turn { revoke(gains, of: id, known: states, by: connector) }
    }
    let quarantine = Quarantine(directory: settings.stateDirectory + "/quarantine", grant: id)
    let (kind, queue) = (watch.kind, queue)
    let work = gains
    let known = states
    kindQueue.async {
      var outcomes: [(index: Int, outcome: EntryOutcome)] = []
      for (index, gain) in work {
        outcomes.append((index, kind.revoke(gain, quarantine: quarantine)))
      }
      let done = outcomes
      queue.async { [weak self] in
        guard let self else { return }
        turn { self.entriesRevoked(id, done, known) }
      }
    }
  }

  func entriesRevoked(
    _ id: String, _ outcomes: [(index: Int, outcome: EntryOutcome)], _ known: [Int: ItemState]
  ) {
    var states = known
    var error: String?
    if let grant = store[id], let watch = entryWatch(grant.kind) {
      let gains = outcomes.compactMap { index, outcome in
        gain(grant.items[index], of: grant).map { ($0, outcome) }
      }
      // What a connector reported decided: it is the state after its doing.
      let isSeen = connector(grant.kind) != nil
      watch.settle(gains.compactMap { $0.0.former?.key }, isSeen: isSeen)
      for (gain, outcome) in gains where !isSeen && (outcome == .done || outcome == .alreadyDone) {
        watch.noteTakenOut(gain)
      }
    }
    for (index, outcome) in outcomes {
      switch outcome {
      case .done: states[index] = .ended
      case .alreadyDone:
        states[index] = .ended
        gone[id, default: 0] += 1
      case .drifted(let reason):
        states[index] = .drifted
        noteDrift(id, "\(store[id]?.items[index].object ?? ""): \(reason)")
      case .failed(let reason): (states[index], error) = (.revokeFailed, reason)
      case .impossible(let reason):
        (states[index], error) = (.revokeFailed, reason)
        hopeless.insert(id)
      case .unsupported: (states[index], error) = (.revokeFailed, "its kind cannot be taken back")
      }
    }
    update(id, items: Array(states.keys)) { grant in
      for (index, state) in states { grant.items[index].state = state }
      for (index, outcome) in outcomes where outcome == .done {
        grant.items[index].isTakenBack = true
      }
      if let error { grant.revokeError = error }
    }
    for (index, state) in states where state == .ended {
      goBackFurther(pastEntry: ItemReference(grant: id, index: index))
    }
    finishRevocation(id)
    lookAgain(at: store[id]?.kind)
  }

  /// The state after our own doing.
  func lookAgain(at kind: GrantKind?) {
    guard let watch = kind.flatMap(entryWatch) else { return }
    watch.wantsLook = true
    lookAtEntries()
  }

  /// True when another grant that stands, and is no agent's, gives the very entry.
  private func isSheltered(_ entry: AccessEntry, of grant: Grant) -> Bool {
    store.entries(ItemKey(grant.kind, entry.key)).contains { reference in
      guard reference.grant != grant.id, let other = store[reference.grant] else { return false }
      return shelters(other) && other.items[reference.index].state == .active
    }
  }

  /// What a revocation of entries would do, in one line.
  func planEntries(_ grant: Grant) -> String {
    guard let kind = entryWatch(grant.kind)?.kind else {
      return "nothing: \(notFromHere(grant.kind))"
    }
    let plans = grant.items.filter { $0.state == .active || $0.state == .revokeFailed }
      .compactMap { gain($0, of: grant).map(kind.plan) }
    guard plans.count > 1 else { return plans.first ?? "nothing: its record cannot be read" }
    return "\(plans[0]) (and \(plans.count - 1) more)"
  }
}
