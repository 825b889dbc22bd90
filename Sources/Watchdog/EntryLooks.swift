import ByteText
import Dispatch
import Grants
import Kinds
import Ledger
import LinuxKit
import Provenance
import Sources

/// Kinds that are read whole: when they are looked at, and what a look brings.
extension Engine {
  /// The single files and folders that are watched beside the trees.
  var singleFiles: [[UInt8]] { groupMembers.watchedFiles + entryWatches.flatMap(\.paths) }

  func entryWatch(_ kind: GrantKind) -> EntryWatch? {
    entryWatches.first { $0.kind.kind == kind } ?? connector(kind)?.watch
  }

  /// Asks each kind what to watch.
  func gatherEntryPaths() {
    for watch in entryWatches { watch.setPaths(watch.kind.watchedPaths()) }
  }

  /// A signal may be about the files of a kind.
  func noteEntries(_ signal: FileSignal, _ batch: inout SignalBatch) {
    for watch in entryWatches where watch.covers(signal.path) {
      watch.touch(by: batch.attribution(of: signal.pid, alive: signal.alive, by: processes))
    }
  }

  /// Begins the looks that are wanted and not under way.
  func lookAtEntries() {
    for watch in entryWatches where watch.wantsLook && !watch.isLooking { look(watch) }
  }

  /// Looks at every kind, whether or not anything was seen.
  func lookAtAllEntries(gap: Timestamp?) {
    for watch in entryWatches {
      watch.wantsLook = true
      if let gap { watch.gapSince = min(watch.gapSince ?? gap, gap) }
    }
    lookAtEntries()
  }

  private func look(_ watch: EntryWatch) {
    watch.isLooking = true
    watch.wantsLook = false
    let (kind, previous) = (watch.kind, watch.state)
    let queue = queue
    kindQueue.async {
      let result = Result<EntryState, EntryKindError> { () throws(EntryKindError) in
        try kind.read(previous: previous)
      }
      let paths = kind.watchedPaths()
      queue.async { [weak self] in
        guard let self, let watch = entryWatch(kind.kind) else { return }
        turn { self.looked(watch, result, paths) }
      }
    }
  }

  private func looked(
    _ watch: EntryWatch, _ result: Result<EntryState, EntryKindError>, _ paths: [[UInt8]]
  ) {
    // Who changed something while the kind was read must be known before what was read is judged.
    readKernelEvents()
    watch.isLooking = false
    if paths != watch.paths {
      watch.setPaths(paths)
      fileWatch?.watch(files: singleFiles)
      // What changed between the reading and the new marks no event tells.
      watch.wantsLook = true
    }
    switch result {
    case .failure(let error): entriesUnreadable(watch, error)
    case .success(let state):
      sayEntryProblems(watch, state)
      take(state, watch)
    }
    lookAtEntries()
  }

  private func entriesUnreadable(_ watch: EntryWatch, _ error: EntryKindError) {
    watch.lookFailed()
    if problems.set(.entries(watch.kind.kind), "\(watch.kind.kind.rawValue): \(error)") {
      settings.log("\(watch.kind.kind.rawValue): \(error)")
    }
    // A file that is just being written is whole a little later, and no event may tell.
    if case .torn = error { agenda.add(.entriesAgain(watch.kind.kind), at: now.up + 2_000_000) }
  }

  private func sayEntryProblems(_ watch: EntryWatch, _ state: EntryState) {
    guard let first = state.problems.first else {
      return problems.clear(.entries(watch.kind.kind))
    }
    let more = state.problems.count > 1 ? " (and \(state.problems.count - 1) more)" : ""
    let text = "\(watch.kind.kind.rawValue): \(first)\(more)"
    if problems.set(.entries(watch.kind.kind), text) { settings.log(text) }
  }

