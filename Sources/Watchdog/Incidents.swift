/// Joins the grants of one actor's one go: the same root, gaps under five minutes.
package struct Incidents {
  package static let longestGap: Int64 = 300_000_000

  private var byRoot: [String: (id: String, last: Int64)] = [:]

  package init() {}

  /// The incident of a grant whose actor has `root`, at `up` (CLOCK_BOOTTIME, microseconds).
  /// A new one gets an id that is not `taken`.
  package mutating func incident(
    root: String, at up: Int64, taken: (String) -> Bool = { _ in false }
  ) -> String {
    if let known = byRoot[root], up - known.last < Self.longestGap {
      byRoot[root]?.last = up
      return known.id
    }
    if byRoot.count > 4096 { byRoot = byRoot.filter { up - $0.value.last < Self.longestGap } }
    let id = Identifier.make("i", length: 4) { id in
      taken(id) || byRoot.values.contains { $0.id == id }
    }
    byRoot[root] = (id, up)
    return id
  }
}
