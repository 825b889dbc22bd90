internal import ByteText
internal import Control

let agentsCommand = Command(
  name: "agents", purpose: "List the agents that run and ran, latest first",
  run: { invocation throws(Failure) in
    let client = try invocation.connect()
    var printer = invocation.printer(agentLayout)
    try stream(client, "ListAgents", .object([]), "agents", into: &printer)
    try printer.end()
    if printer.count == 0, invocation.format.isTable { invocation.streams.words("No agents.") }
  })

let agentsCheckCommand = Command(
  name: "agents check", purpose: "Say which agent a process is, and by which rule",
  operands: "PID",
  details: """
    Tries every description of an agent on the process and its ancestors. The exit status is 0
    whether an agent is found or not.
    """,
  run: { invocation throws(Failure) in
    guard invocation.ids.count == 1, let text = invocation.ids.first,
      let pid = decimal(text.utf8), pid > 0
    else { throw Failure(.usage, "one PID expected") }
    let client = try invocation.connect()
    let reply = try asking { () throws(ControlClientError) in
      try client.reply(to: "CheckAgent", .object([JSONMember("pid", .integer(pid))]))
        .member("check")
    }
    switch invocation.format {
    case .json, .jsonl: try invocation.output.write(reply + [0x0a])
    case .csv:
      var printer = invocation.printer(
        Layout(plural: "matches", table: matchFields, wide: matchFields, csv: matchFields))
      for match in matches(of: try parsed(reply)) { try printer.add(match.encoded[...]) }
      try printer.end()
    case .table, .wide: try printCheck(try parsed(reply), invocation)
    }
  })

private let agentLayout = Layout(
  plural: "agents", table: agentColumns,
  wide: agentColumns + [
    Column("SESSION", "session"), Column("SOURCE", "modelSource"),
    Column("REVISION", "modelRevision"), Column("CONFIDENCE", "confidence"),
    Column("MARK", "mark"), Column("ENDED", "ended"), Column("CHAIN", "chain", flexible: true),
  ],
  csv: [
    "name", "vendor", "pid", "state", "user", "loginUser", "since", "ended", "session", "model",
    "modelSource", "modelRevision", "modelGuessed", "skipPermissions", "declared", "confidence",
    "mark", "command", "chain", "grants", "activeGrants",
  ].map { Column($0, $0) })

private let agentColumns = [
  Column("NAME", "name"), Column("PID", "pid"), Column("STATE", "state"), Column("USER", "user"),
  Column("LOGIN", "loginUser"), Column("SINCE", "since"),
  Column("MODEL", flexible: true) { record, _ in
    let name = plain(record["model"])
    return record["modelGuessed"].bool == true ? "\(name)?" : name
  },
  Column("DECLARED") { record, _ in record["declared"].bool == true ? "yes" : "no" },
  Column("ASKS") { record, _ in record["skipPermissions"].isNull ? "" : "nobody" },
  Column("GRANTS", "grants"), Column("ACTIVE", "activeGrants"),
]

private let matchFields = [
  Column("agent", "agent"), Column("file", "file"), Column("pid", "pid"),
  Column("process", "process"), Column("key", "key"), Column("pattern", "pattern"),
  Column("found", "found"), Column("confidence", "confidence"),
]

/// Every match with its rule's name and file.
private func matches(of check: JSON) -> [JSON] {
  check["rules"].elements.flatMap { rule in
    rule["matches"].elements.map { match in
      .object(
        [JSONMember("agent", rule["agent"]), JSONMember("file", rule["file"])]
          + ["pid", "process", "key", "pattern", "found", "confidence"].map {
            JSONMember($0, match[$0])
          })
    }
  }
}

private func printCheck(_ check: JSON, _ invocation: Invocation) throws(Failure) {
  let agent = check["agent"].isNull ? "no agent" : plain(check["agent"])
  try invocation.line(
    "\(plain(check["process"]))(\(plain(check["pid"]))): \(agent), \(plain(check["verdict"])),"
      + " \(plain(check["confidence"]))")
  try invocation.line("chain: \(plain(check["chain"]))")
  for reason in check["because"].elements { try invocation.line("because: \(plain(reason))") }
  for match in matches(of: check) {
    try invocation.line(
      "matches: \(plain(match["agent"])): \(plain(match["key"]))=\(plain(match["pattern"])) on"
        + " \(plain(match["process"]))(\(plain(match["pid"]))): \(plain(match["found"])),"
        + " \(plain(match["confidence"])) (\(plain(match["file"])))")
  }
  let others = check["rules"].elements.filter { $0["matches"].elements.isEmpty }
  if !others.isEmpty {
    try invocation.line("no match: \(others.map { plain($0["agent"]) }.joined(separator: " "))")
  }
}
