import ByteText
package import Grants
import LinuxKit

/// An agent that runs: the outermost process of a chain that bears an agent's mark.
package struct AgentSighting: Equatable, Sendable {
  package var name: String
  package var process: ProcessKey
  /// When the process began, in microseconds of CLOCK_BOOTTIME.
  package var began: Int64
  package var confidence: Confidence
  /// `executable /x/claude`; escaped, as all texts here.
  package var mark: String
  /// An admin's declaration names its unit, control group or account.
  package var isDeclared: Bool
  /// Nothing but a variable that people's shells have too.
  package var isHint: Bool
  package var uid: UInt32?
  package var loginUID: UInt32?
  package var session: String?
  package var model: ModelReference?
  /// The words with which it asks nobody before it acts.
  package var skipFlag: String?
  package var command: String?
  package var chainText: String

  package init(
    name: String, process: ProcessKey, began: Int64, confidence: Confidence, mark: String,
    isDeclared: Bool, isHint: Bool, uid: UInt32?, loginUID: UInt32?, session: String?,
    model: ModelReference?, skipFlag: String?, command: String?, chainText: String
  ) {
    self.name = name
    self.process = process
    self.began = began
    self.confidence = confidence
    self.mark = mark
    self.isDeclared = isDeclared
    self.isHint = isHint
    self.uid = uid
    self.loginUID = loginUID
    self.session = session
    self.model = model
    self.skipFlag = skipFlag
    self.command = command
    self.chainText = chainText
  }
}

/// What became of agents.
package enum AgentNews: Equatable, Sendable {
  case seen(AgentSighting)
  /// Its session became known.
  case session(ProcessKey, String)
  case ended(ProcessKey)
}

/// The agents that live. A part of the process table.
struct AgentSightings {
  /// By pid.
  private(set) var living: [Int32: AgentSighting] = [:]
  /// Processes that run language models, by pid.
  private(set) var runners: [Int32: ProcessRecord] = [:]
  /// Models that processes have mapped, by pid.
  fileprivate var mapped: [Int32: ModelReference?] = [:]
  private(set) var news: [AgentNews] = []

  /// The most of each that are kept.
  static let most = 4096

  mutating func add(_ sighting: AgentSighting) {
    guard living.count < Self.most else { return }
    living[sighting.process.pid] = sighting
    tell(.seen(sighting))
  }

  mutating func add(runner record: ProcessRecord) {
    if runners.count < Self.most { runners[record.key.pid] = record }
  }

  mutating func learn(_ session: String, of pid: Int32) {
    guard let sighting = living[pid], sighting.session == nil else { return }
    living[pid]?.session = session
    tell(.session(sighting.process, session))
  }

  mutating func end(_ record: ProcessRecord) {
    let pid = record.key.pid
    if runners[pid] === record {
      runners[pid] = nil
      mapped[pid] = nil
    }
    guard let sighting = living[pid], sighting.process == record.key else { return }
    living[pid] = nil
    tell(.ended(sighting.process))
  }

  private mutating func tell(_ what: AgentNews) {
    if news.count < Self.most * 2 { news.append(what) }
  }

  mutating func takeNews() -> [AgentNews] {
    defer { news = [] }
    return news
  }
}

extension ProcessTable {
  /// What became of agents since the last call.
  package func takeAgentNews() -> [AgentNews] { agents.news.isEmpty ? [] : agents.takeNews() }

  /// True while the agent is among those that live.
  package func isLiving(_ process: ProcessKey) -> Bool {
    agents.living[process.pid]?.process.isSame(as: process) == true
  }

  /// The outermost agent that lives and is in the chain.
  package func livingAgent(in chain: [ProcessKey]) -> ProcessKey? {
    chain.last { agents.living[$0.pid]?.process == $0 }
  }

