internal import ByteText
internal import Control
internal import LinuxKit

let connectorListCommand = Command(
  name: "connector list", purpose: "List the connectors and how they are",
  run: { invocation throws(Failure) in
    let client = try invocation.connect()
    let elements = try asking { () throws(ControlClientError) in
      try client.reply(to: "Connector.List").elements(of: "connectors")
    }
    var printer = invocation.printer(connectorLayout)
    for element in elements { try printer.add(element) }
    try printer.end()
    if elements.isEmpty, invocation.format.isTable { invocation.streams.words("No connector.") }
  })

let connectorCheckCommand = Command(
  name: "connector check", purpose: "Test whether a connector does what it must",
  operands: "NAME",
  options: [
    Option("within", value: "SPAN", "how long to wait for each answer [30s]"),
    Option("revoke", value: "GRANT", "have this grant of the connector taken back, as a test"),
  ],
  details: """
    Asks the connector for reports and looks at what comes. Nothing is changed, unless --revoke
    names a grant to take back. The exit status is 1 when something is not as it must be.
    """,
  run: { invocation throws(Failure) in
    guard invocation.ids.count == 1, let name = invocation.ids.first else {
      throw Failure(.usage, "one NAME expected")
    }
    let text = invocation.arguments.value("within") ?? "30s"
    guard let span = TimeSpan(text), span > .zero else {
      throw Failure(.usage, "bad time span '\(printable(text))'")
    }
    var check = ConnectorCheck(name: name, client: try invocation.connect(), patience: span)
    try check.run(revoking: invocation.arguments.value("revoke"))
    var printer = invocation.printer(
      Layout(plural: "checks", table: findingColumns, wide: findingColumns, csv: findingColumns))
    for finding in check.findings { try printer.add(finding.encoded[...]) }
    try printer.end()
    for finding in check.findings where finding["ok"].bool == false {
      invocation.complain(Failure(.failed, "\(name): \(plain(finding["check"]))"))
    }
  })

private let findingColumns = [
  Column("RESULT") { record, _ in record["ok"].bool == true ? "ok" : "FAILED" },
  Column("CHECK", "check"), Column("FOUND", "found", flexible: true),
]

private let connectorLayout = Layout(
  plural: "connectors", table: connectorColumns,
  wide: connectorColumns + [
    Column("USER", "user"), Column("PENDING", "pending"), Column("REFUSED", "refused"),
    Column("LAST REFUSAL", "lastRefusal", flexible: true),
  ],
  csv: [
    "name", "kind", "user", "state", "entries", "maxEntries", "lastReport", "lagMilliseconds",
    "reports", "refused", "lastRefusal", "takesRevocations", "pending", "staleSeconds", "problem",
  ].map { Column($0, $0) })

private let connectorColumns = [
  Column("NAME", "name"), Column("STATE", "state"), Column("ENTRIES", "entries"),
  Column("LAST REPORT", "lastReport"),
  Column("LAG") { record, _ in
    record["lagMilliseconds"].integer.map { "\($0) ms" } ?? ""
  },
  Column("REVOKES") { record, _ in record["takesRevocations"].bool == true ? "yes" : "no" },
  Column("PROBLEM", "problem", flexible: true),
]

/// The conformance test: drives a connector through the daemon, and keeps what it found.
private struct ConnectorCheck {
  let name: String
  let client: ControlClient
  let patience: TimeSpan
  private(set) var findings: [JSON] = []

  init(name: String, client: ControlClient, patience: TimeSpan) {
    self.name = name
    self.client = client
    self.patience = patience
  }

  private mutating func note(_ check: String, _ ok: Bool, _ found: String) {
    findings.append(
      .object([
        JSONMember("check", .string(check)), JSONMember("ok", .bool(ok)),
        JSONMember("found", .string(found)),
      ]))
  }

  private func look() throws(Failure) -> JSON {
    let list = try asking { () throws(ControlClientError) in try client.call("Connector.List") }
    guard let found = list["connectors"].elements.first(where: { $0["name"].text == name }) else {
      throw Failure(.notFound, "\(name): no such connector; describe it in connectors.d")
    }
    return found
  }

  mutating func run(revoking grant: String?) throws(Failure) {
    let before = try look()
    note(
      "takes revocations", before["takesRevocations"].bool == true,
      before["takesRevocations"].bool == true
        ? "a TakeRevocations is open" : "no TakeRevocations is open")
    let first = try report("reports when it is asked")
    if first != nil { _ = try report("reports again") }
    let after = try look()
    let entries = after["entries"].integer ?? 0
    let most = after["maxEntries"].integer ?? 0
    note(
      "reports no more than half of MaxEntries=", entries * 2 <= most, "\(entries) of \(most)")
    let refused = after["refused"].integer ?? 0
    note(
      "calls as it must", refused == 0,
      refused == 0
        ? "no call was refused"
        : "\(refused) calls were refused since the daemon's start, the last: "
          + plain(after["lastRefusal"]))
    note(
      "has no problem", after["problem"].isNull,
      after["problem"].isNull ? "none" : plain(after["problem"]))
    if let grant { try revoke(grant, kind: plain(after["kind"])) }
  }

  /// Asks for a report and waits for it; nil when none came.
  private mutating func report(_ check: String) throws(Failure) -> JSON? {
    let count = try look()["reports"].integer ?? 0
    let asked = try asking { () throws(ControlClientError) in
      try client.call(
        "Connector.AskForReport", .object([JSONMember("connector", .string(name))]))
    }
    let start = SystemClock.up()
    while SystemClock.up() - start < patience.microseconds {
      let now = try look()
      if now["reports"].integer ?? 0 > count {
        let took = (SystemClock.up() - start) / 1000
        note(check, true, "\(plain(now["entries"])) entries after \(took) ms")
        return now
      }
      SystemClock.pause(milliseconds: 50)
    }
    note(
      check, false,
      asked["asked"].bool == true
        ? "no whole report within \(patience.text)" : "nobody is there to be asked")
    return nil
  }

  private mutating func revoke(_ grant: String, kind: String) throws(Failure) {
    let ids = JSONMember("ids", .array([.string(grant)]))
    let shown = try asking { () throws(ControlClientError) in
      try client.call("Show", .object([ids]))["grants"].elements.first ?? .null
    }
    guard shown["kind"].text == kind else {
      throw Failure(.failed, "\(grant): it is of kind \(plain(shown["kind"])), not \(kind)")
    }
    let result = try asking { () throws(ControlClientError) in
      try client.call("Revoke", .object([ids]))["results"].elements.first ?? .null
    }
    note("takes back what it is asked to", result["done"].bool == true, plain(result["result"]))
  }
}
