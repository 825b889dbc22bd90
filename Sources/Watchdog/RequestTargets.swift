import Grants

/// What came of a request for one id.
struct RequestResult {
  var id: String
  var done: Bool
  var result: String
  /// `ok`, `dry-run`, `refused`, `failed`, `not-found`, `ambiguous`.
  var status: String
}

/// What the ids of a request stand for.
extension Engine {
  enum Target {
    case grant(String)
    case advice(String)
    case none(matches: [String])
  }

  /// What an id, or its beginning, stands for: one grant, one advice, or the grants of an incident.
  func targets(_ text: String) -> [Target] {
    if text.hasPrefix("i-") {
      let found = store.incidents(beginningWith: text)
      guard found.count == 1 else { return [.none(matches: found)] }
      let ids = store.grants(ofIncident: found[0])
      let standing = ids.filter { store[$0].map(GrantStore.stands) == true }
      return (standing.isEmpty ? ids : standing).map { .grant($0) }
    }
    if text.hasPrefix("a-") {
      let found = advice.ids(beginningWith: text)
      return found.count == 1 ? [.advice(found[0])] : [.none(matches: found)]
    }
    let found = store.ids(beginningWith: text)
    return found.count == 1 ? [.grant(found[0])] : [.none(matches: found)]
  }

  func missing(_ text: String, _ matches: [String]) -> RequestResult {
    matches.isEmpty
      ? RequestResult(id: text, done: false, result: "no such id", status: "not-found")
      : RequestResult(
        id: text, done: false, result: "several match: \(matches.joined(separator: " "))",
        status: "ambiguous")
  }
}