  /// Looks whether a process that began to run something is an agent that was not known.
  func noteAgent(_ record: ProcessRecord) {
    if record.image.runner != nil { agents.add(runner: record) }
    guard record.key.pid != OwnProcess.pid else { return }
    let declared = AgentFindings.declared(record, self)
    let hits = record.image.hits + declared
    guard !hits.isEmpty else { return }
    var next: ProcessRecord? = record
    var isBelowOne = false
    while let one = next {
      if agents.living[one.key.pid]?.process == one.key {
        if let name = agents.living[one.key.pid]?.name, let session = record.image.sessions[name] {
          agents.learn(session, of: one.key.pid)
        }
        return
      }
      isBelowOne =
        isBelowOne || (one !== record && one.hits.contains { !$0.isInherited })
      next = one.parent
    }
    let own = hits.filter { !$0.isInherited }
    // What an agent's process left behind bears its marks and is no agent.
    guard !own.isEmpty || !isBelowOne else { return }
    let best = own.isEmpty ? hits : own
    guard let confidence = best.map(\.confidence).max(),
      let hit = best.first(where: { $0.confidence == confidence })
    else { return }
    let agent = own.isEmpty ? starter(of: record) : record
    agents.add(sighting(agent, hit, from: record, isDeclared: !declared.isEmpty))
  }

  /// Variables are set for what an agent starts: the agent is the parent of the first that has them.
  private func starter(of record: ProcessRecord) -> ProcessRecord {
    guard let parent = record.parent, parent.key.pid > 1, parent.exited == nil,
      !parent.image.isServiceManager, !parent.image.isLauncher, !parent.image.isUnseen,
      parent.key.pid != OwnProcess.pid
    else { return record }
    return parent
  }

  private func sighting(
    _ record: ProcessRecord, _ hit: AgentHit, from marked: ProcessRecord, isDeclared: Bool
  ) -> AgentSighting {
    // A login uid is set between fork and exec.
    let loginUID = record.loginUID ?? files.loginUID(record.key.pid)
    return AgentSighting(
      name: hit.agent, process: record.key, began: record.key.began, confidence: hit.confidence,
      mark: hit.mark, isDeclared: isDeclared, isHint: hit.isInherited && hit.confidence == .weak,
      uid: record.effectiveUID ?? record.uid ?? files.uids(record.key.pid)?.effective,
      loginUID: loginUID, session: marked.image.sessions[hit.agent], model: record.image.model,
      skipFlag: record.image.skipFlag, command: record.image.commandText,
      chainText: chain(of: record).text(upTo: nil))
  }

  /// The one model that runs on this host for the user of `process`; nil where there are several, or
  /// the agent does not use such.
  func localModel(
    for agent: String, _ process: ProcessRecord
  ) -> (model: ModelReference, reason: String)? {
    guard !agents.runners.isEmpty,
      signatures.all.contains(where: { $0.name == agent && $0.model.mayBeLocal }),
      let found = localModel(uid: process.loginUID ?? process.uid)
    else { return nil }
    return found
  }

  /// As above, for a user.
  package func localModel(uid: UInt32?) -> (model: ModelReference, reason: String)? {
    guard let uid else { return nil }
    var found: (model: ModelReference, by: ProcessRecord)?
    for (_, record) in agents.runners.sorted(by: { $0.key < $1.key }).prefix(64)
    where (record.loginUID ?? record.uid) == uid || record.uid == uid {
      guard let model = record.image.runner?.model ?? mappedModel(record) else { continue }
      if let other = found, other.model.name != model.name { return nil }
      found = found ?? (model, record)
    }
    guard let found else { return nil }
    let runner = found.by.image.runner?.name ?? found.by.image.name
    return (
      found.model,
      "a guess: its model is the one that \(runner)(\(found.by.key.pid)) runs here for"
        + " \(accountNames(uid) ?? "\(uid)"): \(found.model.text)"
    )
  }

  /// The model whose weights the process has mapped out of Hugging Face's cache.
  private func mappedModel(_ record: ProcessRecord) -> ModelReference? {
    let pid = record.key.pid
    if case .some(.some(let known)) = agents.mapped[pid] { return known }
    guard let path = files.mappedFile(pid, containing: "/models--") else { return nil }
    guard var model = ModelReference(cached: path[...]) else { return nil }
    // The cache keeps weights below their checksum; the snapshots' folder tells the revision.
    if model.revision == nil { model.revision = revision(of: path) }
    agents.mapped[pid] = model
    return model
  }

  /// The one revision that the cache has of the model whose file this is.
  private func revision(of path: [UInt8]) -> String? {
    let parts = path.split(separator: UInt8(ascii: "/"))
    guard let at = parts.firstIndex(where: { $0.starts(with: "models--".utf8) }) else { return nil }
    let folder = parts[...at].flatMap { [UInt8(ascii: "/")] + $0 } + Array("/snapshots".utf8)
    guard let names = LocalFolder.names(folder), names.count == 1 else { return nil }
    return escaped(names[0].prefix(128))
  }
}
