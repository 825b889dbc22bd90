import ByteText
import Control
import Grants
import LinuxKit
import Provenance

/// Which agents run on this host and ran, and whether anybody said that they may.
extension Engine {
  /// Takes what the process table says became of agents.
  func takeAgentNews() {
    for news in processes.takeAgentNews() {
      switch news {
      case .seen(let sighting): take(sighting)
      case .session(let process, let session):
        change(process) { $0.sighting.session = session }
      case .ended(let process):
        change(process) { $0.ended = now.wall }
      }
    }
  }

  private func take(_ sighting: AgentSighting) {
    let now = now
    if let place = agents.place(of: sighting.process, boot: now.boot),
      agents.all[place].ended == nil,
      agents.all[place].sighting.name == sighting.name
    {
      // Known from before a restart.
      return
    }
    guard agents.mayAdd(sighting.uid, at: now.up) else { return }
    func name(_ uid: UInt32?) -> String? {
      uid.map { hostAccounts.displayName($0) ?? "\($0)" }
    }
    let age = max(0, now.up - sighting.began)
    let instance = AgentInstance(
      sighting, vendor: signature(sighting.name)?.vendor, boot: now.boot,
      since: sighting.began > 0 ? now.wall - TimeSpan(microseconds: age) : now.wall,
      user: name(sighting.uid), loginUser: name(sighting.loginUID))
    agents.put(instance)
    keep(instance, "agent.seen")
    tellIfUndeclared(instance)
  }

  private func change(_ process: ProcessKey, _ body: (inout AgentInstance) -> Void) {
    guard let place = agents.place(of: process, boot: now.boot) else { return }
    agents.change(place, body)
    keep(agents.all[place], "agent.changed")
  }

  private func keep(_ instance: AgentInstance, _ type: String) {
    record(type) { writer in
      writer.key("agentInstance")
      instance.writeRecord(to: &writer, withGrants: false)
    }
  }

  private func signature(_ name: String) -> AgentSignature? {
    processes.signatures.all.first { $0.name == name }
  }

  /// True when an administrator's file says that the agent is meant to run here.
  func isDeclared(_ sighting: AgentSighting) -> Bool {
    guard let signature = signature(sighting.name) else { return false }
    return signature.isProvisioned || (sighting.isDeclared && signature.isAdmins)
  }

  /// An agent that nobody declared is an event, once a day for each user. A variable that people's
  /// shells have too is none.
  private func tellIfUndeclared(_ instance: AgentInstance) {
    let sighting = instance.sighting
    guard !sighting.isHint, !isDeclared(sighting),
      agents.isNews(sighting.name, uid: sighting.uid, at: now.wall)
    else { return }
    agents.wasTold(sighting.name, uid: sighting.uid, at: now.wall)
    let login = instance.loginUser.map { $0 == instance.user ? "" : ", login \($0)" } ?? ""
    let risk = sighting.skipFlag.map { "; it asks nobody before it acts: \($0)" } ?? ""
    announce(
      "agent.discovered", severity: sighting.skipFlag == nil ? .medium : .high,
      subject: sighting.name,
      "\(sighting.name) (\(sighting.process.pid)) of \(instance.user ?? "somebody")\(login) runs"
        + " and is not declared: \(sighting.mark)\(risk)"
    ) { writer in
      writer.key("told")
      writer.value(AgentBook.key(sighting.name, sighting.uid))
    }
  }

  /// Agents on record that ended while nobody looked.
  func endLostAgents() {
    for instance in agents.all where instance.ended == nil {
      let process = instance.sighting.process
      guard instance.boot != now.boot || !processes.isLiving(process),
        let place = agents.place(of: process, boot: instance.boot)
      else { continue }
      agents.change(place) { $0.ended = now.wall }
      keep(agents.all[place], "agent.changed")
    }
  }

