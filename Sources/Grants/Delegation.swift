/// One link in the chain of those who handed a task on, from the human at its root down to whoever
/// did the act.
package struct ChainLink: Equatable, Sendable {
  package enum Role: String, Sendable, CaseIterable {
    /// Who logged in: the login uid.
    case human
    /// A program that bears an agent's marks, or the sender of an advice.
    case agent
    /// An agent's own agent, or one that such a one started, in the same program; told by its hooks.
    case subagent
  }

  package var role: Role
  package var name: String
  /// The login uid of a human, the session of an agent, the agent's own id of a subagent.
  package var id: String?

  package init(_ role: Role, _ name: String, id: String? = nil) {
    self.role = role
    self.name = name
    self.id = id
  }

  /// `human:alice`, `agent:codex`, `subagent:general-purpose`: what rules compare.
  package var text: String { "\(role.rawValue):\(name)" }
}

extension AgentReference {
  /// The longest chain that is kept; what lies between its root and its end is left out.
  package static let mostLinks = 16

  /// How many agents handed the task on, subagents included; the human is not counted.
  package var chainLength: Int { delegation.reduce(0) { $0 + ($1.role == .human ? 0 : 1) } }

  /// The same with whoever logged in at the root, where that is known.
  package func rooted(in actor: Actor) -> AgentReference {
    guard let name = actor.loginUser, delegation.first?.role != .human else { return self }
    var rooted = self
    rooted.delegation.insert(
      ChainLink(.human, name, id: actor.loginUID.map { "\($0)" }), at: 0)
    rooted.shorten()
    return rooted
  }

  /// How many of an agent's own agents above another are kept.
  package static let mostLineage = 12

  /// Adds whoever the last one handed the task on to.
  package mutating func append(_ link: ChainLink) { append([link]) }

  /// Adds those whom the last one handed the task on to, one after the other; nothing where they are
  /// its end already.
  package mutating func append(_ links: [ChainLink]) {
    guard !links.isEmpty, !delegation.suffix(links.count).elementsEqual(links) else { return }
    // What is known now of those between may not have been known then.
    while let last = delegation.last, last.role == .subagent, links.contains(last) {
      delegation.removeLast()
    }
    delegation += links
    for link in links where link.role != .human && !chain.contains(link.name) {
      chain.append(link.name)
    }
    shorten()
  }

  mutating func shorten() {
    let excess = delegation.count - Self.mostLinks
    if excess > 0 { delegation.removeSubrange(2..<(2 + excess)) }
  }

  /// The chain for people: `alice > claude-code > general-purpose`.
  package var chainText: String { delegation.map(\.name).joined(separator: " > ") }
}
