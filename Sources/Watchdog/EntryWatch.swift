import ByteText
import Grants
import Kinds
import Provenance

/// A kind whose state is read whole, and what is known of it. Confined to the engine's queue.
final class EntryWatch {
  let kind: any EntryKind
  /// What the last look that succeeded found; nil before the first.
  var state: EntryState?
  /// What to watch for it: `EntryKind.watchedPaths`, without a slash at the end.
  private(set) var paths: [[UInt8]] = []
  private var covered: Set<[UInt8]> = []
  /// A look is under way.
  var isLooking = false
  /// Something happened since the look under way began, or none is under way yet.
  var wantsLook = false
  /// Who touched its files since the last look that succeeded began.
  private var touched = TouchedBy()
  /// Those of them who did so since the look under way began: it may have come too early for them.
  private var touchedMeanwhile = TouchedBy()
  private var gap = LookGap()
  /// Since when not all of it can be read, and why.
  var blindness: Blindness?
  /// When that was told last, CLOCK_BOOTTIME in microseconds.
  var toldBlind: Int64?
  /// Since when the state on disk cannot follow.
  var unkeptSince: Timestamp?
  /// When it is looked at again to tell it.
  var tellAt: Int64?
  /// Looks in a row that found a gain before any event told of it.
  var putOff = 0
  /// Grants on entries in whose place something else stands.
  var stoodAside: Set<String> = []
  /// Entries that our own doing puts in place: they are no news.
  var expected: Set<AccessEntry.Key> = []
  /// Those of them whose revocation is over: the next look is the last for which they are no news.
  private var settled: Set<AccessEntry.Key> = []
  /// What was taken out since the last look that succeeded: where it stands again, it was given anew.
  private var takenOut: [AccessEntry.Key: EntryGain] = [:]

  /// Entries whose own end was taken away from here since the last look that succeeded.
  private var ownEnds: Set<AccessEntry.Key> = []
  /// Entries to be taken back, until the end of the turn.
  var revocations: [EntryTask] = []

  /// A span in which a kind could not be read whole.
  struct Blindness {
    var since: Timestamp
    var reason: String
    /// That it began is told.
    var isTold = false
  }

  init(_ kind: any EntryKind) { self.kind = kind }

  func setPaths(_ paths: [[UInt8]]) {
    self.paths = paths
    covered = Set(paths)
  }

  /// True for a watched path, and for what is directly in a watched folder.
  func covers(_ path: [UInt8]) -> Bool {
    if covered.contains(path) { return true }
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return false }
    return covered.contains(Array(path[..<slash]))
  }

  func touch(by attribution: Attribution) {
    wantsLook = true
    if isLooking { touchedMeanwhile.add(attribution) } else { touched.add(attribution) }
  }

  /// Nobody looked since `time`, as is known now: it counts for the look under way and for the next.
  func noteGap(since time: Timestamp) {
    gap.note(time, isLooking: isLooking)
  }

  /// Since when nobody looked, for the next look.
  var gapSince: Timestamp? { gap.since }

  /// A look brought nothing: whoever touched the files is still to be told.
  func lookFailed() {
    touched.add(touchedMeanwhile)
    touchedMeanwhile = TouchedBy()
    gap.lookFailed()
  }

  /// What a look that succeeded brought is judged.
  func takeGap() -> Timestamp? { gap.take() }

  /// Who touched the files up to the end of a look; who did so while it went on counts for the next
  /// one too.
  func takeTouched() -> TouchedBy {
    var all = touched
    all.add(touchedMeanwhile)
    touched = touchedMeanwhile
    touchedMeanwhile = TouchedBy()
    return all
  }

  /// The revocation that puts these entries in place is over. `isSeen` where the state is known that
  /// it led to.
  func settle(_ keys: some Sequence<AccessEntry.Key>, isSeen: Bool) {
    if isSeen { expected.subtract(keys) } else { settled.formUnion(keys) }
  }

  /// It is not there any more, whatever the last look says.
  func noteTakenOut(_ gain: EntryGain) { takenOut[gain.entry.key] = gain }

  /// The end of `gain.former` stands there again, whatever the last look says.
  func noteEndPutBack(_ gain: EntryGain) {
    guard let former = gain.former, let entry = state?[gain.entry.key] else { return }
    state?.insert(kind.entry(entry, endingAs: former))
  }

  /// These end as they did before an end was written from here: that is no news.
  func noteOwnEndTaken(_ keys: some Sequence<AccessEntry.Key>) { ownEnds.formUnion(keys) }

  func isOwnEnd(_ key: AccessEntry.Key) -> Bool { ownEnds.contains(key) }

  var hasTakenOut: Bool { !takenOut.isEmpty }

  /// `old` as our own doing left it, to compare `state` with: what was taken out is not what anything
  /// replaces, or it would be put back with the end of that.
  func afterTakingOut(_ old: EntryState, _ state: EntryState) -> EntryState {
    var left = old
    for gain in takenOut.values {
      left.remove(gain.entry.key)
      if let former = gain.former, let there = state[former.key], left[former.key] == nil {
        left.insert(there)
      }
    }
    return left
  }

  /// What was taken out and is not in `state`.
  func takenOut(notIn state: EntryState) -> [AccessEntry] {
    takenOut.values.map(\.entry).filter { !state.contains($0.key) }.sorted { $0.precedes($1) }
  }

  /// What was taken out and stands in `state` again.
  func takeGivenAgain(in state: EntryState) -> [EntryGain] {
    let again = takenOut.values.filter { state.contains($0.entry.key) }
    takenOut = [:]
    return again.sorted { $0.entry.precedes($1.entry) }
  }

  /// What a look that succeeded brought is judged.
  func forgetSettled() {
    expected.subtract(settled)
    settled = []
    ownEnds = []
  }
}
