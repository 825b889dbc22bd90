import ByteText
package import Grants
import LinuxKit

/// Who or what a process acts for, and why that is believed.
package struct Attribution: Sendable {
  package var actor: Actor
  package var provenance: Provenance
  package var confidence: Confidence
  package var agent: AgentReference?
  /// The automation between the agent, if any, and the process: `dpkg`.
  package var via: String?
  package var process: ProcessKey
  /// The root of the incident: the outermost agent process, else the audit session, else the
  /// process group. The same text for the same root.
  package var rootKey: String
  /// `chmod(4711) < bash(4709) < claude(4402)`.
  package var chainText: String
  /// `process-events` or `proc`.
  package var source: String
  /// One reason a line.
  package var because: [String]
  /// An agent in the chain runs with its own questions switched off.
  package var skipsPermissions: Bool
  /// A package manager is in the chain, below the agent if there is one.
  package var packageManager: Bool
  /// The process and its ancestors, nearest first.
  package var chain: [ProcessKey]
  /// The chain is known up to the first process.
  package var complete: Bool
  /// What agents asked somebody else to run that this may be the answer to; one a line.
  package var requests: [String] = []
  /// Those agents, the one of the latest request first, where none of it is a proof.
  package var hints: [String] = []
}

extension ProcessTable {
  /// Says who is behind process `pid`. `alive`: it was seen alive with the event (its pidfd), so
  /// that /proc may be asked. Events that wait should be drained before.
  package func attribute(pid: Int32, alive: Bool, at now: Moment) -> Attribution {
    guard let (record, sure) = find(pid, alive) else { return gone(pid) }
    let chain = chain(of: record)
    return judge(chain, sure: sure)
  }

  private func find(_ pid: Int32, _ alive: Bool) -> (ProcessRecord, sure: Bool)? {
    guard pid > 0 else { return nil }
    let trusted = hasEvents && watch.blindSince == nil
    // It may end between two looks; then what is on record of it counts.
    if alive, let stat = files.stat(pid), let record = current(pid) {
      refreshIdentity(record, stat)
      if !record.image.environmentRead || !trusted { refreshImage(record, comm: stat.comm) }
      refreshAncestors(of: record, all: !trusted)
      record.shown = clock().up
      return (record, true)
    }
    guard trusted else { return shownBefore(pid).map { ($0, false) } }
    guard let record = records[pid] else { return predecessor(of: pid).map { ($0, true) } }
    if alive || record.exited != nil {
      refreshAncestors(of: record, all: false)
      return (record, true)
    }
    // Said to be dead, and its successor lives.
    if let old = predecessor(of: pid) { return (old, true) }
    return (record, false)
  }

  /// Without events: a dead process that /proc showed at a change of its own a moment ago. The
  /// span is too short for its pid to come again.
  private func shownBefore(_ pid: Int32) -> ProcessRecord? {
    let now = clock().up
    guard let record = records[pid], let shown = record.shown, now - shown < 1_000_000 else {
      return nil
    }
    record.shown = now
    return record
  }

  /// Looks again at living ancestors that were not seen; without events, where an exec is seen
  /// only by looking, at all of them.
  private func refreshAncestors(of record: ProcessRecord, all: Bool) {
    var next = record.parent
    var looks = 0
    while let ancestor = next, looks < 32 {
      next = ancestor.parent
      guard all || (ancestor.image.isUnseen && ancestor.exited == nil) else { continue }
      looks += 1
      if let stat = files.stat(ancestor.key.pid), ancestor.started(at: stat.start) {
        refreshImage(ancestor, comm: stat.comm)
      }
    }
  }

  private func gone(_ pid: Int32) -> Attribution {
    var actor = Actor()
    actor.pid = pid > 0 ? pid : nil
    let reason =
      hasEvents
      ? "process \(pid) was gone, and no event told of it"
      : "process \(pid) was gone before /proc could be read, and there are no process events"
    return Attribution(
      actor: actor, provenance: .unknown, confidence: .weak, agent: nil, via: nil,
      process: ProcessKey(pid: pid, start: 0), rootKey: "process:\(pid):0",
      chainText: "?(\(pid))", source: "proc", because: [reason], skipsPermissions: false,
      packageManager: false, chain: pid > 0 ? [ProcessKey(pid: pid, start: 0)] : [], complete: false
    )
  }

