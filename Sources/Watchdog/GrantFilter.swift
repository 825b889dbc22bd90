package import ByteText
package import Grants

/// Which grants `list` is to show.
package struct GrantFilter {
  private var states: Set<GrantState>?
  private var provenance: Set<Provenance>?
  private var kinds: [String] = []
  private var subject: String?
  private var object: String?
  private var agent: String?
  private var incident: String?
  private var since: Timestamp?
  private var until: Timestamp?
  private var standing = false

  /// Reads the filter of a call; nil when a value is not what it should be.
  package init?(_ json: JSON) {
    func words(_ name: String) -> [String]? {
      let values = json[name].elements.compactMap(\.text)
      return values.isEmpty ? nil : values
    }
    if let words = words("states") {
      let known = words.compactMap(GrantState.init(rawValue:))
      guard known.count == words.count else { return nil }
      states = Set(known)
    }
    if let words = words("provenance") {
      let known = words.compactMap(Provenance.init(rawValue:))
      guard known.count == words.count else { return nil }
      provenance = Set(known)
    }
    kinds = words("kind") ?? []
    subject = json["subject"].text
    object = json["object"].text
    agent = json["agent"].text
    incident = json["incident"].text
    if let text = json["since"].text {
      guard let time = Timestamp(rfc3339: text) else { return nil }
      since = time
    }
    if let text = json["until"].text {
      guard let time = Timestamp(rfc3339: text) else { return nil }
      until = time
    }
    standing = json["standing"].bool ?? false
  }

  /// It is there, and nothing ends it: not a deadline, not the end of an approval.
  private static func hasNoEnd(_ grant: Grant) -> Bool {
    GrantStore.stands(grant) && grant.deadline == nil && grant.approval == nil
  }

  package func matches(_ grant: Grant) -> Bool {
    if standing ? !Self.hasNoEnd(grant) : grant.standing { return false }
    if let states, !states.contains(grant.state) { return false }
    if let provenance, !provenance.contains(grant.provenance) { return false }
    if !kinds.isEmpty, !kinds.contains(where: { glob($0, matches: grant.kind.rawValue) }) {
      return false
    }
    if let subject, !glob(subject, matches: grant.subject) { return false }
    if let object, !glob(object, matches: grant.object) { return false }
    if let agent {
      guard let reference = grant.agent,
        ([reference.name] + reference.chain).contains(where: { glob(agent, matches: $0) })
      else { return false }
    }
    if let incident, grant.incident != incident { return false }
    if let since, grant.detectedAt < since { return false }
    if let until, grant.detectedAt > until { return false }
    return true
  }
}
