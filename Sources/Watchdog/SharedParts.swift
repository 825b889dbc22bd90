import Grants

/// What ended grants have in common is kept once: an agent that gives and takes all day has the same
/// name, chain and reasons in thousands of them. Bounded.
struct SharedParts {
  private static let mostTexts = 512
  private static let mostLists = 32

  private var texts: Set<String> = []
  private var agents = Latest<AgentReference>(most: mostLists)
  private var reasons = Latest<[String]>(most: mostLists)

  /// Puts the kept parts in the place of those of `grant` that equal them.
  mutating func share(_ grant: inout Grant) {
    if let agent = grant.agent { grant.agent = agents.kept(agent) }
    if let known = reasons.known(grant.because) {
      grant.because = known
    } else {
      grant.because = reasons.kept(grant.because.map { text($0) })
    }
    grant.actor.command = grant.actor.command.map { text($0) }
  }

  private mutating func text(_ text: String) -> String {
    // A shorter one has no place of its own.
    guard text.utf8.count > 15 else { return text }
    if texts.count >= Self.mostTexts { texts.removeAll(keepingCapacity: true) }
    return texts.insert(text).memberAfterInsert
  }
}

/// The values that came last, each once.
private struct Latest<Value: Equatable> {
  let most: Int
  private var values: [Value] = []
  private var oldest = 0

  init(most: Int) { self.most = most }

  /// The kept value that equals this one.
  func known(_ value: Value) -> Value? { values.first { $0 == value } }

  /// The same; this one, kept from now on, if there is none.
  mutating func kept(_ value: Value) -> Value {
    if let known = known(value) { return known }
    if values.count < most {
      values.append(value)
    } else {
      values[oldest] = value
      oldest = (oldest + 1) % most
    }
    return value
  }
}