  /// Counts a new grant for the agent that made it.
  func countForAgent(_ grant: String, _ attribution: Attribution) {
    guard attribution.provenance == .agentExecuted else { return }
    takeAgentNews()
    let boot = now.boot
    guard
      let process = attribution.chain.last(where: { agents.place(of: $0, boot: boot) != nil })
    else { return }
    agents.count(grant, of: process, boot: boot)
    record("agent.granted", grant: grant) { writer in
      writer.member("pid", Int64(process.pid))
      writer.member("start", Int64(clamping: process.start))
      writer.member("boot", boot)
    }
  }

  /// Takes a record of the ledger.
  func replayAgents(_ type: String, _ grant: String?, _ data: JSON, at time: Timestamp) {
    switch type {
    case "agent.seen", "agent.changed":
      if let instance = AgentInstance(record: data["agentInstance"]) { agents.put(instance) }
    case "agent.granted":
      guard let grant, let pid = data["pid"].integer, let start = data["start"].integer,
        let boot = data["boot"].text
      else { return }
      let process = ProcessKey(pid: Int32(clamping: pid), start: UInt64(clamping: start))
      agents.count(grant, of: process, boot: boot)
    case "agent.discovered": data["told"].text.map { agents.restoreTold($0, time) }
    default: break
    }
  }

  // MARK: Methods

  func listAgents(_ call: ControlCall) {
    processes.drain()
    takeAgentNews()
    let uid = call.peer.uid
    let isAll = readsAll(call.peer)
    let found = agents.all.reversed().filter {
      isAll || $0.sighting.uid == uid || $0.sighting.loginUID == uid
    }
    reply(call, found, from: 0)
  }

  private func reply(_ call: ControlCall, _ found: [AgentInstance], from start: Int) {
    let end = call.wantsMore ? min(start + 100, found.count) : found.count
    call.reply(continues: end < found.count) { writer in
      writer.key("agents")
      writer.beginArray()
      for instance in found[start..<end] {
        let active = instance.grants.count { store[$0].map(GrantStore.stands) ?? false }
        let mayGuess = instance.ended == nil && instance.sighting.model == nil
        let isLocal = mayGuess && signature(instance.sighting.name)?.model.mayBeLocal == true
        instance.write(
          to: &writer, isDeclared: isDeclared(instance.sighting), active: active,
          guess: isLocal ? processes.localModel(uid: instance.sighting.uid)?.model : nil)
      }
      writer.endArray()
    }
    guard end < found.count, !call.isClosed else { return }
    whenDrained(call) { [self] in reply(call, found, from: end) }
  }

  func checkAgent(_ call: ControlCall) {
    guard let pid = call.parameters["pid"].integer.flatMap({ Int32(exactly: $0) }), pid > 0 else {
      return call.fail(.invalid("pid: the number of a process is needed"))
    }
    processes.drain()
    // Whoever may not see the process learns nothing of it.
    guard let check = processes.checkAgent(pid),
      readsAll(call.peer) || check.uid == call.peer.uid
    else { return call.fail(.notFound(id: "\(pid)", matches: [])) }
    call.reply { writer in
      writer.key("check")
      check.write(to: &writer)
    }
  }
}

extension AgentCheck {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("pid", Int64(pid))
    writer.member("process", process)
    writer.member("chain", chainText)
    writer.member("verdict", verdict.rawValue)
    writer.member("confidence", confidence.rawValue)
    writer.member("agent", agent?.name)
    writer.member("session", agent?.session)
    writer.member("model", agent?.model)
    writer.member("because", because)
    writer.member("rulesTried", Int64(rules.count))
    writer.key("rules")
    writer.beginArray()
    for rule in rules {
      writer.beginObject()
      writer.member("agent", rule.agent)
      writer.member("file", rule.file)
      writer.member("runner", rule.isRunner)
      writer.key("matches")
      writer.beginArray()
      for match in rule.matches {
        writer.beginObject()
        writer.member("pid", Int64(match.pid))
        writer.member("process", match.process)
        writer.member("key", match.key)
        writer.member("pattern", match.pattern)
        writer.member("found", match.found)
        writer.member("confidence", match.confidence.rawValue)
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
