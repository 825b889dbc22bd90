import ByteText
import Control
import Grants
import Kinds

/// A connector that the configuration names, and what is known of it. Confined to the engine's
/// queue.
final class Connector {
  var configuration: ConnectorConfiguration
  let kind: GrantKind
  /// Its state, in the shape of a kind that is read whole.
  let watch: EntryWatch
  /// Who gave what the last report has, where it says so.
  var actors: [AccessEntry.Key: ConnectorActor] = [:]

  /// When its silence began to count: the daemon's start, or when it was configured.
  let since: Moment
  /// The last whole report of this run.
  var lastReport: Moment?
  /// The same of an earlier run.
  var lastKnown: Timestamp?
  /// The connection of the last whole report.
  var reportedOn: ObjectIdentifier?
  var pages: ConnectorPages?
  var stream: ControlCall?
  /// When what had failed was last tried anew because a taker came, CLOCK_BOOTTIME.
  var resumed: Int64?
  /// What it is to take back, by id.
  var revocations: [String: ConnectorRevocation] = [:]
  /// What it said outlives the revocation of a grant that is not told yet.
  var residue: [String: [String]] = [:]
  /// Grants whose revocation is under way here.
  var tasks: [String: ConnectorTask] = [:]

  var reports = ConnectorRate(perMinute: 120)
  var calls = ConnectorRate(perMinute: 3000)
  /// Whole reports that were taken, and calls that were not, since the start.
  var reportCount = 0
  var refusedCount = 0
  var lastRefusal: String?

  var isStale = false
  /// It said that it cannot tell the state, and has reported none since.
  var isBlind = false
  /// What it says is wrong.
  var reported: String?
  /// What it did that it must not, such as to flood or to say what is not so, and when
  /// (CLOCK_BOOTTIME): shown for a minute at least.
  var misconduct: (text: String, up: Int64)?

  init(_ configuration: ConnectorConfiguration, _ kind: GrantKind, since: Moment) {
    self.configuration = configuration
    self.kind = kind
    self.since = since
    watch = EntryWatch(ReportedKind(kind, name: configuration.name))
  }

  var name: String { configuration.name }

  /// True while somebody takes its revocations.
  var isTaken: Bool { stream.map { !$0.isClosed } ?? false }

  /// How it is, in a word.
  var condition: String {
    if lastReport == nil, !isStale { return "waiting" }
    if isStale { return "stale" }
    return reported == nil && misconduct == nil ? "ok" : "limited"
  }
}

/// Pages of a report that is not whole yet.
struct ConnectorPages {
  var connection: ObjectIdentifier
  /// When the first page came, CLOCK_BOOTTIME in microseconds.
  var began: Int64
  var state = EntryState()
  var actors: [AccessEntry.Key: ConnectorActor] = [:]
  var bytes = 0
}

/// What one connector is to take back in one go, and how far that is.
struct ConnectorRevocation {
  var id: String
  var grant: String
  var gains: [(index: Int, gain: EntryGain)]
  /// When somebody must have answered, or reported, CLOCK_BOOTTIME in microseconds.
  var until: Int64
  var isSent = false
  /// `done` or `gone`, and when that was said: the next report shows whether it is so.
  var answer: (outcome: EntryOutcome, up: Int64)?
}

/// The revocation of one grant, in as many parts as its size asks for.
struct ConnectorTask {
  var parts: Int
  var known: [Int: ItemState]
  var outcomes: [(index: Int, outcome: EntryOutcome)] = []
}

/// How often something may happen in a minute.
struct ConnectorRate {
  let perMinute: Int
  private var began: Int64 = 0
  private var count = 0

  init(perMinute: Int) { self.perMinute = perMinute }

  /// Counts one at `up`, CLOCK_BOOTTIME in microseconds; false when it is one too many.
  mutating func admits(at up: Int64) -> Bool {
    if up - began >= 60_000_000 || count == 0 { (began, count) = (up, 0) }
    count += 1
    return count <= perMinute
  }
}

/// How much is taken from a connector.
enum ConnectorLimits {
  /// Bytes of a subject, an object, a right and a value, each.
  static let text = 1024
  static let detail = 16 << 10
  /// Bytes of all entries of a state.
  static let state = 8 << 20
  static let entriesOfReport = 2000
  /// Of what is told beside the entries.
  static let problems = 16
  static let words = 512
  /// Seconds for an answer, and for the report after it.
  static let answer: Int64 = 60
  /// Entries and bytes of one revocation.
  static let revokedEntries = 200
  static let revokedBytes = 512 << 10
}
