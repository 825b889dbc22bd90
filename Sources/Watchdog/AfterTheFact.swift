import ByteText
import Grants
import Provenance
import Sources

/// Who gave what nobody was seen to give: grants found by a look at the state, after the daemon was
/// down or a source had lost events, and those whose process was gone before it could be looked at,
/// are explained by what the journal and the audit log tell of that span.
extension Engine {
  /// Grants without an actor that are compared with a signal at the most.
  private static let mostUnexplained = 1024

  /// How long after its detection a source may still be behind.
  private static let patience = TimeSpan(seconds: 3600)
  /// The same for what was seen as it happened.
  private static let patienceForSeen = TimeSpan(seconds: 60)

  /// A grant that has no actor waits for its explanation; it may have come already.
  func awaitExplanation(_ grant: Grant) {
    guard isUnexplained(grant) else { return }
    if unexplained.count >= Self.mostUnexplained { forgetUnexplained() }
    guard unexplained.count < Self.mostUnexplained else { return }
    unexplained.insert(grant.id)
    guard grant.earliest == nil else { return }
    let told = recentCommands { !explainable(by: $0, among: [grant.id]).isEmpty }
    guard let last = told.last else { return }
    attach(last.evidence, to: grant.id)
    tellWho(grant.id, by: last)
  }

  private func recentCommands(where isMeant: (AccessSignal) -> Bool) -> [AccessSignal] {
    recentSignals.signals(since: now.up - Self.reach) {
      $0.type == .use && $0.command != nil && isMeant($0)
    }
  }

  private func isUnexplained(_ grant: Grant) -> Bool {
    if grant.earliest != nil { return grant.actor.pid == nil }
    return grant.actor.pid != nil && grant.actor.uid == nil && grant.actor.user == nil
  }

  private func forgetUnexplained() {
    unexplained = unexplained.filter { store[$0].map(isAwaited) ?? false }
  }

  /// True as long as a source may still tell who gave it.
  private func isAwaited(_ grant: Grant) -> Bool {
    let patience = grant.earliest == nil ? Self.patienceForSeen : Self.patience
    return isUnexplained(grant) && now.wall - grant.detectedAt < patience
  }

  /// The grants of which `signal` says who gave them: it must be proven, of the span in which
  /// nobody looked, and tell of the very grant, or of a command that would give it whole.
  func explainable(by signal: AccessSignal) -> [String] {
    explainable(by: signal, among: unexplained.sorted())
  }

  private func explainable(by signal: AccessSignal, among ids: [String]) -> [String] {
    guard !ids.isEmpty, signal.trusted, signal.pid > 0 else { return [] }
    let changes =
      signal.type == .use ? signal.command.map(ChangeGrammar.changes(inCommand:)) ?? [] : []
    var found: [String] = []
    for id in ids {
      guard let grant = store[id], isAwaited(grant) else {
        unexplained.remove(id)
        continue
      }
      let earliest =
        grant.earliest ?? grant.grantedAt - TimeSpan(microseconds: Self.reach)
      // A command is logged before it runs.
      guard signal.time + TimeSpan(seconds: 1) >= earliest, signal.time <= grant.detectedAt else {
        continue
      }
      // Of a change that was seen, its own process has more to say than one that names the same.
      let isNamed = grant.earliest != nil && tells(signal, of: grant)
      if isNamed || (wouldGive(changes, signal, grant) && !isRivalled(signal, grant)) {
        found.append(id)
      }
    }
    return found
  }

  /// Somebody else ran the like about when a grant was seen to be given: either may have been it.
  private func isRivalled(_ signal: AccessSignal, _ grant: Grant) -> Bool {
    guard grant.earliest == nil else { return false }
    let others = recentCommands {
      $0.trusted && ($0.loginUID ?? $0.uid) != (signal.loginUID ?? signal.uid)
        && $0.time <= grant.detectedAt
    }
    return others.contains { other in
      let changes = other.command.map(ChangeGrammar.changes(inCommand:)) ?? []
      return wouldGive(changes, other, grant)
    }
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

  /// Says in the grant who gave it and when, as the signal has it, and judges it anew.
  func explain(_ id: String, by signal: AccessSignal) {
    if tellWho(id, by: signal) { judge(id, from: 0, mayDivide: false) }
  }

  /// The chain of processes is gone, so that it is an agent's only where its unit or account is
  /// declared to be one's. False when it was explained before.
  @discardableResult
  private func tellWho(_ id: String, by signal: AccessSignal) -> Bool {
    guard let grant = store[id], isUnexplained(grant) else { return false }
    unexplained.remove(id)
    let declared = processes.signatures.declared(
      unit: signal.unit, userUnit: signal.userUnit,
      users: [signal.loginUID, signal.uid].compactMap { $0 }.map { ($0, hostAccounts.userName($0)) }
    )
    update(id) { grant in
      grant.actor.pid = grant.actor.pid ?? signal.pid
      grant.actor.uid = signal.uid == .max ? nil : signal.uid
      grant.actor.user = grant.actor.uid.map { hostAccounts.displayName($0) ?? "\($0)" }
      grant.actor.loginUID = signal.loginUID
      grant.actor.loginUser = signal.loginUID.map { hostAccounts.displayName($0) ?? "\($0)" }
      grant.actor.session = signal.session
      grant.actor.command = signal.command ?? grant.actor.command
      if let earliest = grant.earliest {
        let time = min(max(signal.time, earliest), grant.grantedAt)
        grant.backdate(to: time)
        // Known to the line, no span is left.
        grant.earliest = time
      }
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
    return true
  }
}
