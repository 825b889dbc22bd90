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
  /// Who touched its files since the last look that succeeded began, in order.
  private var touched: [Attribution] = []
  /// Those of them who did so since the look under way began: it may have come too early for them.
  private var touchedMeanwhile: [Attribution] = []
  /// Since when nobody looked, for the next look.
  var gapSince: Timestamp?
  /// Looks in a row that found a gain before any event told of it.
  var putOff = 0
  /// Grants on entries in whose place something else stands for now.
  var stoodAside: Set<String> = []
  /// Entries that our own doing puts in place: they are no news.
  var expected: Set<AccessEntry.Key> = []
  /// Those of them whose revocation is over: the next look is the last for which they are no news.
  private var settled: Set<AccessEntry.Key> = []
  /// What was taken out since the last look that succeeded: where it stands again, it was given anew.
  private var takenOut: [AccessEntry.Key: EntryGain] = [:]

  /// Processes that are kept between two looks at the most: who touches a file a thousand times
  /// counts once.
  private static let mostTouched = 64

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
    if isLooking {
      Self.add(attribution, to: &touchedMeanwhile)
    } else {
      Self.add(attribution, to: &touched)
    }
  }

  private static func add(_ attribution: Attribution, to known: inout [Attribution]) {
    guard known.count < mostTouched,
      !known.contains(where: { $0.process == attribution.process })
    else { return }
    known.append(attribution)
  }

  /// A look brought nothing: whoever touched the files is still to be told.
  func lookFailed() {
    for attribution in touchedMeanwhile { Self.add(attribution, to: &touched) }
    touchedMeanwhile = []
  }

  /// Who touched the files up to the end of a look; who did so while it went on counts for the next
  /// one too.
  func takeTouched() -> [Attribution] {
    var all = touched
    for attribution in touchedMeanwhile
    where !all.contains(where: { $0.process == attribution.process }) {
      all.append(attribution)
    }
    touched = touchedMeanwhile
    touchedMeanwhile = []
    return all
  }

  /// The revocation that puts these entries in place is over. `isSeen` where the state is known that
  /// it led to.
  func settle(_ keys: some Sequence<AccessEntry.Key>, isSeen: Bool) {
    if isSeen { expected.subtract(keys) } else { settled.formUnion(keys) }
  }

  /// It is not there any more, whatever the last look says.
  func noteTakenOut(_ gain: EntryGain) { takenOut[gain.entry.key] = gain }

  var hasTakenOut: Bool { !takenOut.isEmpty }

  /// What was taken out and stands in `state` again.
  func takeGivenAgain(in state: EntryState) -> [EntryGain] {
    let again = takenOut.values.filter { state.contains($0.entry.key) }
    takenOut = [:]
    return again.sorted {
      ($0.entry.subject, $0.entry.object, $0.entry.value)
        < ($1.entry.subject, $1.entry.object, $1.entry.value)
    }
  }

  /// What a look that succeeded brought is judged.
  func forgetSettled() {
    expected.subtract(settled)
    settled = []
  }
}
