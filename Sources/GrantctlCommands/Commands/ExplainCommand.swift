internal import ByteText

let explainCommand = Command(
  name: "explain", purpose: "Say why a grant got its verdict and what its rule will do",
  operands: "ID...", details: "With -o json: an object for one ID, an array for several.",
  run: { invocation throws(Failure) in
    try printEach(&invocation, "Explain", "explanations", explanationLayout, printExplanation)
  })

private let explanationFields = [
  Column("id", "id"), Column("verdict", "verdict"), Column("confidence", "confidence"),
  Column("rule", "rule"), Column("deadline", "deadline"), Column("will", "will"),
  Column("because") { record, _ in
    record["because"].elements.map(plain).joined(separator: "\n")
  },
]

private let explanationLayout = Layout(
  plural: "explanations", table: [], wide: [], csv: explanationFields)

private func printExplanation(_ record: JSON, _ invocation: Invocation) throws(Failure) {
  try invocation.line(
    "\(plain(record["id"])): \(plain(record["verdict"])) (\(plain(record["confidence"])))")
  for reason in record["because"].elements { try invocation.line("  because \(plain(reason))") }
  let rule = record["rule"].text.map { "rule \($0)" } ?? "no rule matches"
  let deadline = record["deadline"].text.map { ", deadline \($0)" } ?? ""
  let will = record["will"].text.map { ", then \($0)" } ?? ""
  try invocation.line("  \(rule)\(deadline)\(will)")
}
