import ByteText
import Grants

/// A process and its ancestors, nearest first.
struct ProcessChain {
  let records: [ProcessRecord]

  var actor: ProcessRecord { records[0] }

  /// Why the chain ends before the first process; nil when it does not.
  var hole: String? { records.last?.hole }

  var holeText: String? {
    guard let last = records.last, let hole = last.hole else { return nil }
    return "the chain is broken above \(last.image.name)(\(last.key.pid)): \(hole)"
  }

  /// Every link is on record: by its event, or since before the start.
  var recorded: Bool { records.allSatisfy { $0.origin != .found } }

  /// The nearest ancestor that was gone before anybody could look at what it ran.
  var unseen: ProcessRecord? { records.dropFirst().first(where: \.image.isUnseen) }

  /// The actor runs in a unit that somebody had made for one command (systemd-run(1)).
  var isTransientUnit: Bool {
    guard let group = actor.controlGroup else { return true }
    return group.split(separator: UInt8(ascii: "/")).contains { $0.starts(with: "run-".utf8) }
  }

  /// `chmod(4711) < bash(4709) < claude(4402)`, up to the place given, at most 24 names.
  func text(upTo place: Int?) -> String {
    let end = place.map { $0 + 1 } ?? records.count
    var words: [String] = []
    for record in records[..<end] {
      if words.count == 24 {
        words.append("…")
        break
      }
      words.append("\(record.image.name)(\(record.key.pid))")
      if record.elided > 0, record !== records[end - 1] { words.append("…") }
    }
    if place == nil, hole != nil { words.append("?") }
    return words.joined(separator: " < ")
  }
}

extension ProcessTable {
  func chain(of record: ProcessRecord) -> ProcessChain {
    var records = [record]
    while let parent = records[records.count - 1].parent, records.count < 1024 {
      records.append(parent)
    }
    return ProcessChain(records: records)
  }
}

/// An agent's mark in a chain.
struct AgentFinding {
  /// The agent's name.
  var agent: String
  /// Place in the chain, 0 the actor.
  var place: Int
  var key: ProcessKey
  var confidence: Confidence
  var text: String
}

/// The agents of a chain.
struct AgentFindings {
  /// Nearest first.
  private(set) var all: [AgentFinding] = []
  /// The nearest of the best proven.
  private(set) var chosen: AgentFinding?
  private(set) var reference: AgentReference?
  /// The words with which an agent of the chain asks nobody before it acts.
  private(set) var skipFlag: String?
  /// Where the model comes from, or why it is a guess; nil where there is nothing to say.
  private(set) var modelReason: String?

  init(in chain: ProcessChain, of table: ProcessTable) {
    var recorded = table.hasEvents
    for (place, record) in chain.records.enumerated() {
      recorded = recorded && record.origin != .found
      let images = Self.images(of: record)
      for hit in images.flatMap(\.hits) { add(hit, place, record, recorded) }
      for hit in Self.declared(record, table) { add(hit, place, record, recorded) }
      skipFlag = skipFlag ?? images.lazy.compactMap(\.skipFlag).first
    }
    guard let best = all.map(\.confidence).max() else { return }
    let floor = min(best, .strong)
    all.removeAll { $0.confidence < floor }
    guard let chosen = all.first(where: { $0.confidence == best }) else { return }
    self.chosen = chosen
    let images = chain.records.flatMap { [$0.image] + $0.former }
    var names: [String] = []
    for finding in all.reversed() {
      if !names.contains(finding.agent) { names.append(finding.agent) }
    }
    let own = images.lazy.filter { image in image.hits.contains { $0.agent == chosen.agent } }
      .compactMap(\.model).first
    let guess = own == nil ? table.localModel(for: chosen.agent, chain.actor) : nil
    reference = AgentReference(
      name: chosen.agent,
      session: images.lazy.compactMap { $0.sessions[chosen.agent] }.first,
      model: own?.name ?? guess?.model.name, chain: names, delegation: links(in: chain))
    if let guess {
      modelReason = guess.reason
    } else if let own, own.source != nil || own.revision != nil {
      modelReason = "its model is \(own.text)"
    }
  }

  /// Outermost first. Another session of the same agent is an agent that it started.
  private func links(in chain: ProcessChain) -> [ChainLink] {
    var links: [ChainLink] = []
    for finding in all.reversed() {
      let record = chain.records[finding.place]
      let session = ([record.image] + record.former).lazy
        .compactMap { $0.sessions[finding.agent] }.first
      if let known = links.lastIndex(where: { $0.name == finding.agent }) {
        if session == nil || links[known].id == session { continue }
        if links[known].id == nil {
          links[known].id = session
          continue
        }
      }
      links.append(ChainLink(.agent, finding.agent, id: session))
    }
    // What marks the session need not mark the agent.
    for place in links.indices where links[place].id == nil {
      links[place].id =
        chain.records.lazy.flatMap { [$0.image] + $0.former }
        .compactMap { $0.sessions[links[place].name] }.first
    }
    return links
  }

  var skipsPermissions: Bool { skipFlag != nil }

  var outermost: AgentFinding? { all.last }

  /// One line for each mark, the best proven first, each mark once.
  var reasons: [String] {
    var lines: [String] = []
    for finding in all.filter({ $0.confidence == chosen?.confidence }) + all {
      if !lines.contains(finding.text), lines.count < 8 { lines.append(finding.text) }
    }
    return lines
  }

  /// A fork's copy says nothing that its parent does not say.
  private static func images(of record: ProcessRecord) -> [ProcessImage] {
    guard !record.ownsImage, record.parent?.image === record.image else {
      return [record.image] + record.former
    }
    return record.former
  }

  /// Agents that the admin declared by unit, control group or account.
  static func declared(_ record: ProcessRecord, _ table: ProcessTable) -> [AgentHit] {
    guard table.signatures.hasDeclarations else { return [] }
    var hits: [AgentHit] = []
    func add(_ agent: AgentSignature, _ mark: String, _ key: String, _ pattern: String) {
      hits.append(
        AgentHit(
          agent: agent.name, confidence: .strong, mark: mark, key: key, pattern: pattern))
    }
    for agent in table.signatures.all where agent.isDeclared {
      if let group = record.controlGroup {
        for part in group.split(separator: UInt8(ascii: "/")) {
          if let unit = agent.units.first(where: { glob(Array($0.utf8), matches: part) }) {
            add(agent, "unit \(escaped(part))", "Unit", unit)
          }
        }
        if let pattern = agent.controlGroups.first(where: { glob(Array($0.utf8), matches: group) })
        {
          add(agent, "control group \(escaped(group.prefix(256)))", "Cgroup", pattern)
        }
      }
      guard !agent.users.isEmpty else { continue }
      for uid in Set([record.uid, record.effectiveUID].compactMap { $0 }).sorted() {
        let name = table.accountNames(uid)
        if let user = agent.users.first(where: { $0 == "\(uid)" || $0 == name }) {
          add(agent, "user \(uid)", "User", user)
        }
      }
    }
    return hits
  }

  private mutating func add(
    _ hit: AgentHit, _ place: Int, _ record: ProcessRecord, _ recorded: Bool
  ) {
    all.append(
      AgentFinding(
        agent: hit.agent, place: place, key: record.key,
        confidence: recorded ? hit.confidence : min(hit.confidence, .strong),
        text: "\(record.image.name)(\(record.key.pid)) is marked as \(hit.agent): \(hit.mark)"))
  }
}
