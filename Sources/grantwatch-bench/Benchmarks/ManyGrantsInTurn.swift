import ByteText
import Control
import Grants
import Ledger
import LinuxKit

/// Many more grants that fall due in the same moment than a minute allows to take back.
enum ManyGrantsInTurn: Benchmark {
  static let name = "due-limited"
  static let meaning = """
    As `due`, with the shipped limit of 600 revocations a minute, and grants of every severity, mixed:
    of a hundred files one becomes setuid root, two writable by everyone, four readable by everyone,
    and the rest executable by their group. From the daemon's start until 600 have their mode of
    before; how often a less severe one was taken back before a more severe one; how often a human
    was called; how long GetStatus takes meanwhile. With --quick 1,000.
    """

  private static let limit = 600

  private static func mode(_ index: Int) -> String {
    switch index % 100 {
    case 50: "4755"
    case 20, 70: "0666"
    case 10, 40, 60, 90: "0644"
    default: "0650"
    }
  }

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let grants = quick ? 1_000 : 10_000
    let folder = try stage.makeOverdue(grants) { mode($0) }
    try stage.configure(timeToLive: "5s", mode: "enforce", revokesPerMinute: limit)
    let start = SystemClock.up()
    let since = Timestamp(microseconds: SystemClock.wall())
    let daemon = try stage.start()
    let seconds: Double
    let status: [Double]
    do {
      defer { stage.stop(daemon) }
      let caller = StatusCaller(try ControlClient(path: stage.socket))
      var restored = 0
      try waitUntil("\(limit) files restored", every: 20_000) {
        restored = (0..<grants).count { stage.mode(folder + "/f\($0)") == 0o640 }
        return restored >= limit
      }
      seconds = Double(SystemClock.up() - start) / 1_000_000
      status = caller.end()
    }
    let story = try Story(on: stage, since: since)
    return [
      Figure(
        name: "\(grants) grants due at once, \(limit) a minute: \(limit) restored", value: seconds,
        unit: "s", limit: 20),
      Figure(
        name: "the same: less severe before more severe", value: Double(story.outOfOrder), unit: "",
        limit: 0, samples: story.severities.count),
      Figure(
        name: "the same: more than the minute allows",
        value: Double(max(0, story.severities.count - limit)), unit: "", limit: 0),
      Figure(
        name: "the same: a human was not called", value: story.warnings == 1 ? 0 : 1, unit: "",
        limit: 0),
      Figure(
        name: "the same: status meanwhile, p99", value: status.quantile(0.99), unit: "ms",
        limit: 50, samples: status.count),
    ]
  }

  /// What the ledger says of it; the first daemon's word that the time is over is no revocation.
  private struct Story {
    /// Of the grants in the order in which they were taken back.
    var severities: [Severity] = []
    /// How often a human was told that revocations are held back.
    var warnings = 0

    var outOfOrder: Int { zip(severities, severities.dropFirst()).count { $0 < $1 } }

    init(on stage: Stage, since: Timestamp) throws {
      let now = Moment(
        wall: Timestamp(microseconds: SystemClock.wall()), up: SystemClock.up(),
        boot: SystemClock.bootID())
      let (ledger, _) = try Ledger.open(directory: stage.state + "/ledger", now: { now })
      var severityOf: [String: Severity] = [:]
      var severities: [Severity] = []
      var warnings = 0
      try ledger.log { record in
        let grant = record.data["data"]["grant"]
        if let id = grant["id"].text, let severity = grant["severity"].text.flatMap(Severity.init) {
          severityOf[id] = severity
        }
        guard record.time >= since else { return true }
        switch record.type {
        case "grant.expired":
          if let severity = record.grant.flatMap({ severityOf[$0] }) { severities.append(severity) }
        case "grant.warning":
          if record.text.contains("revocations are held back") { warnings += 1 }
        default: break
        }
        return true
      }
      self.severities = severities
      self.warnings = warnings
    }
  }
}
