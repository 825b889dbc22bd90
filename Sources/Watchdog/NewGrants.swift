import ByteText
import Grants
import Kinds
import Provenance
import Sources

extension Engine {
  /// A grant with what its process tells; neither stored nor judged yet.
  func newGrant(
    _ kind: GrantKind, subject: String, object: String, right: String, _ attribution: Attribution,
    at now: Moment
  ) -> Grant {
    let id = Identifier.make("g", length: 6) { store[$0] != nil }
    var grant = Grant(
      id: id,
      incident: incidents.incident(
        root: attribution.rootKey, at: now.up, taken: { store.hasIncident($0) }),
      host: settings.host, kind: kind, subject: subject, object: object, right: right, at: now)
    grant.provenance = attribution.provenance
    grant.confidence = attribution.confidence
    grant.agent = attribution.agent
    grant.hints = attribution.hints
    grant.via = attribution.via
    grant.actor = attribution.actor
    grant.because = attribution.because
    grant.fromPackageManager = attribution.packageManager
    grant.skipsPermissions = attribution.skipsPermissions
    if !attribution.chainText.isEmpty {
      grant.evidence.append(
        Evidence(time: now.wall, source: attribution.source, text: attribution.chainText))
    }
    for request in attribution.requests {
      grant.evidence.append(
        Evidence(time: now.wall, source: "process-events", text: request))
    }
    countForAgent(id, attribution)
    return grant
  }

  /// Stores a new grant as the first of its act.
  func begin(_ grant: Grant, _ key: ActKey, _ attribution: Attribution, at now: Moment) {
    insert(grant)
    acts.begin(grant.id, key, at: now.up)
    recentProcesses.add(attribution.chain, grant: grant.id, at: now.up)
    attachRecentSignals(to: grant.id)
    awaitExplanation(grant)
    noteMadeMeanwhile(grant)
    agenda.add(.closeAct(grant.id), at: now.up + OpenActs.quiet)
    agenda.add(.detectionAlert(grant.id), at: now.up + OpenActs.quiet)
  }

  /// Looks up the advice a new or grown grant follows, what was said to be done, and the rule that
  /// is for it. Called before the grant is written, so that the record has the verdict; its items
  /// from `first` on are new, and may be divided while they are not written yet.
  func judge(_ id: String, from first: Int, mayDivide: Bool = true) {
    guard let grant = store[id], !grant.standing else { return }
    compareWithApprovals(id, from: first, mayDivide: mayDivide)
    follow(grant, whole: false)
    if store[id]?.state == .approved, acts.act(of: id) != nil {
      // What comes later is a new grant.
      acts.close(id)
      store.change(id) { $0.open = false }
    }
  }

  /// What the grant's advice, the agent's hooks and the rules make of it.
  private func follow(_ grant: Grant, whole: Bool) {
    if let grant = store[grant.id] { matchAdvice(grant, whole: whole) }
    keepAdvised(grant.id)
    compareWithHooks(grant.id, whole: whole)
    applyRule(grant.id)
  }

  private func matchAdvice(_ grant: Grant, whole: Bool = false) {
    guard grant.provenance == .human || grant.provenance == .unknown || grant.advice != nil
    else { return }
    if let act = acts.act(of: grant.id), act.matchedItems > 0, !whole,
      grant.items.count < act.matchedItems * 2
    {
      return
    }
    acts.matched(grant.id, items: grant.items.count)
    let match = advice.index.best(for: grant, at: now)
    guard let match, let source = advice.all[match.advice] else {
      // What goes beyond an approved advice still follows a part of it.
      let isBeyond = grant.intent?.fit == .wider && grant.intent?.advice == grant.advice
      if grant.advice != nil, whole, !isBeyond { unmatch(grant.id) }
      return
    }
    follow(
      grant.id, source, match.confidence,
      because: "advice \(match.advice) of \(source.agent) at \(source.time.rfc3339) proposed it: "
        + match.factors.map { "\($0.name) \($0.points)" }.joined(separator: ", ")
        + ", score \(match.score): \(match.confidence.rawValue)",
      proposed: match.change.command)
  }

