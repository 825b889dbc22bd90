internal import ByteText
internal import Control
internal import Grants

let listCommand = Command(
  name: "list", purpose: "List grants, newest first, ended ones included",
  options: [
    Option("state", value: "STATE,...", repeats: true, "only grants in these states"),
    Option("provenance", value: "CLASS,...", repeats: true, "only grants of these causes"),
    Option("kind", value: "KIND,...", repeats: true, "only grants of these kinds"),
    Option("subject", value: "GLOB", "only grants to these subjects"),
    Option("object", value: "GLOB", "only grants on these objects"),
    Option("agent", value: "GLOB", "only grants of these agents"),
    Option("incident", value: "ID", "only grants of this incident"),
    Option("since", value: "TIME", "only grants since a time, or as old as a span such as 30d"),
    Option("until", value: "TIME", "only grants until a time, or older than a span"),
    Option("standing", "what exists without an end, with its age and its last use"),
  ],
  run: { invocation throws(Failure) in
    let parameters = JSON.object([JSONMember("filter", try filter(invocation.arguments))])
    let client = try invocation.connect()
    let isStanding = invocation.arguments.has("standing")
    var printer = invocation.printer(isStanding ? standingLayout : grantLayout)
    try stream(client, "List", parameters, "grants", into: &printer)
    try printer.end()
    if printer.count == 0, invocation.format.isTable { invocation.streams.words("No grants.") }
  })

/// Prints the elements of each reply as they come.
func stream(
  _ client: ControlClient, _ method: String, _ parameters: JSON, _ member: String,
  into printer: inout RecordPrinter, flushing output: Output? = nil
) throws(Failure) {
  var printing: Failure?
  try asking { () throws(ControlClientError) in
    try client.replies(to: method, parameters) { reply throws(ControlClientError) in
      let elements = try reply.elements(of: member)
      do throws(Failure) {
        for element in elements { try printer.add(element) }
        try output?.flush()
        return true
      } catch {
        printing = error
        return false
      }
    }
  }
  if let printing { throw printing }
}

private func filter(_ arguments: Arguments) throws(Failure) -> JSON {
  var members: [JSONMember] = []
  func words(_ option: String, _ member: String, _ known: [String]) throws(Failure) {
    guard let words = arguments.list(option) else { return }
    guard !words.isEmpty else { throw Failure(.usage, "--\(option) is empty") }
    for word in words where !known.contains(word) { throw unknownWord(word, option, known) }
    members.append(JSONMember(member, .array(words.map { .string($0) })))
  }
  try words("state", "states", GrantState.allCases.map(\.rawValue))
  try words("provenance", "provenance", Provenance.allCases.map(\.rawValue))
  // A connector may have any name.
  let connectors = (arguments.list("kind") ?? []).filter { GrantKind(rawValue: $0) != nil }
  try words("kind", "kind", GrantKind.wellKnown.map(\.rawValue) + connectors)
  for name in ["subject", "object", "agent", "incident"] {
    if let member = arguments.member(name) { members.append(member) }
  }
  for name in ["since", "until"] {
    if let member = try arguments.moment(name) { members.append(member) }
  }
  if arguments.has("standing") { members.append(JSONMember("standing", .bool(true))) }
  return .object(members)
}
