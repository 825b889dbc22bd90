package import ByteText

/// What the rules make of a grant.
package struct Verdict: Equatable, Sendable {
  /// The rule that won; nil when none matches.
  package var rule: String?
  /// From the grant to its deadline; nil for no deadline.
  package var ttl: TimeSpan?
  /// How long before the deadline to warn; nil for no warning.
  package var warnBefore: TimeSpan?
  /// It is taken back at its deadline, not only reported.
  package var willRevoke = false
  package var severity: Severity
  package var onResidue = ResidueAction.report
  package var nativeExpiry = false
  /// One line each.
  package var reasons: [String] = []
}

/// Names of package managers: what they did is never revoked by itself.
private let packageManagers: Set<String> = [
  "dpkg", "apt", "apt-get", "aptitude", "unattended-upgrade", "unattended-upgrades", "packagekitd",
  "rpm", "dnf", "yum", "zypper", "pacman", "apk", "snapd", "flatpak",
]

extension Configuration {
  /// The verdict on a grant: for each of its objects the first rule that matches; where they
  /// differ, the strictest of these (revoke before alert, then the shorter time).
  ///
  /// The cost grows with the items only where a rule names objects.
  package func verdict(for grant: Grant) -> Verdict {
    var verdict = Verdict(severity: defaultSeverity(of: grant))
    if grant.skipsPermissions {
      let plain = verdict.severity
      verdict.severity = plain.raised
      verdict.reasons.append(
        "the agent asks nobody before it acts: severity \(plain.rawValue)"
          + (plain.raised == plain ? " stays" : " becomes \(plain.raised.rawValue)"))
    }
    if grant.standing {
      verdict.reasons.append("standing: it was there at the first start, no deadline")
      return verdict
    }
    guard let rule = winner(for: grant, reasons: &verdict.reasons) else {
      verdict.reasons.append("no rule matches: no deadline")
      return verdict
    }
    verdict.rule = rule.name
    verdict.reasons.append(rule.why(grant))
    verdict.onResidue = rule.onResidue
    verdict.nativeExpiry = rule.nativeExpiry
    if let severity = rule.severity {
      verdict.severity = severity
      verdict.reasons.append("rule \(rule.name) sets severity \(severity.rawValue)")
    }
    guard let ttl = rule.ttl else {
      verdict.reasons.append("rule \(rule.name) has no TTL: no deadline")
      return verdict
    }
    verdict.ttl = ttl
    if let warnBefore = rule.warnBefore, warnBefore < ttl { verdict.warnBefore = warnBefore }
    if let refusal = refusal(of: rule, grant) {
      verdict.reasons.append("due \(ttl.text) after the grant, then alert: \(refusal)")
    } else {
      verdict.willRevoke = true
      verdict.reasons.append("due \(ttl.text) after the grant, then revoke")
    }
    return verdict
  }

  /// Why a grant is not taken back at its deadline; nil when it is.
  private func refusal(of rule: Rule, _ grant: Grant) -> String? {
    if rule.onDeadline != .revoke { return "rule \(rule.name) has OnDeadline=alert" }
    if mode != .enforce { return "the mode is \(mode.rawValue)" }
    if grant.confidence < .strong { return "nothing is revoked by itself on weak confidence" }
    if grant.fromPackageManager || grant.via.map(packageManagers.contains) == true {
      return "nothing that a package manager did is revoked by itself"
    }
    return nil
  }

  private func winner(for grant: Grant, reasons: inout [String]) -> Rule? {
    var best: Rule?
    var left = grant.items.isEmpty ? [grant.object] : grant.items.map(\.object)
    for rule in rules {
      if let obstacle = rule.obstacle(grant) {
        reasons.append("rule \(rule.name) does not match: \(obstacle)")
        continue
      }
      let before = left.count
      if rule.namesObjects {
        left.removeAll { rule.matches(object: $0) }
        guard left.count < before else {
          reasons.append("rule \(rule.name) does not match: \(rule.objectObstacle(grant))")
          continue
        }
      } else {
        left = []
      }
      if best.map({ rule.isStricter(than: $0) }) ?? true { best = rule }
      if left.isEmpty { break }
    }
    return best
  }
}

extension Rule {
  /// True when the rule speaks of this grant, of one of its objects at least.
  package func matches(_ grant: Grant) -> Bool {
    obstacle(grant) == nil && matchesObject(of: grant)
  }

