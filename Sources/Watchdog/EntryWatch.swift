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
  var touched: [Attribution] = []
  /// Since when nobody looked, for the next look.
  var gapSince: Timestamp?
  /// Looks in a row that found a gain before any event told of it.
  var putOff = 0
  /// Entries that our own doing puts in place: they are no news.
  var expected: Set<AccessEntry.Key> = []

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
    guard touched.count < Self.mostTouched,
      !touched.contains(where: { $0.process == attribution.process })
    else { return }
    touched.append(attribution)
  }
}