  /// Says that a grant follows an advice, and why.
  func follow(
    _ id: String, _ source: Advice, _ confidence: Confidence, because: String, proposed: String
  ) {
    let isNew = store[id]?.advice != source.id
    let agent = advice.reference(to: source)
    store.change(id) { grant in
      if grant.ownProvenance == nil {
        grant.ownProvenance = grant.provenance
        grant.ownConfidence = grant.confidence
      }
      grant.advice = source.id
      grant.provenance = .agentAdvised
      grant.confidence = confidence
      grant.agent = agent
      grant.because.removeAll(where: Self.tellsOfAdvice)
      grant.because.append(because)
      if isNew {
        grant.evidence.append(
          Evidence(
            time: source.time, source: "advice", text: "\(source.agent) proposed: \(proposed)"))
      }
    }
    guard isNew else { return }
    afterGrantsWritten { [self] in
      advice.change(source.id) { advice in
        if !advice.matched.contains(id) { advice.matched.append(id) }
      }
      announce(
        "advice.matched", grant: id,
        "grant \(id) follows advice \(source.id) of \(source.agent) (\(confidence.rawValue))"
      ) { $0.member("advice", source.id) }
    }
  }

  /// True for the reason that `follow` gives.
  private static func tellsOfAdvice(_ reason: String) -> Bool {
    reason.hasPrefix("advice ") && reason.contains(" proposed ")
  }

  /// The act turned out to go beyond the advice altogether.
  private func unmatch(_ id: String) {
    update(id) { grant in
      guard let provenance = grant.ownProvenance, let confidence = grant.ownConfidence else {
        return
      }
      grant.provenance = provenance
      grant.confidence = confidence
      grant.advice = nil
      grant.agent = nil
      grant.because.removeAll(where: Self.tellsOfAdvice)
    }
  }

  func applyRule(_ id: String) {
    guard let grant = store[id] else { return }
    let verdict = configuration.verdict(for: grant)
    let changed = grant.rule != verdict.rule || grant.severity != verdict.severity
    guard changed || (grant.deadline == nil && verdict.ttl != nil) else {
      if shortenDeadline(id), let deadline = store[id]?.deadline {
        agenda.add(.deadline(id), at: deadline.up)
      }
      return
    }
    store.change(id) { grant in
      grant.rule = verdict.rule
      grant.severity = verdict.severity
      if let ttl = verdict.ttl {
        // The deadline counts from the first item, on the clock that never steps.
        let start = Moment(wall: grant.grantedAt, up: grant.grantedUp, boot: grant.boot)
        grant.deadline =
          start.boot == now.boot
          ? Deadline(ttl, after: start)
          : Deadline(ttl, after: start).carried(to: now, mark: nil)
      } else {
        grant.deadline = nil
      }
    }
    shortenDeadline(id)
    if let deadline = store[id]?.deadline {
      agenda.add(.deadline(id), at: deadline.up)
      if let before = verdict.warnBefore {
        agenda.add(.warning(id), at: deadline.up - before.microseconds)
      }
    }
  }

  private static let lookAgain: Int64 = 50_000

  /// The act of `id` may be over: nothing came for two seconds, or it lasted a minute.
  func closeActIfOver(_ id: String) {
    guard let act = acts.act(of: id) else { return }
    let end = act.first + OpenActs.longest
    guard OpenActs.isOver(act, at: now.up) else {
      return agenda.add(.closeAct(id), at: min(act.last + OpenActs.quiet, end))
    }
    // On a busy host its next changes may wait to be read, made before its process ended.
    if latestChange(by: act.process) < end, now.up < act.first + OpenActs.longestLate,
      fileWatch?.hasUnread == true
    {
      return agenda.add(.closeAct(id), at: now.up + Self.lookAgain)
    }
    closeAct(id)
  }

  func closeAct(_ id: String) {
    shapes[id] = nil
    guard let grant = store[id] else { return acts.close(id) }
    if grant.open {
      if acts.act(of: id)?.matchedItems != grant.items.count {
        follow(grant, whole: true)
      } else {
        // A hook's record may come a moment after what it tells of.
        compareWithHooks(id, whole: true)
        applyRule(id)
      }
    }
    acts.close(id)
    update(id) { $0.open = false }
    sendDetectionAlert(id)
    settleNativeExpiry(id)
  }
}
