package import ByteText
package import Grants
package import Provenance

/// All advice that is on record, and the open ones ready to be matched.
package struct AdviceBook {
  /// Advice kept; the oldest goes first.
  package static let limit = 100_000
  /// What one uid may submit in a minute, root excepted.
  package static let perMinute = 120
  /// Bytes of text that are kept of one uid: beyond them its own oldest goes, never an approved one.
  package static let bytesPerUID = 16 << 20

  package private(set) var all: [String: Advice] = [:]
  package private(set) var order: [String] = []
  package private(set) var index = AdviceIndex()
  private var submitted: [Submitter: [Int64]] = [:]
  private var bytes: [Submitter: Int] = [:]
  private var submissions: [Submission: String] = [:]
  private var quotes = AdviceQuotes()
  /// The commands that hooks told of, newest last, by who told and of which agent.
  private var commands: [Teller: [String]] = [:]
  /// Advice that a human approved.
  package private(set) var approved: [String] = []

  private struct Teller: Hashable {
    var submitter: Submitter
    var agent: String
  }

  /// Commands of one teller that are compared with what it then does.
  private static let mostCommands = 64

  /// A uid of this host, or of another.
  package struct Submitter: Hashable {
    package var host: String?
    package var uid: UInt32

    package init(host: String? = nil, uid: UInt32) {
      self.host = host
      self.uid = uid
    }
  }

  private struct Submission: Hashable {
    var submitter: Submitter
    var name: String
  }

  package init() {}

  package mutating func add(_ advice: Advice) {
    if let old = all[advice.id] {
      index.remove(id: advice.id)
      quotes.remove(old)
      bytes[old.submitter, default: 0] -= old.text.utf8.count
    } else {
      order.append(advice.id)
      if advice.isCommand { noteCommand(advice) }
    }
    all[advice.id] = advice
    index.add(advice)
    quotes.add(advice)
    noteApproval(advice.id)
    let submitter = advice.submitter
    bytes[submitter, default: 0] += advice.text.utf8.count
    if let name = advice.submission {
      submissions[Submission(submitter: submitter, name: name)] = advice.id
    }
    while bytes[submitter, default: 0] > Self.bytesPerUID, forgetOldest(of: submitter) {}
    while order.count > Self.limit, forgetOldest(of: nil) {}
  }

  /// The advice that `submitter` submitted under this name before.
  package func id(of name: String, by submitter: Submitter) -> String? {
    submissions[Submission(submitter: submitter, name: name)]
  }

  /// Forgets the oldest advice of `submitter`, or of anybody, that is not approved; false for none.
  private mutating func forgetOldest(of submitter: Submitter?) -> Bool {
    let place = order.firstIndex { id in
      guard let advice = all[id] else { return true }
      return advice.approval == nil && (submitter == nil || advice.submitter == submitter)
    }
    guard let place, place < order.count - 1 else { return false }
    let id = order.remove(at: place)
    guard let advice = all.removeValue(forKey: id) else { return true }
    index.remove(id: id)
    quotes.remove(advice)
    bytes[advice.submitter, default: 0] -= advice.text.utf8.count
    if let name = advice.submission {
      submissions[Submission(submitter: advice.submitter, name: name)] = nil
    }
    return true
  }

  package mutating func change(_ id: String, _ body: (inout Advice) -> Void) {
    guard var changed = all[id] else { return }
    body(&changed)
    all[id] = changed
    noteApproval(id)
  }

  package mutating func end(_ id: String) {
    index.remove(id: id)
    approved.removeAll { $0 == id }
  }

  private mutating func noteApproval(_ id: String) {
    let isApproved = all[id]?.approval != nil
    if isApproved, !approved.contains(id) { approved.append(id) }
    if !isApproved, approved.contains(id) { approved.removeAll { $0 == id } }
  }

  private mutating func noteCommand(_ advice: Advice) {
    // A flood of names pushes out what was told, nobody's grant.
    if commands.count > 4096 { commands = [:] }
    let teller = Teller(submitter: advice.submitter, agent: advice.agent)
    commands[teller, default: []].append(advice.id)
    if let surplus = commands[teller].map({ $0.count - Self.mostCommands }), surplus > 0 {
      commands[teller]?.removeFirst(surplus)
    }
  }

  /// The commands of `agent` that somebody of this host's `uids` told of within the hour before
  /// `time`, newest last; those of another session left aside, where both are known.
  package func commands(
    of agent: String, session: String?, uids: Set<UInt32>, before time: Timestamp
  ) -> [Advice] {
    let latest = time + TimeSpan(seconds: 1)
    let found = uids.flatMap {
      commands[Teller(submitter: Submitter(uid: $0), agent: agent)] ?? []
    }
    return found.compactMap { all[$0] }.filter { advice in
      advice.time <= latest && time - advice.time < TimeSpan(seconds: 3600)
        && (session == nil || advice.session == nil || advice.session == session)
    }.sorted { $0.time < $1.time }
  }

  // MARK: Advice that quotes advice

  /// The advice that a text quotes, by the id that stands in it or by its words.
  package func quoted(in text: String) -> String? {
    if let named = AdviceQuotes.named(in: text).first(where: { all[$0] != nil }) { return named }
    return quotes.quoted(in: text) { all[$0]?.text }
  }

  /// The agents that handed on what the advice says, from the first to the one that said this.
  package func chain(of id: String) -> [ChainLink] {
    var links: [[ChainLink]] = []
    var seen: Set<String> = []
    var next: String? = id
    while let at = next, seen.count < AgentReference.mostLinks, seen.insert(at).inserted,
      let entry = all[at]
    {
      links.append(entry.links)
      next = entry.parent
    }
    var chain: [ChainLink] = []
    for link in links.reversed().flatMap(\.self) where chain.last != link { chain.append(link) }
    return chain
  }

  /// The agent of an advice, with everybody whom it quotes.
  package func reference(to advice: Advice) -> AgentReference {
    let chain = chain(of: advice.id)
    var names: [String] = []
    for link in chain where !names.contains(link.name) { names.append(link.name) }
    return AgentReference(
      name: advice.agent, session: advice.session, model: advice.model, chain: names,
      delegation: chain)
  }

  package func ids(beginningWith text: String) -> [String] {
    if all[text] != nil { return [text] }
    guard text.utf8.count >= 3 else { return [] }
    return Array(order.lazy.filter { $0.hasPrefix(text) }.prefix(8))
  }

  /// True when `submitter` may submit one more at `up`; counts it.
  package mutating func mayAdd(_ submitter: Submitter, at up: Int64) -> Bool {
    if submitted.count > 1024 {
      submitted = submitted.filter { ($0.value.last ?? 0) > up - 60_000_000 }
    }
    let recent = (submitted[submitter] ?? []).filter { $0 > up - 60_000_000 }
    let isRoot = submitter == Submitter(uid: 0)
    guard isRoot || recent.count < Self.perMinute else { return false }
    submitted[submitter] = isRoot ? nil : recent + [up]
    return true
  }
}

extension Advice {
  /// Who submitted it.
  package var submitter: AdviceBook.Submitter {
    AdviceBook.Submitter(host: host, uid: submittedBy)
  }
}
