import Grants
package import Provenance

extension Attribution {
  /// One change that any of several processes may have made, and nobody knows which: the first of
  /// them, and where they act for different people or agents in doubt (`weak`), with the others
  /// named. An agent among them is a hint then, no proof; but for where all the others may have been
  /// asked by it. Nil for none.
  package static func oneOf(_ candidates: [Attribution]) -> Attribution? {
    guard let first = candidates.first else { return nil }
    let agents = candidates.filter { $0.provenance == .agentExecuted }
    let others = candidates.filter { $0.provenance != .agentExecuted }
    guard candidates.contains(where: { !$0.isSameActor(as: first) }) else { return first }
    guard var chosen = others.first else { return agents.first }
    if let agent = agents.first(where: { agent in
      others.allSatisfy { $0.hints.contains(agent.agent?.name ?? "") }
    }) {
      return agent
    }
    if !agents.isEmpty, chosen.provenance != .human { chosen.provenance = .unknown }
    chosen.confidence = .weak
    for agent in agents {
      if let name = agent.agent?.name, !chosen.hints.contains(name) { chosen.hints.append(name) }
    }
    for other in candidates where other.process != chosen.process {
      chosen.because.append(
        "\(other.chainText) changed it at the same moment: which of them gave it cannot be told")
      chosen.requests.append("\(other.chainText) changed it at the same moment")
    }
    return chosen
  }

  /// The same, less sure where others of `candidates` act for somebody else; a few are named.
  func inDoubt(beside candidates: [Attribution], atMost confidence: Confidence) -> Attribution {
    let others = candidates.filter { !$0.isSameActor(as: self) }
    guard !others.isEmpty else { return self }
    var doubted = self
    doubted.confidence = min(self.confidence, confidence)
    for other in others.prefix(3) {
      doubted.because.append("\(other.chainText) touched its files between the same two looks")
    }
    return doubted
  }

  private func isSameActor(as other: Attribution) -> Bool {
    rootKey == other.rootKey && provenance == other.provenance
      && agent?.name == other.agent?.name
  }
}
