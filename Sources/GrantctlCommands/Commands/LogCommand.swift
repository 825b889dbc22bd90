internal import ByteText
internal import Control

let logCommand = Command(
  name: "log", purpose: "Show what happened, oldest first",
  options: [
    Option("follow", short: "f", "go on with what happens from now"),
    Option("since", value: "TIME", "only events since a time, or as old as a span such as 30d"),
    Option("grant", value: "ID", "only events of this grant"),
  ],
  details: "With -o json each event is a line of its own.",
  run: { invocation throws(Failure) in
    let arguments = invocation.arguments
    let follows = arguments.has("follow")
    var members = [JSONMember("follow", .bool(follows))]
    if let since = try arguments.moment("since") { members.append(since) }
    if let grant = arguments.member("grant") { members.append(grant) }
    let client = try invocation.connect()
    let format = invocation.format == .json ? Format.jsonl : invocation.format
    var printer = RecordPrinter(
      eventLayout, format, invocation.output, terminal: invocation.streams.width,
      immediate: follows)
    try stream(
      client, "Log", .object(members), "events", into: &printer,
      flushing: follows ? invocation.output : nil)
    try printer.end()
  })

private let eventColumns = [
  Column("TIME", "time", width: 24), Column("SEQ", "seq", width: 6),
  Column("TYPE", "type", width: 20), Column("GRANT", "grant", width: 8), Column("TEXT", "text"),
]

private let eventLayout = Layout(
  plural: "events", table: eventColumns, wide: eventColumns,
  csv: ["seq", "time", "type", "grant", "text"].map { Column($0, $0) })