  private func judge(_ chain: ProcessChain, sure: Bool) -> Attribution {
    let record = chain.actor
    let agents = AgentFindings(in: chain, of: self)
    var verdict = Attribution(
      actor: actor(record), provenance: .unknown, confidence: .weak, agent: nil, via: nil,
      process: record.key, rootKey: rootKey(record, agents.outermost),
      chainText: chain.text(upTo: agents.outermost?.place),
      source: chain.recorded && hasEvents ? "process-events" : "proc", because: [],
      skipsPermissions: false, packageManager: false, chain: chain.records.map(\.key),
      complete: chain.hole == nil)
    if !sure {
      verdict.because.append(
        hasEvents
          ? "its end was reported by the file event, not by a process event"
          : "it had ended, /proc showed it a moment before")
    }
    let below = agents.chosen.map { chain.records[...$0.place] } ?? chain.records[...]
    let automations = below.compactMap(\.image.automation)
    verdict.packageManager = automations.contains(where: \.packageManager)
    verdict.via = automations.first?.name
    if let chosen = agents.chosen {
      verdict.provenance = .agentExecuted
      verdict.confidence = sure ? chosen.confidence : min(chosen.confidence, .strong)
      verdict.agent = agents.reference?.rooted(in: verdict.actor)
      verdict.skipsPermissions = agents.skipsPermissions
      verdict.because += agents.reasons
      if let flag = agents.skipFlag {
        verdict.because.append("an agent asks nobody before it acts: \(flag)")
      }
      if let reason = agents.modelReason { verdict.because.append(reason) }
      if let via = verdict.via { verdict.because.append("on the way: \(via)") }
      return verdict
    }
    if let hole = chain.holeText { verdict.because.append(hole) }
    judgeWithoutAgent(chain, &verdict)
    judgeRequests(chain, &verdict)
    if !sure { verdict.confidence = .weak }
    return verdict
  }

  /// What others ran for an agent has no chain to it: its request is a proof where it named the very
  /// unit, else a hint, which leaves a human's act in doubt.
  private func judgeRequests(_ chain: ProcessChain, _ verdict: inout Attribution) {
    let (requests, isProven) = launchRequests(for: chain)
    guard let first = requests.first else { return }
    verdict.requests = requests.map(\.text)
    if isProven {
      verdict.provenance = .agentExecuted
      verdict.confidence = .strong
      verdict.agent = AgentReference(name: first.agent, chain: [first.agent])
        .rooted(in: verdict.actor)
      verdict.via = "systemd"
      verdict.because.append("it runs in the unit that \(first.agent) asked for by name")
    } else {
      if verdict.provenance == .human { verdict.confidence = .weak }
      for request in requests where !verdict.hints.contains(request.agent) {
        verdict.hints.append(request.agent)
      }
      verdict.because.append(
        "\(first.agent) asked for something to be run a while before: this may be it")
    }
  }

  private func judgeWithoutAgent(_ chain: ProcessChain, _ verdict: inout Attribution) {
    let record = chain.actor
    if verdict.via == nil, let group = record.controlGroup, let unit = automation.unit(in: group) {
      verdict.via = unit
    }
    if let via = verdict.via {
      verdict.provenance = .automation
      verdict.confidence = chain.recorded && hasEvents ? .certain : .strong
      verdict.because.append("\(via) is in the chain, no agent is")
      return
    }
    if let launcher = chain.records.dropFirst().first(where: \.image.isLauncher) {
      verdict.because.append(
        "\(launcher.image.name)(\(launcher.key.pid)) started it on somebody's behalf")
      return
    }
    guard let login = record.loginUID else {
      verdict.because.append("no login uid is set: it does not come from a login")
      if let group = record.controlGroup, group.count > 1 {
        verdict.because.append("control group \(escaped(group.prefix(256)))")
      }
      return
    }
    guard chain.hole == nil else { return }
    let name = accountNames(login) ?? "\(login)"
    if let manager = chain.records.dropFirst().first(where: \.image.isUserManager) {
      let by = "\(manager.image.name)(\(manager.key.pid)), the service manager of \(name)"
      if chain.isTransientUnit {
        verdict.because.append("started on request by \(by)")
        return
      }
      verdict.provenance = .human
      verdict.because.append("login of \(name), but started by \(by)")
      return
    }
    verdict.provenance = .human
    if let unseen = chain.unseen {
      verdict.because.append(
        "login of \(name), but what its ancestor \(unseen.key.pid) ran was not seen")
      return
    }
    verdict.confidence = .strong
    verdict.because.append("login of \(name), no agent in its \(chain.records.count) processes")
  }

  func actor(_ record: ProcessRecord) -> Actor {
    var actor = Actor()
    actor.pid = record.key.pid
    actor.uid = record.effectiveUID
    actor.user = record.effectiveUID.map { accountNames($0) ?? "\($0)" }
    actor.loginUID = record.loginUID
    actor.loginUser = record.loginUID.map { accountNames($0) ?? "\($0)" }
    actor.session = record.auditSession
    actor.command = record.image.commandText
    return actor
  }

  private func rootKey(_ record: ProcessRecord, _ agent: AgentFinding?) -> String {
    if let key = agent?.key { return "agent:\(key.pid):\(key.start)" }
    if let session = record.auditSession { return "session:\(session)" }
    if record.group > 0 { return "group:\(record.group)" }
    return "process:\(record.key.pid):\(record.key.start)"
  }
}