  /// One line: why the rule matches, or what stands against it.
  package func why(_ grant: Grant) -> String {
    if let obstacle = obstacle(grant) { return "rule \(name) does not match: \(obstacle)" }
    guard matchesObject(of: grant) else {
      return "rule \(name) does not match: \(objectObstacle(grant))"
    }
    var parts: [String] = []
    if provenance != nil { parts.append("provenance is \(grant.provenance.rawValue)") }
    if !kinds.isEmpty { parts.append("kind is \(grant.kind.rawValue)") }
    if !subject.isEmpty { parts.append("subject is \(grant.subject)") }
    if namesObjects { parts.append("object matches \(object.joined(separator: " "))") }
    if !agent.isEmpty { parts.append("agent is \(grant.agent?.name ?? "none")") }
    if chainLength != nil {
      parts.append("its chain has \(counted(grant.agent?.chainLength ?? 0, "agent"))")
    }
    if !chainMember.isEmpty { parts.append("its chain is \(grant.agent?.chainText ?? "empty")") }
    if intent != nil { parts.append("intent is \(RuleIntent(grant.intent).rawValue)") }
    if minPrompt != .none {
      parts.append("prompt \(counting(grant).rawValue) is at least \(minPrompt.rawValue)")
    }
    if !hint.isEmpty, let agent = grant.hints.first(where: { accepts(hint, $0) }) {
      parts.append("it may be what \(agent) asked for")
    }
    if inGap != nil { parts.append("given \(grant.earliest == nil ? "outside" : "in") a gap") }
    parts.append("confidence \(grant.confidence.rawValue) is at least \(minConfidence.rawValue)")
    return "rule \(name) matches: \(parts.joined(separator: ", "))"
  }

  /// What stands against the rule, objects left aside.
  func obstacle(_ grant: Grant) -> String? {
    if let provenance, !provenance.contains(grant.provenance) {
      return "provenance is \(grant.provenance.rawValue)"
    }
    if !accepts(kinds, grant.kind.rawValue) { return "kind is \(grant.kind.rawValue)" }
    if !accepts(subject, grant.subject) { return "subject is \(grant.subject)" }
    let agents = grant.agent.map { [$0.name] + $0.chain } ?? [""]
    if !agents.contains(where: { accepts(agent, $0) }) {
      return "agent is \(grant.agent?.name ?? "none")"
    }
    if let chainLength, !chainLength.contains(grant.agent?.chainLength ?? 0) {
      return "its chain has \(counted(grant.agent?.chainLength ?? 0, "agent"))"
    }
    let links = grant.agent?.delegation.map(\.text) ?? [""]
    if !links.contains(where: { accepts(chainMember, $0) }) {
      return "its chain is \(grant.agent?.chainText ?? "empty")"
    }
    if let intent, !intent.contains(RuleIntent(grant.intent)) {
      return "intent is \(RuleIntent(grant.intent).rawValue)"
    }
    if counting(grant) < minPrompt {
      let told = grant.prompt?.grade ?? .none
      return "prompt \(counting(grant).rawValue) is below \(minPrompt.rawValue)"
        + (told >= minPrompt ? ": the agent's own user told of it, see PromptFrom=" : "")
    }
    if !hint.isEmpty, !grant.hints.contains(where: { accepts(hint, $0) }) {
      return grant.hints.isEmpty
        ? "nothing hints at an agent" : "the hint is at \(grant.hints.joined(separator: " "))"
    }
    if let inGap, inGap != (grant.earliest != nil) {
      return inGap ? "not given in a gap" : "given in a gap"
    }
    if grant.confidence < minConfidence {
      return "confidence \(grant.confidence.rawValue) is below \(minConfidence.rawValue)"
    }
    return nil
  }

  /// The grade of the agent's own question, as far as the rule takes the teller's word.
  private func counting(_ grant: Grant) -> PromptGrade {
    guard let prompt = grant.prompt, prompt.isIndependent || promptFrom == .any else {
      return .none
    }
    return prompt.grade
  }

  /// False where every object is meant.
  var namesObjects: Bool { !object.isEmpty && !object.contains("*") }

  func matches(object text: String) -> Bool {
    object.contains { glob($0.hasPrefix("/") ? "file:\($0)" : $0, matches: text) }
  }

  func objectObstacle(_ grant: Grant) -> String { "object is \(grant.object)" }

  private func matchesObject(of grant: Grant) -> Bool {
    !namesObjects || matches(object: grant.object)
      || grant.items.contains { matches(object: $0.object) }
  }

  /// Revoke before alert, then the shorter time.
  func isStricter(than other: Rule) -> Bool {
    func rank(_ rule: Rule) -> Int {
      rule.ttl == nil ? 0 : rule.onDeadline == .revoke ? 2 : 1
    }
    if rank(self) != rank(other) { return rank(self) > rank(other) }
    return (ttl?.microseconds ?? .max) < (other.ttl?.microseconds ?? .max)
  }
}

private func counted(_ number: Int, _ noun: String) -> String {
  "\(number) \(noun)\(number == 1 ? "" : "s")"
}

private func accepts(_ globs: [String], _ text: String) -> Bool {
  globs.isEmpty || globs.contains { glob($0, matches: text) }
}
