import ByteText

extension AgentSignatures {
  /// The agent that a unit or an account is declared to belong to (`Unit=`, `User=` of agents.d),
  /// for acts whose processes are gone; the first that matches.
  ///
  /// - Parameter users: numbers with their names, where they have one.
  package func declared(
    unit: String?, userUnit: String?, users: [(uid: UInt32, name: String?)]
  ) -> (agent: String, by: String)? {
    for agent in all {
      for name in [userUnit, unit].compactMap({ $0 })
      where agent.units.contains(where: { glob($0, matches: name) }) {
        return (agent.name, "unit \(name)")
      }
      for user in users
      where agent.users.contains(where: { $0 == "\(user.uid)" || $0 == user.name }) {
        return (agent.name, "account \(user.name ?? "\(user.uid)")")
      }
    }
    return nil
  }
}
