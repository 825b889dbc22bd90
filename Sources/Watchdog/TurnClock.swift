import LinuxKit

/// Bounds the work of one turn, so that the daemon goes on answering while there is much to do.
/// What is left waits for the next turn, with one more sync of the ledger as its price.
struct TurnClock {
  private static let longest: Int64 = 8_000

  private let end = SystemClock.up() + longest

  /// Eight milliseconds have passed.
  var isOver: Bool { SystemClock.up() >= end }
}