  /// Takes in what a look found, or a connector reported, which then says who gave each entry.
  func take(
    _ state: EntryState, _ watch: EntryWatch, by who: ((EntryGain) -> Attribution)? = nil
  ) {
    let touched = watch.takeTouched()
    let gap = watch.gapSince
    if who == nil, gap == nil, touched.isEmpty, isAheadOfEvents(state, watch) { return }
    watch.putOff = 0
    watch.gapSince = nil
    defer { watch.forgetSettled() }
    guard let old = watch.state else {
      takeStanding(watch, state)
      watch.state = state
      endWhatIsNotThere(watch.kind.kind, state)
      return keepEntryState(watch)
    }
    guard old.entries != state.entries || watch.hasTakenOut else { return }
    let difference = watch.kind.difference(old, state)
    watch.state = state
    keepEntryState(watch)
    // Before anything moves: what an agent gave is found under its former key.
    var gained = difference.gained.map { withTrueFormer($0, watch.kind.kind) }
    let found = Set(gained.map(\.entry.key))
    gained += watch.takeGivenAgain(in: state).filter { !found.contains($0.entry.key) }
    if !difference.moved.isEmpty { gained += carry(difference.moved, watch) }
    // Those in whose place something else stands may come back with its end.
    let replaced = Set(difference.gained.compactMap(\.former?.key))
    for entry in difference.lost where !replaced.contains(entry.key) {
      endEntry(entry, watch.kind.kind)
    }
    for gain in gained {
      if watch.expected.remove(gain.entry.key) != nil { continue }
      guard !isKnown(gain.entry, watch.kind.kind) else { continue }
      let attribution = who?(gain) ?? attribution(of: gain, touched, gap: gap)
      add(
        gain, watch.kind.kind, attribution, at: now, earliest: touched.isEmpty ? gap : nil,
        replacing: replaced)
    }
    for entry in difference.lost where replaced.contains(entry.key) {
      endEntry(entry, watch.kind.kind)
    }
    endStoodAside(watch, state)
  }

  /// The kernel shows a renamed file a moment before it tells of the rename: a gain that nobody was
  /// seen to give is looked at again shortly, a few times.
  private func isAheadOfEvents(_ state: EntryState, _ watch: EntryWatch) -> Bool {
    guard let old = watch.state, old.entries != state.entries, watch.putOff < 4 else {
      return false
    }
    let isNews = watch.kind.difference(old, state).gained.contains { gain in
      !watch.expected.contains(gain.entry.key) && !isKnown(gain.entry, watch.kind.kind)
    }
    guard isNews else { return false }
    watch.putOff += 1
    agenda.add(.entriesAgain(watch.kind.kind), at: now.up + 50_000)
    return true
  }

  private func isOurs(_ attribution: Attribution) -> Bool {
    attribution.chain.contains { $0.pid == ownPid }
  }

  /// Of several processes that touched the files, the one whose command names the change; else an
  /// agent's; else the last.
  private func attribution(
    of gain: EntryGain, _ touched: [Attribution], gap: Timestamp?
  ) -> Attribution {
    let foreign = touched.filter { !isOurs($0) }
    let names = [gain.entry.subject, gain.entry.object].compactMap {
      $0.split(separator: ":", maxSplits: 1).last.map(String.init)
    }
    if foreign.count > 1 {
      let naming = foreign.first { candidate in
        let command = candidate.actor.command ?? ""
        return !command.isEmpty && names.allSatisfy { command.contains($0) }
      }
      if let naming { return naming }
      if let agents = foreign.first(where: { $0.provenance == .agentExecuted }) { return agents }
    }
    if let last = foreign.last { return last }
    let since = gap.map { ", at or after \($0.rfc3339)" } ?? ""
    return .unseen(reason: "given while nobody could look\(since)")
  }

