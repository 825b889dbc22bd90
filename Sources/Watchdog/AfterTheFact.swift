import ByteText
import Grants
import Provenance
import Sources

/// Who gave what nobody was seen to give: grants found by a look at the state, after the daemon was
/// down or a source had lost events, are explained by what the journal and the audit log tell of
/// that span.
extension Engine {
  /// Grants without an actor that are compared with a signal at the most.
  private static let mostUnexplained = 1024

  /// How long after its detection a source may still be behind.
  private static let patience = TimeSpan(seconds: 3600)

  /// A grant that a look at the state has found waits for its explanation.
  func awaitExplanation(_ grant: Grant) {
    guard grant.earliest != nil, grant.actor.pid == nil,
      unexplained.count < Self.mostUnexplained
    else { return }
    unexplained.insert(grant.id)
  }

  /// The grants of which `signal` says who gave them: it must be proven, of the span in which
  /// nobody looked, and tell of the very grant, or of a command that would give it whole.
  func explainable(by signal: AccessSignal) -> [String] {
    guard !unexplained.isEmpty, signal.trusted, signal.pid > 0 else { return [] }
    let changes =
      signal.type == .use ? signal.command.map(ChangeGrammar.changes(inCommand:)) ?? [] : []
    var found: [String] = []
    for id in unexplained.sorted() {
      guard let grant = store[id], let earliest = grant.earliest, grant.actor.pid == nil,
        now.wall - grant.detectedAt < Self.patience
      else {
        unexplained.remove(id)
        continue
      }
      // A command is logged before it runs.
      guard signal.time + TimeSpan(seconds: 1) >= earliest, signal.time <= grant.detectedAt else {
        continue
      }
      if tells(signal, of: grant) || wouldGive(changes, signal, grant) { found.append(id) }
    }
    return found
  }

  private func wouldGive(
    _ changes: [ProposedChange], _ signal: AccessSignal, _ grant: Grant
  ) -> Bool {
    guard changes.contains(where: { $0.kind == grant.kind }) else { return false }
    var command = Advice(
      id: "", agent: "", time: signal.time, until: Deadline(TimeSpan(seconds: 60), after: now),
      submittedBy: signal.uid, text: "")
    command.changes = changes
    var index = AdviceIndex()
    index.add(command)
    var given = grant
    given.grantedAt = max(given.grantedAt, signal.time)
    return index.best(for: given, at: now)?.confidence == .strong
  }

  /// Says in the grant who gave it and when, as the signal has it. The chain of processes is gone,
  /// so that it is an agent's only where its unit or account is declared to be one's.
  func explain(_ id: String, by signal: AccessSignal) {
    guard let grant = store[id], grant.actor.pid == nil else { return }
    unexplained.remove(id)
    let declared = processes.signatures.declared(
      unit: signal.unit, userUnit: signal.userUnit,
      users: [signal.loginUID, signal.uid].compactMap { $0 }.map { ($0, hostAccounts.userName($0)) }
    )
    update(id) { grant in
      grant.actor.pid = signal.pid
      grant.actor.uid = signal.uid == .max ? nil : signal.uid
      grant.actor.user = grant.actor.uid.map { hostAccounts.displayName($0) ?? "\($0)" }
      grant.actor.loginUID = signal.loginUID
      grant.actor.loginUser = signal.loginUID.map { hostAccounts.displayName($0) ?? "\($0)" }
      grant.actor.session = signal.session
      grant.actor.command = signal.command ?? grant.actor.command
      let time = min(max(signal.time, grant.earliest ?? signal.time), grant.grantedAt)
      grant.backdate(to: time)
      // Known to the line, no span is left.
      grant.earliest = time
      grant.because.append(
        "afterwards the \(signal.source) says who: \(signal.tool)[\(signal.pid)]"
          + " at \(signal.time.rfc3339)")
      guard let declared else { return }
      grant.provenance = .agentExecuted
      grant.confidence = .strong
      grant.agent = AgentReference(name: declared.agent, chain: [declared.agent])
        .rooted(in: grant.actor)
      grant.because.append("\(declared.by) is declared to be \(declared.agent)'s")
    }
    judge(id, from: 0, mayDivide: false)
  }
}
