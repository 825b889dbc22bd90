internal import ByteText
internal import Control

let showCommand = Command(
  name: "show", purpose: "Show grants with all their items and evidence", operands: "ID...",
  details: "With -o json: an object for one ID, an array for several.",
  run: { invocation throws(Failure) in
    try printEach(&invocation, "Show", "grants", grantLayout, printGrant)
  })

/// Asks for each id by itself, so that an unknown one keeps no other from being shown.
func printEach(
  _ invocation: inout Invocation, _ method: String, _ member: String, _ layout: Layout,
  _ details: (JSON, Invocation) throws(Failure) -> Void
) throws(Failure) {
  let client = try invocation.connect()
  var printer = invocation.printer(layout)
  let single = invocation.ids.count == 1 && invocation.format == .json
  var shown = 0
  for id in invocation.ids {
    let elements: [ArraySlice<UInt8>]
    do throws(ControlClientError) {
      elements = try client.reply(
        to: method, .object([JSONMember("ids", .array([.string(id)]))])
      ).elements(of: member)
    } catch {
      let failure = Failure(error)
      guard failure.status != .unreachable else { throw failure }
      invocation.complain(naming(id, failure, error))
      continue
    }
    for element in elements {
      if single {
        try invocation.output.write(element + [0x0a])
      } else if invocation.format.isTable {
        if shown > 0 { try invocation.output.line("") }
        shown += 1
        try details(try parsed(element), invocation)
      } else {
        try printer.add(element)
      }
    }
  }
  if !single, !invocation.format.isTable { try printer.end() }
}

/// The failure with the id in front, where its text does not name it already.
private func naming(_ id: String, _ failure: Failure, _ error: ControlClientError) -> Failure {
  if case .refused(.notFound) = error { return failure }
  return Failure(failure.status, "\(id): \(failure.message)")
}

private func printGrant(_ grant: JSON, _ invocation: Invocation) throws(Failure) {
  func row(_ name: String, _ text: String) throws(Failure) {
    if !text.isEmpty { try invocation.line("\(padded(name + ":", to: 12)) \(text)") }
  }
  try row("Grant", plain(grant["id"]))
  try row("Incident", plain(grant["incident"]))
  try row("Host", plain(grant["host"]))
  try row("Kind", plain(grant["kind"]))
  try row("Subject", plain(grant["subject"]))
  try row("Right", plain(grant["right"]))
  try row("Object", plain(grant["object"]))
  try row("Before", plain(grant["before"]))
  try row("After", plain(grant["after"]))
  try row("State", plain(grant["state"]) + (grant["standing"].bool == true ? ", standing" : ""))
  try row("Provenance", "\(plain(grant["provenance"])) (\(plain(grant["confidence"])))")
  let agent = grant["agent"]
  if !agent.isNull { try row("Agent", agentText(agent)) }
  try row("Chain", agent["delegation"].elements.map(linkText).joined(separator: " > "))
  try row("Hints at", plain(grant["hints"]))
  try row("Via", plain(grant["via"]))
  let actor = grant["actor"]
  let login = actor["loginUser"].text.map { " (login \($0))" } ?? ""
  let pid = actor["pid"].integer.map { ", pid \($0)" } ?? ""
  try row("Actor", plain(actor["user"]) + login + pid)
  try row("Command", plain(actor["command"]))
  try row("Advice", plain(grant["advice"]))
  try row("Intent", intentText(grant["intent"]))
  try row("Prompt", promptText(grant["prompt"]))
  let approval = grant["approval"]
  if !approval.isNull {
    try row(
      "Approved",
      "by \(plain(approval["by"])) until \(plain(approval["until"])): \(plain(approval["reason"]))")
  }
  try row("Granted", plain(grant["grantedAt"]))
  try row("Detected", plain(grant["detectedAt"]))
  try row("Expires", plain(grant["expiresAt"]))
  if !grant["endedAt"].isNull {
    try row("Ended", "\(plain(grant["endedAt"])), \(plain(grant["endedBy"]))")
  }
  try row("Active", activeText(grant))
  try row("Rule", plain(grant["rule"]))
  try row("Severity", plain(grant["severity"]))
  try row("Own end", plain(grant["nativeExpiry"]))
  if let uses = grant["used"]["count"].integer {
    try row(
      "Used",
      "\(uses) times, first \(plain(grant["used"]["first"])), last \(plain(grant["used"]["last"]))")
  }
  try row("Outcome", plain(grant["outcome"]))
  try row("Fails", plain(grant["revokeError"]))
  for residue in grant["residue"].elements { try row("Residue", plain(residue)) }
  for made in grant["madeMeanwhile"].elements { try row("Meanwhile", plain(made)) }
  for evidence in grant["evidence"].elements {
    try row(
      "Evidence",
      "\(plain(evidence["time"])) \(plain(evidence["source"])): \(plain(evidence["text"]))")
  }
  for item in grant["itemList"].elements {
    try row(
      "Item",
      "\(plain(item["object"])) \(plain(item["before"])) -> \(plain(item["after"])) "
        + plain(item["state"]))
  }
}

/// `subagent general-purpose (a223)`.
private func linkText(_ link: JSON) -> String {
  let id = link["id"].text.map { " (\(plain(.string($0))))" } ?? ""
  return "\(plain(link["role"])) \(plain(link["name"]))\(id)"
}

private func intentText(_ intent: JSON) -> String {
  let said = plain(intent["said"])
  return switch (intent["fit"].text, intent["source"].text) {
  case (nil, _): ""
  case ("wider", "approval"): "wider than approved; approved was: \(said)"
  case ("wider", _): "wider than the agent's hook told, which was: \(said)"
  case ("within", "approval"): "as approved: \(said)"
  case ("within", _): "as the agent's hook told: \(said)"
  default: "not told of by the agent's hooks; \(said)"
  }
}

private func promptText(_ prompt: JSON) -> String {
  guard let grade = prompt["grade"].text else { return "" }
  var text = grade
  if let mode = prompt["mode"].text { text += ", mode \(plain(.string(mode)))" }
  if let attended = prompt["attended"].bool { text += attended ? ", attended" : ", unattended" }
  if let think = prompt["thinkMilliseconds"].integer { text += ", \(think) ms after the question" }
  return text + ", told by \(plain(prompt["toldBy"])); evidence, no approval"
}

/// How long the access was there, with its bounds where nobody looked all the time.
private func activeText(_ grant: JSON) -> String {
  let text = spanText(grant["activeSeconds"].double ?? 0)
  guard let least = grant["activeSecondsMin"].double, let most = grant["activeSecondsMax"].double,
    most - least >= 1
  else { return text }
  return "\(text), at least \(spanText(least)), at most \(spanText(most))"
}

private func agentText(_ agent: JSON) -> String {
  let chain = agent["chain"].elements.map(plain).joined(separator: " > ")
  var text = plain(agent["name"])
  if agent["chain"].elements.count > 1 { text += " (\(chain))" }
  if let session = agent["session"].text { text += ", session \(session)" }
  if let model = agent["model"].text { text += ", model \(model)" }
  return text
}
