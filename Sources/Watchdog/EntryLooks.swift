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
      if let gap { watch.noteGap(since: gap) }
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

  /// Takes in what a look found, or a connector reported, which then says who gave each entry.
  func take(
    _ state: EntryState, _ watch: EntryWatch, by who: ((EntryGain) -> Attribution)? = nil
  ) {
    let touched = watch.takeTouched()
    if who == nil, watch.gapSince == nil, touched.isEmpty, isAheadOfEvents(state, watch) { return }
    let gap = watch.takeGap()
    watch.putOff = 0
    defer { watch.forgetSettled() }
    guard var old = watch.state else {
      takeStanding(watch, state)
      watch.state = state
      endWhatIsNotThere(watch.kind.kind, state)
      return keepEntryState(watch)
    }
    guard old.entries != state.entries || watch.hasTakenOut else { return }
    if watch.hasTakenOut { old = watch.afterTakingOut(old, state) }
    let difference = watch.kind.difference(old, state)
    let lost = difference.lost + watch.takenOut(notIn: state)
    watch.state = state
    sureWayIn = nil
    keepEntryState(watch)
    // Before anything moves: what an agent gave is found under its former key.
    var gained = difference.gained.map { withTrueFormer($0, watch.kind.kind) }
    let found = Set(gained.map(\.entry.key))
    gained += watch.takeGivenAgain(in: state).filter { !found.contains($0.entry.key) }
    let longer = difference.prolonged.filter { !isCovered($0, watch) }
    if !difference.moved.isEmpty { gained += carry(difference.moved, watch) }
    if watch.kind.kind == .account { followNumbers(from: old, to: state, touched) }
    let heir = watch.kind.kind == .account ? soonestDeadline(of: difference.lost) : nil
    // Those in whose place something else stands may come back with its end.
    let replaced = Set(difference.gained.compactMap(\.former?.key))
    for entry in lost where !replaced.contains(entry.key) {
      endEntry(entry, watch.kind.kind)
    }
    endShortened(watch, state)
    recount(old, state, watch, touched, gap: gap)
    let beside = waysBeside(gained + longer)
    let earliest = touched.isEmpty ? gap : nil
    for gain in gained {
      if watch.expected.remove(gain.entry.key) != nil { continue }
      guard !isKnown(gain.entry, watch.kind.kind) else { continue }
      let attribution = who?(gain) ?? attribution(of: gain, touched, gap: gap)
      add(
        gain, watch, attribution, ways: beside, at: now, earliest: earliest, replacing: replaced)
      if let heir, attribution.provenance.isAgents { inherit(heir, gain.entry, .account) }
    }
    for gain in longer {
      takeLonger(
        gain, watch, attribution(of: gain, touched, gap: gap), ways: beside, earliest: earliest)
    }
    for entry in lost where replaced.contains(entry.key) {
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
    let difference = watch.kind.difference(old, state)
    let isNews =
      difference.gained.contains { gain in
        !watch.expected.contains(gain.entry.key) && !isKnown(gain.entry, watch.kind.kind)
      } || difference.prolonged.contains { !isCovered($0, watch) }
      || hasRecounted(old, state, watch.kind)
    guard isNews else { return false }
    watch.putOff += 1
    agenda.add(.entriesAgain(watch.kind.kind), at: now.up + 50_000)
    return true
  }

  /// True when a grant that stands already tells of this entry.
  func isKnown(_ entry: AccessEntry, _ kind: GrantKind) -> Bool {
    !store.entries(ItemKey(kind, entry.key)).isEmpty
  }

  /// The entry is there no more: items that gave it have ended.
  private func endEntry(_ entry: AccessEntry, _ kind: GrantKind) {
    for reference in store.entries(ItemKey(kind, entry.key))
    where !running.contains(reference.grant) {
      if store[reference.grant].map({ standsAside(entry.key, $0) }) == true { continue }
      let isOver = store[reference.grant].map { grant in
        grant.nativeExpiry != nil && grant.deadline.map { $0.left(at: now) <= .zero } ?? false
      }
      endItem(reference, by: isOver ?? false ? .expired : .removed)
    }
  }
}
