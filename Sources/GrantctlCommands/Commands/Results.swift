internal import ByteText
internal import Control

private let resultFields = [
  Column("id", "id"), Column("done", "done"), Column("result", "result"),
  Column("status", "status"),
]

private let resultLayout = Layout(
  plural: "results", table: [Column("ID", "id"), Column("RESULT", "result")],
  wide: [Column("ID", "id"), Column("RESULT", "result")], csv: resultFields)

/// Calls a method that acts on ids, prints what became of each, and says what went wrong.
func act(
  _ invocation: inout Invocation, _ method: String, _ members: [JSONMember]
) throws(Failure) {
  let ids = JSONMember("ids", .array(invocation.ids.map { .string($0) }))
  let client = try invocation.connect()
  var results: [ArraySlice<UInt8>]
  do throws(ControlClientError) {
    results = try client.reply(to: method, .object([ids] + members)).elements(of: "results")
  } catch {
    guard case .refused(let reason) = error else { throw Failure(error) }
    if case .notFound = reason { throw Failure(error) }
    results = invocation.ids.map { refusal(of: $0, reason) }
  }
  var printer = invocation.printer(resultLayout)
  for text in results {
    let result = try parsed(text)
    let status = result["status"].text ?? (result["done"].bool == true ? "ok" : "failed")
    let isGood = status == "ok" || status == "dry-run"
    if isGood || !invocation.format.isTable { try printer.add(text) }
    guard !isGood else { continue }
    let words = plain(result["result"])
    let known = words.hasPrefix(status) ? words : "\(status): \(words)"
    invocation.complain(
      Failure(
        status == "not-found" || status == "ambiguous" ? .notFound : .failed,
        "\(plain(result["id"])): \(words.isEmpty ? status : known)"))
  }
  try printer.end()
}

/// The daemon's refusal of a whole call, as the result of one id.
private func refusal(of id: String, _ error: ControlError) -> ArraySlice<UInt8> {
  let (status, reason) =
    switch error {
    case .permissionDenied(let reason): ("refused", reason)
    case .invalid(let reason), .failed(let reason), .tooLarge(let reason), .tooOften(let reason):
      ("failed", reason)
    case .notFound: ("not-found", "no such id")
    }
  return JSON.object([
    JSONMember("id", .string(id)), JSONMember("done", .bool(false)),
    JSONMember("result", .string("\(status): \(reason)")), JSONMember("status", .string(status)),
  ]).encoded[...]
}
