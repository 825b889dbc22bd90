internal import ByteText
internal import Control
internal import LinuxKit

/// The longest text of an advice: 256 KiB.
private let longestAdvice = 256 * 1024

let adviceAddCommand = Command(
  name: "advice add", purpose: "Record what an agent said or proposed, from stdin",
  options: [
    Option("agent", value: "NAME", "who said it; must be given"),
    Option("audience", value: "USER", "for whom it was meant"),
    Option("url", value: "URL", "where it was said"),
    Option("session", value: "ID", "the agent's session"),
    Option("model", value: "NAME", "the agent's model"),
    Option("parent", value: "ID", "the advice that it quotes"),
  ],
  details: "The text is UTF-8 and has at most 256 KiB.",
  run: { invocation throws(Failure) in
    let arguments = invocation.arguments
    guard let agent = arguments.value("agent"), !agent.utf8.allSatisfy(isBlank) else {
      throw Failure(.usage, "--agent is missing")
    }
    var members = [
      JSONMember("agent", .string(agent)),
      JSONMember("text", .string(try readAdvice(invocation.streams))),
    ]
    for name in ["audience", "url", "session", "model", "parent"] {
      if let member = arguments.member(name) { members.append(member) }
    }
    let client = try invocation.connect()
    let text = try asking { () throws(ControlClientError) in
      try client.reply(to: "AddAdvice", .object(members)).member("advice")
    }
    switch invocation.format {
    case .json, .jsonl: try invocation.output.write(text + [0x0a])
    case .csv:
      var printer = invocation.printer(adviceLayout)
      try printer.add(text)
      try printer.end()
    case .table, .wide: try printChanges(try parsed(text), invocation)
    }
  })

let adviceListCommand = Command(
  name: "advice list", purpose: "List the advice on record",
  run: { invocation throws(Failure) in
    let client = try invocation.connect()
    var printer = invocation.printer(adviceLayout)
    try stream(client, "ListAdvice", .object([]), "advices", into: &printer)
    try printer.end()
    if printer.count == 0, invocation.format.isTable { invocation.streams.words("No advice.") }
  })

let adviceShowCommand = Command(
  name: "advice show", purpose: "Show advice with its changes and its text", operands: "ID...",
  details: "With -o json: an object for one ID, an array for several.",
  run: { invocation throws(Failure) in
    try printEach(&invocation, "ShowAdvice", "advices", adviceLayout, printAdvice)
  })

private let adviceLayout = Layout(
  plural: "advice", table: adviceColumns,
  wide: adviceColumns + [
    Column("MODEL", "model"), Column("SESSION", "session"), Column("UNTIL", "until"),
    Column("SUBMITTED BY", "submittedBy"), Column("URL", "url", flexible: true),
  ],
  csv: [
    "id", "agent", "model", "session", "audience", "url", "time", "until", "submittedBy", "parent",
    "matched",
  ].map { Column($0, $0) } + [
    Column("commands") { record, _ in
      record["changes"].elements.map { plain($0["command"]) }.joined(separator: "\n")
    },
    Column("text", "text"),
  ])

private let adviceColumns = [
  Column("ID", "id"), Column("TIME", "time"), Column("AGENT", "agent"),
  Column("AUDIENCE", "audience"),
  Column("CHANGES", flexible: true) { record, _ in
    record["changes"].elements.map { plain($0["command"]) }.joined(separator: "; ")
  },
  Column("MATCHED", "matched"),
]

private func readAdvice(_ streams: Streams) throws(Failure) -> String {
  let bytes: [UInt8]
  do throws(SystemError) {
    bytes = try streams.input(longestAdvice).get()
  } catch {
    throw Failure(.failed, "\(error)")
  }
  guard bytes.count <= longestAdvice else {
    throw Failure(.failed, "the text is longer than \(longestAdvice) bytes")
  }
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw Failure(.failed, "the text is not UTF-8")
  }
  guard !bytes.allSatisfy(isBlank) else { throw Failure(.failed, "no text on standard input") }
  return text
}

private func printChanges(_ advice: JSON, _ invocation: Invocation) throws(Failure) {
  try invocation.line("\(plain(advice["id"])): advice of \(plain(advice["agent"]))")
  for change in advice["changes"].elements {
    let below = change["recursive"].bool == true ? " and below" : ""
    try invocation.line(
      "  \(plain(change["subject"])) \(plain(change["right"])) \(plain(change["object"]))\(below): "
        + plain(change["command"]))
  }
  if advice["changes"].elements.isEmpty { try invocation.line("  no change recognised") }
  for unclear in advice["unclear"].elements {
    try invocation.line("  not understood: \(plain(unclear))")
  }
}

private func printAdvice(_ advice: JSON, _ invocation: Invocation) throws(Failure) {
  try printChanges(advice, invocation)
  for (title, name) in [
    ("Time", "time"), ("Until", "until"), ("Audience", "audience"), ("URL", "url"),
    ("Model", "model"), ("Session", "session"), ("Parent", "parent"), ("Matched", "matched"),
  ] {
    let text = plain(advice[name])
    if !text.isEmpty { try invocation.line("\(padded(title + ":", to: 10)) \(text)") }
  }
  for line in (advice["text"].text ?? "").split(
    separator: "\n", omittingEmptySubsequences: false)
  {
    try invocation.line("  | \(line)")
  }
}
