internal import ByteText

/// How grants look as tables and CSV.
let grantLayout = Layout(
  plural: "grants", table: shortGrantColumns, wide: shortGrantColumns + moreGrantColumns,
  csv: grantFields)

/// What exists without an end: how old it is at least, and whether anybody uses it.
let standingLayout = Layout(
  plural: "grants", table: standingColumns, wide: standingColumns + moreGrantColumns,
  csv: grantFields)

private let standingColumns = [
  Column("ID", "id"), Column("KIND", "kind"), Column("SUBJECT", "subject"),
  Column("RIGHT", "right"), Column("OBJECT", flexible: true, objectText),
  Column("AGE", ageText), Column("USED", "used.count"), Column("LAST USE", "used.last"),
]

private let shortGrantColumns = [
  Column("ID", "id"), Column("STATE", "state"), Column("PROVENANCE", "provenance"),
  Column("SUBJECT", "subject"), Column("RIGHT", "right"),
  Column("OBJECT", flexible: true, objectText),
  Column("ACTIVE", activeText), Column("LEFT", leftText),
]

private let moreGrantColumns = [
  Column("KIND", "kind"), Column("ITEMS", "items"), Column("SEVERITY", "severity"),
  Column("CONFIDENCE", "confidence"), Column("AGENT", "agent.name"), Column("USER", "actor.user"),
  Column("LOGIN", "actor.loginUser"), Column("RULE", "rule"), Column("GRANTED", "grantedAt"),
  Column("INCIDENT", "incident"), Column("HOST", "host"),
  Column("COMMAND", "actor.command", flexible: true),
]

private let grantFields: [Column] =
  [
    "id", "incident", "host", "standing", "kind", "subject", "object", "items", "right", "before",
    "after", "state", "provenance", "confidence",
  ].map { Column($0, $0) } + [
    Column("agent", "agent.name"), Column("agentSession", "agent.session"),
    Column("agentModel", "agent.model"), Column("agentChain", "agent.chain"),
    Column("via", "via"), Column("user", "actor.user"), Column("loginUser", "actor.loginUser"),
    Column("pid", "actor.pid"), Column("command", "actor.command"), Column("advice", "advice"),
    Column("approvedBy", "approval.by"), Column("approvedUntil", "approval.until"),
    Column("approvalReason", "approval.reason"),
  ]
  + [
    "grantedAt", "detectedAt", "expiresAt", "endedAt", "endedBy", "activeSeconds",
    "activeSecondsMin", "activeSecondsMax", "residue", "rule", "severity", "outcome",
    "nativeExpiry", "madeMeanwhile", "revokeError", "hints",
  ].map { Column($0, $0) }
  + [
    Column("usedCount", "used.count"), Column("usedFirst", "used.first"),
    Column("usedLast", "used.last"),
  ]

private func objectText(_ grant: JSON, _ now: Timestamp) -> String {
  let items = grant["items"].integer ?? 1
  return plain(grant["object"]) + (items > 1 ? " (\(items) items)" : "")
}

/// How long the access was there, rounded as spans are.
private func activeText(_ grant: JSON, _ now: Timestamp) -> String {
  guard let seconds = grant["activeSeconds"].double else { return "" }
  return spanText(seconds)
}

/// What was there at the first start may be older by any time.
private func ageText(_ grant: JSON, _ now: Timestamp) -> String {
  let text = activeText(grant, now)
  return grant["standing"].bool == true ? "> \(text)" : text
}

/// The countdown: time left until the grant falls due or its approval ends.
func leftText(_ grant: JSON, _ now: Timestamp) -> String {
  let state = grant["state"].text
  if state == "ended" { return plain(grant["endedBy"]) }
  if state == "drifted" || grant["standing"].bool == true { return "-" }
  let end = state == "approved" ? grant["approval"]["until"] : grant["expiresAt"]
  guard let time = end.text.flatMap(Timestamp.init(rfc3339:)) else { return "-" }
  return time > now ? (time - now).text : "overdue"
}

/// Seconds for people.
func spanText(_ seconds: Double) -> String {
  let bounded = min(max(seconds, 0), 1e12)
  return TimeSpan(microseconds: Int64(bounded * 1_000_000)).text
}
