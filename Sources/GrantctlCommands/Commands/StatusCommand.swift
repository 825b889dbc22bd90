internal import ByteText
internal import Control

let statusCommand = Command(
  name: "status", purpose: "Show how the daemon, its sources and its ledger are",
  run: { invocation throws(Failure) in
    let client = try invocation.connect()
    let text = try asking { () throws(ControlClientError) in
      try client.reply(to: "GetStatus").member("status")
    }
    switch invocation.format {
    case .json, .jsonl: try invocation.output.write(text + [0x0a])
    case .csv: try printFlat(try parsed(text), invocation)
    case .table, .wide: try printStatus(try parsed(text), invocation)
    }
  })

private func printStatus(_ status: JSON, _ invocation: Invocation) throws(Failure) {
  try invocation.line(
    "Grantwatch \(plain(status["version"])) on \(plain(status["host"])): \(plain(status["state"])), "
      + "mode \(plain(status["mode"])), since \(plain(status["since"]))")
  let counts = status["grants"].members.map { "\(plain($0.value)) \($0.name)" }
  try invocation.line(
    "Grants:  \(counts.joined(separator: ", ")); \(plain(status["overdue"])) overdue")
  if !status["next"].isNull {
    try invocation.line(
      "Next:    \(plain(status["next"]["id"])) at \(plain(status["next"]["expiresAt"]))")
  }
  for source in status["sources"].elements {
    var text = "Source:  \(plain(source["name"])) \(plain(source["state"]))"
    if let lost = source["lost"].integer, lost > 0 { text += ", \(lost) lost" }
    if let late = source["lagMilliseconds"].integer { text += ", \(late) ms late" }
    try invocation.line(text)
  }
  let ledger = status["ledger"]
  try invocation.line("Ledger:  \(plain(ledger["records"])) records, head \(plain(ledger["head"]))")
  for problem in status["problems"].elements { try invocation.line("Problem: \(plain(problem))") }
}

/// An object as CSV: a line for each value, named by its path.
func printFlat(_ object: JSON, _ invocation: Invocation) throws(Failure) {
  var printer = invocation.printer(
    Layout(
      plural: "values", table: [], wide: [],
      csv: [Column("name", "name"), Column("value", "value")]))
  for (name, value) in flat(object, "") {
    try printer.add(
      JSON.object([JSONMember("name", .string(name)), JSONMember("value", value)]).encoded[...])
  }
  try printer.end()
}

private func flat(_ value: JSON, _ path: String) -> [(String, JSON)] {
  func join(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
  switch value {
  case .object(let members): return members.flatMap { flat($0.value, join($0.name)) }
  case .array(let elements):
    return elements.enumerated().flatMap { flat($0.element, join(String($0.offset))) }
  default: return [(path, value)]
  }
}
