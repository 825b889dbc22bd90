import ByteText
import Scratch
import Testing

/// A row of the table: how a grant of one kind is played by a real tool, and what is to be seen of it.
///
/// A line is of shell: `$S` is the scratch folder, `$D` the watched folder, and psql(1) finds the
/// stage's server.
struct KindPlay: CustomTestStringConvertible, Sendable {
  var kind: String
  /// What the tree holds beside the stage's own before the first start.
  var prepare: @Sendable (Scratch) -> Void
  /// The line that the agent plays.
  var act: String
  var grant: Expected
  /// Who did it, beside what is true of each kind.
  var cause = Cause()
  /// Prints what the grant is about, as the kind's own reader has it.
  var look: String
  var before: String
  var given: String
  var lie: Lie
  var residue: Cell<Residue>
  var drift: Cell<Drift>
  /// The line that gives again what a crash is to find given; nil where the act does.
  var again: String?

  var testDescription: String { kind }
  var needsServer: Bool { kind.hasPrefix("connector:") }

  /// The grant as `show` has it; the subject's beginning is enough.
  struct Expected: Sendable {
    var subject: String
    var object: String
    var right: String
    var before: String?
    var after: String?
    var severity: String?
  }

  struct Cause: Sendable {
    var agent = "claude-code"
    /// Nil where the act is another program's than the one that the agent runs.
    var loginUID: Int64? = 4711
    /// Words of the evidence.
    var evidence = "claude("
  }

  /// What says that it is done when it is not.
  enum Lie: Sendable {
    /// System calls that do nothing.
    case calls([String])
    /// Programs that do nothing.
    case tools([String])
    /// A line that makes the mechanism give it again while it takes it, and the line that mends it.
    case mechanism(String, mended: String)
  }

  /// Who still uses what was taken back.
  struct Residue: Sendable {
    /// Played in place of the row's own act, where the account must be one of the test's alone.
    var act: String?
    var object: String
    /// The daemon has no root: these of the tree's /etc stand in the place of the host's.
    var onHost: [String] = []
    var hold: Hold
  }

  /// Starts to use it, and says how the lines of residue begin, and what is to be held meanwhile.
  typealias Hold = @Sendable (KindStage) throws -> (lines: [String], holders: [AnyObject])

  /// Somebody else's change between the grant and its end.
  struct Drift: Sendable {
    var line: String
    /// Prints what is to be kept.
    var look: String
    var kept: String
    var state = "ended"
    /// Words of the evidence that the drift leaves.
    var evidence = ""
    /// It gives something, which is a grant of its own.
    var isGrant = false
  }

  /// What a column of a row holds: a play, or why there is none.
  enum Cell<Play: Sendable>: Sendable {
    case live(Play)
    case none(String)
  }
}

/// A column of the table.
enum KindColumn: String, CaseIterable, Sendable {
  case seen, attributed, revoked, lookedAgain, residue, drift
  case beforeIntent, beforeEffect, beforeResult, beforeOutcome, afterOutcome

  /// The steps of a revocation at which the daemon dies, by what is durable then: nothing; the intent;
  /// the intent, and the access is gone; that it is gone; who still used it, too.
  static let crashes: [KindColumn] = [
    .beforeIntent, .beforeEffect, .beforeResult, .beforeOutcome, .afterOutcome,
  ]

  var heading: String {
    switch self {
    case .lookedAgain: "looked again"
    case .beforeIntent: "crash: before intent"
    case .beforeEffect: "before effect"
    case .beforeResult: "before result"
    case .beforeOutcome: "before outcome"
    case .afterOutcome: "after outcome"
    default: rawValue
    }
  }
}
