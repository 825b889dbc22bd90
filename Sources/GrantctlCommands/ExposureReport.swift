internal import ByteText

/// Grants counted by day, cause, agent and kind, and for how long they stood open.
struct ExposureReport {
  /// What the grants of one row have in common.
  struct Key: Hashable {
    /// The day on which they were given, UTC: `2026-11-22`.
    var day: String
    var provenance: String
    /// Empty for none.
    var agent: String
    var kind: String
  }

  /// What became of the grants of one row. Spans are in seconds.
  struct Row {
    var grants: Int64 = 0
    /// Counts by what a grant is now: `active`, `approved`, or what ended it.
    var outcomes: [String: Int64] = [:]
    var exposure = 0.0
    var exposureMin = 0.0
    var exposureMax = 0.0
    var unapproved = 0.0

    static func + (left: Row, right: Row) -> Row {
      Row(
        grants: left.grants + right.grants,
        outcomes: left.outcomes.merging(right.outcomes, uniquingKeysWith: +),
        exposure: left.exposure + right.exposure,
        exposureMin: left.exposureMin + right.exposureMin,
        exposureMax: left.exposureMax + right.exposureMax,
        unapproved: left.unapproved + right.unapproved)
    }
  }

  static let outcomes = ["active", "approved", "expired", "revoked", "removed", "superseded"]

  private(set) var rows: [Key: Row] = [:]

  /// Counts a grant as `list` gives it.
  mutating func add(_ grant: JSON) {
    let provenance = plain(grant["provenance"])
    let key = Key(
      day: String(plain(grant["grantedAt"]).prefix(10)), provenance: provenance,
      agent: plain(grant["agent"]["name"]), kind: plain(grant["kind"]))
    let seconds = max(0, grant["activeSeconds"].double ?? 0)
    var row = Row()
    row.grants = 1
    row.outcomes = [Self.outcome(grant): 1]
    row.exposure = seconds
    row.exposureMin = grant["activeSecondsMin"].double ?? seconds
    row.exposureMax = grant["activeSecondsMax"].double ?? seconds
    if Self.wantsApproval.contains(provenance) { row.unapproved = Self.unapproved(grant, seconds) }
    rows[key] = rows[key, default: Row()] + row
  }

  var total: Row { rows.values.reduce(Row(), +) }

  /// Latest day first, within it what stood open unapproved for longest.
  var sorted: [(key: Key, row: Row)] {
    rows.sorted { left, right in
      if left.key.day != right.key.day { return left.key.day > right.key.day }
      if left.value.unapproved != right.value.unapproved {
        return left.value.unapproved > right.value.unapproved
      }
      return (left.key.provenance, left.key.agent, left.key.kind)
        < (right.key.provenance, right.key.agent, right.key.kind)
    }.map { ($0.key, $0.value) }
  }

  /// A row as JSON: spans in minutes, to a hundredth.
  static func json(_ key: Key, _ row: Row) -> JSON {
    .object(
      [
        JSONMember("day", .string(key.day)), JSONMember("provenance", .string(key.provenance)),
        JSONMember("agent", key.agent.isEmpty ? .null : .string(key.agent)),
        JSONMember("kind", .string(key.kind)), JSONMember("grants", .integer(row.grants)),
      ] + outcomes.map { JSONMember($0, .integer(row.outcomes[$0] ?? 0)) }
        + [
          JSONMember("exposureMinutes", minutes(row.exposure)),
          JSONMember("exposureMinutesMin", minutes(row.exposureMin)),
          JSONMember("exposureMinutesMax", minutes(row.exposureMax)),
          JSONMember("unapprovedMinutes", minutes(row.unapproved)),
        ])
  }

  private static func minutes(_ seconds: Double) -> JSON {
    .number((min(seconds, 1e12) / 0.6).rounded() / 100)
  }

  /// Causes whose grants somebody should have approved.
  private static let wantsApproval: Set<String> = [
    "agent-executed", "agent-advised", "human-via-agent",
  ]

  private static func outcome(_ grant: JSON) -> String {
    switch grant["state"].text {
    case "ended":
      let end = grant["endedBy"].text ?? ""
      return outcomes.contains(end) ? end : "removed"
    case "approved": return "approved"
    default: return "active"
    }
  }

  /// How much of its time the grant stood without an approval.
  private static func unapproved(_ grant: JSON, _ seconds: Double) -> Double {
    func time(_ value: JSON) -> Timestamp? { value.text.flatMap(Timestamp.init(rfc3339:)) }
    guard let given = time(grant["grantedAt"]), let from = time(grant["approval"]["time"]) else {
      return seconds
    }
    let before = min(seconds, max(0, (from - given).seconds))
    guard let until = time(grant["approval"]["until"]) else { return before }
    return before + max(0, seconds - max(before, (until - given).seconds))
  }
}