  private func add(
    _ gain: EntryGain, _ kind: GrantKind, _ attribution: Attribution, at now: Moment,
    earliest: Timestamp?, replacing replaced: Set<AccessEntry.Key>
  ) {
    let entry = gain.entry
    let item = GrantItem(
      object: entry.object, before: gain.former?.value ?? "absent", after: entry.value,
      detail: EntryDetail(own: entry.detail, former: gain.former?.detail ?? ""))
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
          ? "\(entry.object) says: \(entry.value)"
          : "pid \(attribution.process.pid) changed \(entry.object): \(entry.value)"), at: 0)
    grant.otherWaysIn = Array(rootWays(without: [entry.key]).prefix(8))
    begin(grant, key, attribution, at: now)
  }

  /// True when a grant that stands already tells of this entry.
  func isKnown(_ entry: AccessEntry, _ kind: GrantKind) -> Bool {
    !store.entries(ItemKey(kind, entry.key)).isEmpty
  }

  /// Grants go on under the new names of what they are about. Returns what those that are just being
  /// taken back go on as: their own end does not end that.
  private func carry(_ moves: [EntryMove], _ watch: EntryWatch) -> [EntryGain] {
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
        item.after = move.to.value
        let former = item.detail?.former ?? ""
        if let detail = move.detail { item.detail = EntryDetail(own: detail, former: former) }
        if changed.contains(index) {
          // One rule goes on as several: what was there before is put back once.
          item.before = "absent"
          item.detail = EntryDetail(own: item.detail?.own ?? "", former: "")
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
    return watch.kind.difference(EntryState([former]), EntryState([gain.entry])).gained.isEmpty
  }

  /// The entry is there no more: items that gave it have ended.
  private func endEntry(_ entry: AccessEntry, _ kind: GrantKind) {
    for reference in store.entries(ItemKey(kind, entry.key))
    where !running.contains(reference.grant) {
      guard let grant = store[reference.grant] else { continue }
      if standsAside(entry.key, grant) { continue }
      let isOver = grant.deadline.map { $0.left(at: now) <= .zero } ?? false
      endItem(reference, by: isOver && grant.nativeExpiry != nil ? .expired : .removed)
    }
  }

  /// What is there at the first start is standing: shown, never expired.
  func takeStanding(_ watch: EntryWatch, _ state: EntryState) {
    for entry in state.sorted where watch.kind.isStanding(entry) {
      guard !isKnown(entry, watch.kind.kind) else { continue }
      standing(
        watch.kind.kind, entry.subject, entry.object, entry.right,
        GrantItem(
          object: entry.object, before: nil, after: entry.value,
          detail: EntryDetail(own: entry.detail, former: "")))
    }
  }

  /// The first look of this run, on the engine's queue: nothing is promised before it is done.
  func firstLookAtEntries(since down: Timestamp?) {
    for watch in entryWatches {
      if down != nil {
        watch.state = EntryStateFile.load(entryStatePath(watch))
        // Nobody saw how they fared since.
        if let known = watch.state { watch.state?.presumed = Set(known.entries.keys) }
        forgetTakenOut(watch)
        watch.gapSince = down
        if watch.state == nil {
          takenAsKnown("\(watch.kind.kind.rawValue): \(entryStatePath(watch)): missing or damaged")
        }
      }
      do throws(EntryKindError) {
        let state = try watch.kind.read(previous: watch.state)
        sayEntryProblems(watch, state)
        take(state, watch)
        endWhatIsNotThere(watch.kind.kind, state)
      } catch {
        entriesUnreadable(watch, error)
      }
      watch.setPaths(watch.kind.watchedPaths())
    }
    fileWatch?.watch(files: singleFiles)
  }

  /// The state on disk may be older than a crash: what was taken back since then, and was given again
  /// while nobody looked, must not pass for known.
  private func forgetTakenOut(_ watch: EntryWatch) {
    guard let state = watch.state else { return }
    for id in store.order {
      guard let grant = store[id], grant.kind == watch.kind.kind, grant.state == .ended,
        grant.endedBy == .expired || grant.endedBy == .revoked
      else { continue }
      for item in grant.items {
        guard let gain = gain(item, of: grant), state.contains(gain.entry.key) else { continue }
        watch.noteTakenOut(gain)
      }
    }
  }

  /// A crash may have cut between an entry's end, or its putting back, and the record of it.
  func endWhatIsNotThere(_ kind: GrantKind, _ state: EntryState) {
    for id in store.order {
      guard let grant = store[id], grant.kind == kind, GrantStore.stands(grant),
        !running.contains(id)
      else { continue }
      for (index, item) in grant.items.enumerated()
      where item.state == .active || item.state == .revokeFailed {
        guard let key = gain(item, of: grant)?.entry.key, !state.contains(key),
          !standsAside(key, grant)
        else { continue }
        endItem(ItemReference(grant: id, index: index), by: .removed)
      }
    }
  }

  func entryStatePath(_ watch: EntryWatch) -> String {
    let name = watch.kind.kind.rawValue.map { $0 == ":" ? "-" : $0 }
    return settings.stateDirectory + "/entries-" + String(name) + ".json"
  }

  /// Keeps what a kind's state is, for the difference after a stop.
  func keepEntryState(_ watch: EntryWatch) {
    afterCommit { [self] in
      guard ledger.pendingBytes == 0, let state = watch.state else { return }
      do {
        try EntryStateFile.save(state, to: entryStatePath(watch))
        problems.clear(.entryState(watch.kind.kind))
      } catch {
        let text = "\(watch.kind.kind.rawValue): \(error)"
        if problems.set(.entryState(watch.kind.kind), text) { settings.log(text) }
      }
    }
  }
}
