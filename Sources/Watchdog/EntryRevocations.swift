import Dispatch
import Grants
import Kinds
import LinuxKit

/// Taking entries back. The kinds' tools run on their own queue; the engine goes on meanwhile.
extension Engine {
  /// What an item gave, as its kind knows it; nil for a record that does not say.
  func gain(_ item: GrantItem, of grant: Grant) -> EntryGain? {
    guard let value = item.gain ?? item.after else { return nil }
    func entry(_ value: String, _ detail: String) -> AccessEntry {
      AccessEntry(
        subject: grant.subject, object: item.object, right: grant.right, value: value,
        detail: detail)
    }
    let own = entry(value, item.detail?.own ?? "")
    if item.gain != nil {
      return EntryGain(own, former: entry(value, item.detail?.former ?? ""), isLonger: true)
    }
    let former = item.before.flatMap { $0 == "absent" ? nil : $0 }
    return EntryGain(own, former: former.map { entry($0, item.detail?.former ?? "") })
  }

  func revokeEntries(_ id: String) {
    guard let grant = store[id], let watch = entryWatch(grant.kind) else {
      return turn { revocationFailed(id, "nothing here takes such grants back", final: true) }
    }
    var gains: [(index: Int, gain: EntryGain)] = []
    var states: [Int: ItemState] = [:]
    var copies: [AccessEntry] = []
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
      let isOneOfSeveral = sharesCopies(gain, of: grant)
      if isOneOfSeveral { copies.append(gain.entry) }
      if isOneOfSeveral || isSheltered(gain, of: grant) {
        states[index] = .ended
        sheltered[id, default: 0] += 1
      } else {
        gains.append((index, gain))
        if !gain.isLonger, let former = gain.former { watch.expected.insert(former.key) }
      }
    }
    if !copies.isEmpty { leaveOne(of: copies, id, watch) }
    if let connector = connector(grant.kind) {
      return turn { revoke(gains, of: id, known: states, by: connector) }
    }
    let quarantine = Quarantine(directory: settings.stateDirectory + "/quarantine", grant: id)
    watch.revocations.append(
      EntryTask(
        grant: id, indices: gains.map(\.index), known: states,
        tasks: gains.map { EntryRevocation($0.gain, quarantine: quarantine) }))
    // What else is to be taken back now goes the same way: each file is rewritten once for all.
    guard watch.revocations.count == 1 else { return }
    let name = grant.kind
    queue.async { [weak self] in self?.revokeTogether(name) }
  }

  private func revokeTogether(_ name: GrantKind) {
    guard let watch = entryWatch(name) else { return }
    let (kind, queue) = (watch.kind, queue)
    let all = watch.revocations
    watch.revocations = []
    kindQueue.async {
      let outcomes = kind.revoke(all.flatMap(\.tasks))
      queue.async { [weak self] in
        guard let self else { return }
        turn { self.revokedTogether(all, outcomes) }
      }
    }
  }

  private func revokedTogether(_ all: [EntryTask], _ outcomes: [EntryOutcome]) {
    var left = outcomes[...]
    for task in all {
      let own = left.prefix(task.indices.count)
      left = left.dropFirst(task.indices.count)
      entriesRevoked(
        task.grant, zip(task.indices, own).map { (index: $0, outcome: $1) }, task.known)
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
      watch.settle(
        gains.compactMap { $0.0.isLonger ? nil : $0.0.former?.key }, isSeen: isSeen)
      for (gain, outcome) in gains where !isSeen && (outcome == .done || outcome == .alreadyDone) {
        if gain.isLonger { watch.noteEndPutBack(gain) } else { watch.noteTakenOut(gain) }
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

  /// True when another grant that stands, and is no agent's, gives the very entry, or a later end to
  /// the same one.
  private func isSheltered(_ gain: EntryGain, of grant: Grant) -> Bool {
    store.entries(ItemKey(grant.kind, gain.entry.key)).contains { reference in
      guard reference.grant != grant.id, let other = store[reference.grant], shelters(other)
      else { return false }
      let item = other.items[reference.index]
      return item.state == .active && (item.gain != nil) == gain.isLonger
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

/// The revocation of one grant's entries, on its way to the kind.
struct EntryTask {
  var grant: String
  /// The items' places.
  var indices: [Int]
  /// Items that need nothing.
  var known: [Int: ItemState]
  /// In the order of `indices`.
  var tasks: [EntryRevocation]
}
