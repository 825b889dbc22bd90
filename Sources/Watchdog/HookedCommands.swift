import ByteText
import Grants
import Provenance

/// What an agent's hooks told of the command behind a grant: whether it told of all of it, which of
/// the agent's own agents ran it, and whether a human was asked.
extension Engine {
  /// Takes in what a hook reports beside advice.
  func note(_ report: AdviceSubmission, from origin: AdviceOrigin) {
    let time = min(origin.time, now.wall)
    reports.note(
      report, from: origin.submitter, isIndependent: origin.isIndependent, at: time)
    guard report.event == .decision, let toolUse = report.context.toolUse else { return }
    // Telemetry comes late: the grant may be there already.
    for id in store.order.suffix(64) {
      guard let advice = store[id]?.intent?.advice,
        self.advice.all[advice]?.context.toolUse == toolUse
      else { continue }
      update(id) { _ in }
      compareWithHooks(id, whole: true)
      applyRule(id)
    }
  }

  /// Compares a grant that an agent made with the commands that its hooks told of. Of a grant that
  /// grows that is done each time it has twice as many items, and, `whole`, at its end.
  func compareWithHooks(_ id: String, whole: Bool) {
    if let act = acts.act(of: id), act.matchedItems > 0, !whole,
      store.itemCount(id) < act.matchedItems * 2
    {
      return
    }
    guard let grant = store[id], grant.provenance == .agentExecuted, let agent = grant.agent,
      grant.state == .active || grant.state == .approved
    else { return }
    let uids = Set([grant.actor.loginUID, grant.actor.uid].compactMap { $0 })
    acts.matched(id, items: grant.items.count)
    // The nearest agent ran it, and it is the one whose session is known.
    let commands = advice.commands(
      of: agent.name, session: agent.session, uids: uids, before: grant.grantedAt)
    guard let told = advice.index.told(grant, by: commands.map(\.id)),
      let command = advice.all[told.advice]
    else { return noteUntold(grant, agent, uids) }
    let intent = Intent(
      told.isWhole ? .within : .wider, by: .hook, advice: command.id, said: told.change.saying)
    let prompt = reports.prompt(before: command, granted: grant.grantedAt)
    store.change(id) { grant in
      grant.agent?.append(command.context.subagentLinks)
      Self.set(prompt, of: &grant)
      // A human's word comes first.
      if grant.intent?.source != .approval { Self.set(intent, of: &grant) }
    }
  }

  /// The hooks of the agent's session tell of its commands, and of none that would give this.
  private func noteUntold(_ grant: Grant, _ agent: AgentReference, _ uids: Set<UInt32>) {
    guard let session = agent.session else { return }
    for uid in uids.sorted() {
      let key = AgentReports.Key(
        submitter: AdviceBook.Submitter(uid: uid), agent: agent.name, session: session)
      let running = reports.subagents(key)
      if !running.isEmpty {
        let names = running.map { "\($0.name) \($0.id ?? "")" }.joined(separator: ", ")
        let text = "own agents of the session that ran then: \(names)"
        store.change(grant.id) { grant in
          guard !grant.evidence.contains(where: { $0.text == text }) else { return }
          grant.evidence.append(Evidence(time: grant.grantedAt, source: "hook", text: text))
        }
      }
      guard let last = reports.lastCommand(key, before: grant.grantedAt) else { continue }
      let said = "the last one was: \(last)"
      store.change(grant.id) { grant in
        if grant.intent == nil {
          Self.set(Intent(.untold, by: .hook, advice: nil, said: said), of: &grant)
        }
      }
      return
    }
  }

  /// One line of the reasons tells of it.
  static func set(_ intent: Intent, of grant: inout Grant) {
    if let old = grant.intent { grant.because.removeAll { $0 == old.text } }
    grant.intent = intent
    grant.because.append(intent.text)
  }

  private static func set(_ prompt: PromptEvidence, of grant: inout Grant) {
    if let old = grant.prompt { grant.because.removeAll { $0 == old.text } }
    grant.prompt = prompt
    grant.because.append(prompt.text)
  }
}

extension ProposedChange {
  /// For people: what it gives, and the command.
  var saying: String {
    "\(subject) \(right) on \(object)\(recursive ? " and below" : "") (\(command))"
  }
}
