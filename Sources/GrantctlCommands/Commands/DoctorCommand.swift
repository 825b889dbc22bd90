internal import ByteText
internal import Control

let doctorCommand = Command(
  name: "doctor", purpose: "Show what each source sees, what it lacks, what mends it",
  details: "The exit status is 1 when a source has failed.",
  run: { invocation throws(Failure) in
    let client = try invocation.connect()
    let text = try asking { () throws(ControlClientError) in
      try client.reply(to: "Diagnose").member("sources")
    }
    let sources = try parsed(text)
    switch invocation.format {
    case .json: try invocation.output.write(text + [0x0a])
    case .jsonl:
      for source in sources.elements { try invocation.output.write(source.encoded + [0x0a]) }
    case .csv:
      var printer = invocation.printer(
        Layout(
          plural: "sources", table: [], wide: [],
          csv: ["name", "state", "sees", "lacks", "mend", "lost", "lagMilliseconds"].map {
            Column($0, $0)
          }))
      for source in sources.elements { try printer.add(source.encoded[...]) }
      try printer.end()
    case .table, .wide:
      for source in sources.elements { try print(source, invocation) }
    }
    for source in sources.elements where source["state"].text == "failed" {
      invocation.complain(
        Failure(.failed, "\(plain(source["name"])): \(plain(source["lacks"]))"))
    }
  })

private func print(_ source: JSON, _ invocation: Invocation) throws(Failure) {
  var head = "\(plain(source["name"])): \(plain(source["state"])): sees \(plain(source["sees"]))"
  if let late = source["lagMilliseconds"].integer { head += ", \(late) ms late" }
  if let lost = source["lost"].integer, lost > 0 { head += ", \(lost) lost" }
  try invocation.output.line(printable(head))
  if !source["lacks"].isNull { try invocation.output.line("  lacks  \(plain(source["lacks"]))") }
  if !source["mend"].isNull { try invocation.output.line("  do     \(plain(source["mend"]))") }
}
