internal import ByteText
internal import Control

let reportCommand = Command(
  name: "report", purpose: "Sum up grants and exposure by day, cause, agent and kind",
  options: [
    Option("since", value: "TIME", "only grants since a time, or as old as a span such as 30d"),
    Option("until", value: "TIME", "only grants until a time, or older than a span"),
  ],
  details: """
    MINUTES is how long the access stood open, all grants of the row added up; UNAPPROVED the part
    of it that was an agent's and that nobody had approved. A day is one of UTC.
    """,
  run: { invocation throws(Failure) in
    var filter: [JSONMember] = []
    for name in ["since", "until"] {
      if let member = try invocation.arguments.moment(name) { filter.append(member) }
    }
    let client = try invocation.connect()
    let report = try gather(client, .object([JSONMember("filter", .object(filter))]))
    var printer = invocation.printer(reportLayout)
    for (key, row) in report.sorted {
      try printer.add(ExposureReport.json(key, row).encoded[...])
    }
    if invocation.format.isTable, report.rows.count > 1 {
      let total = ExposureReport.Key(day: "total", provenance: "", agent: "", kind: "")
      try printer.add(ExposureReport.json(total, report.total).encoded[...])
    }
    try printer.end()
    if printer.count == 0, invocation.format.isTable { invocation.streams.words("No grants.") }
  })

private func gather(
  _ client: ControlClient, _ parameters: JSON
) throws(Failure) -> ExposureReport {
  var report = ExposureReport()
  var problem: Failure?
  try asking { () throws(ControlClientError) in
    try client.replies(to: "List", parameters) { reply throws(ControlClientError) in
      let elements = try reply.elements(of: "grants")
      do throws(Failure) {
        for element in elements { report.add(try parsed(element)) }
        return true
      } catch {
        problem = error
        return false
      }
    }
  }
  if let problem { throw problem }
  return report
}

private let reportLayout = Layout(
  plural: "rows", table: reportColumns,
  wide: reportColumns + [
    Column("AT LEAST") { row, _ in minutesText(row["exposureMinutesMin"]) },
    Column("AT MOST") { row, _ in minutesText(row["exposureMinutesMax"]) },
  ],
  csv: ["day", "provenance", "agent", "kind", "grants"].map { Column($0, $0) }
    + ExposureReport.outcomes.map { Column($0, $0) }
    + [
      "exposureMinutes", "exposureMinutesMin", "exposureMinutesMax", "unapprovedMinutes",
    ].map { Column($0, $0) })

private let reportColumns =
  [
    Column("DAY", "day"), Column("PROVENANCE", "provenance"),
    Column("AGENT", "agent", flexible: true), Column("KIND", "kind"), Column("GRANTS", "grants"),
  ]
  + ExposureReport.outcomes.map { Column($0.uppercased(), $0) }
  + [
    Column("MINUTES") { row, _ in minutesText(row["exposureMinutes"]) },
    Column("UNAPPROVED") { row, _ in minutesText(row["unapprovedMinutes"]) },
  ]

/// To a tenth.
private func minutesText(_ minutes: JSON) -> String {
  plain(.number(((minutes.double ?? 0) * 10).rounded() / 10))
}
