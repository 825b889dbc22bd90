import ByteText
import Dispatch
import Grants
import LinuxKit
import Provenance
import Sources

/// Log files that tell of access elsewhere. A line never makes a grant of this host (law 1); what
/// it tells of is another system's, whose state nobody here can read.
extension Engine {
  /// Follows the files that the configuration names; those that stay go on where they are.
  func openLogFiles() {
    logFiles = configuration.logFiles.map { file in
      logFiles.first { $0.configuration == file }
        ?? LogFileSource(file, after: logFilePositions[file.name])
    }
  }

  /// Reads what is new in them.
  func readLogFiles() {
    for source in logFiles { read(source) }
  }

  private func read(_ source: LogFileSource) {
    turn {
      let name = source.configuration.name
      do {
        var signals: [AccessSignal] = []
        let progress = try source.process { signals.append($0) }
        for signal in signals { takeTold(signal) }
        if let gap = progress.gap {
          self.gap(
            source: name, reason: gap, from: logFileRead[name] ?? startedAt.wall, to: now.wall)
        }
        logFileRead[name] = now.wall
        if let position = progress.position, position != logFilePositions[name] {
          logFilePositions[name] = position
          record("logfile.position") { writer in
            writer.member("name", name)
            writer.member("position", position)
          }
        }
        if source.isOpenToOthers {
          problems.set(
            .logFile(name),
            "\(name): \(source.configuration.path): others than root may write it: not believed")
        } else {
          problems.clear(.logFile(name))
        }
        if progress.more { queue.async { self.readLogFiles() } }
      } catch {
        if problems.set(.logFile(name), "\(name): \(error)") { settings.log("\(name): \(error)") }
      }
    }
  }

  private func takeTold(_ signal: AccessSignal) {
    take(signal, isLast: true)
    // A connector's reports say what is there; then lines only say who.
    guard signal.trusted, let kind = signal.kind, isOnlyToldOf(kind), let object = signal.object
    else { return }
    let standing = store.told(kind, object).filter { store[$0].map(GrantStore.stands) == true }
    func end(_ ended: (Grant) -> Bool) {
      for id in standing where store[id].map(ended) == true { self.end(id, by: .removed) }
    }
    switch signal.type {
    case .grant: told(signal, kind, signal.subject ?? "unknown", object, standing)
    case .revoke: end { signal.subject == nil || $0.subject == signal.subject }
    case .set:
      guard let members = signal.members else { return }
      end { !members.contains($0.subject) }
      for member in members { told(signal, kind, member, object, standing) }
    default: break
    }
  }

  private func told(
    _ signal: AccessSignal, _ kind: GrantKind, _ subject: String, _ object: String,
    _ standing: [String]
  ) {
    let right = signal.right ?? "unknown"
    let isKnown = standing.contains { id in
      guard let grant = store[id] else { return false }
      return GrantStore.stands(grant) && grant.subject == subject && grant.right == right
    }
    guard !isKnown else { return }
    let now = now
    let attribution = attribution(told: signal)
    var grant = newGrant(
      kind, subject: subject, object: object, right: right, attribution, at: now)
    grant.items = [GrantItem(object: object, before: "absent", after: right)]
    grant.evidence.append(signal.evidence)
    if signal.time < now.wall { grant.backdate(to: signal.time) }
    begin(
      grant, ActKey(process: attribution.process, kind: kind, detail: "\(subject) \(object)"),
      attribution, at: now)
  }

  /// Names are those of the other system: an agent is known by `User=` of its description.
  private func attribution(told signal: AccessSignal) -> Attribution {
    let user = signal.actorUser ?? "somebody"
    var attribution = Attribution.unseen(
      reason: "\(signal.source) says that \(user) did it, on another system")
    attribution.actor.user = signal.actorUser
    attribution.actor.command = signal.message
    attribution.rootKey = "told:\(signal.source):\(user)"
    let declared = processes.signatures.declared(
      unit: nil, userUnit: nil, users: [(.max, signal.actorUser)])
    if let declared {
      attribution.provenance = .agentExecuted
      attribution.confidence = .strong
      attribution.agent = AgentReference(name: declared.agent, chain: [declared.agent])
      attribution.because.append("\(declared.by) is declared to be \(declared.agent)'s")
    }
    return attribution
  }
}
