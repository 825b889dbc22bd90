import ByteText
import Grants
import Testing

@Suite struct ConfigurationVerdictTests {
  private func grant(
    _ provenance: Provenance, _ confidence: Confidence = .certain, kind: GrantKind = .fileMode,
    object: String = "file:/srv/data", right: String = "read", subject: String = "everyone"
  ) -> Grant {
    let now = Moment(wall: Timestamp(microseconds: 0), up: 0, boot: "a")
    var grant = Grant(
      id: "g-000000", incident: "i-0000", host: "web1", kind: kind, subject: subject,
      object: object, right: right, at: now)
    grant.provenance = provenance
    grant.confidence = confidence
    return grant
  }

  private func rule(_ name: String, ttl: Int64?, _ change: (inout Rule) -> Void = { _ in }) -> Rule
  {
    var rule = Rule(name: name)
    rule.ttl = ttl.map { TimeSpan(seconds: $0) }
    change(&rule)
    return rule
  }

  private func enforcing(_ rules: [Rule]) -> Configuration {
    var configuration = Configuration()
    configuration.mode = .enforce
    configuration.rules = rules
    return configuration
  }

  @Test("The first rule that matches wins; without one there is no deadline")
  func first() {
    let configuration = enforcing([
      rule("people", ttl: 5) { $0.provenance = [.human] },
      rule("agents", ttl: 900) {
        $0.provenance = [.agentExecuted]
        $0.warnBefore = TimeSpan(seconds: 300)
        $0.onDeadline = .revoke
      },
      rule("rest", ttl: 60) { $0.provenance = [.agentExecuted] },
    ])
    let verdict = configuration.verdict(for: grant(.agentExecuted))
    #expect(verdict.rule == "agents")
    #expect(verdict.ttl == TimeSpan(seconds: 900))
    #expect(verdict.warnBefore == TimeSpan(seconds: 300))
    #expect(verdict.willRevoke)
    #expect(
      verdict.reasons == [
        "rule people does not match: provenance is agent-executed",
        "rule agents matches: provenance is agent-executed, confidence certain is at least strong",
        "due 15min after the grant, then revoke",
      ])
    let none = configuration.verdict(for: grant(.automation))
    #expect(none.rule == nil && none.ttl == nil && !none.willRevoke)
    #expect(none.reasons.last == "no rule matches: no deadline")
  }

  @Test("Rules match the chain, what was said before, and the agent's own question")
  func chainAndIntent() {
    func winner(_ grant: Grant, _ change: (inout Rule) -> Void) -> Bool {
      enforcing([rule("r", ttl: 5, change)]).verdict(for: grant).rule == "r"
    }
    var given = grant(.agentExecuted)
    given.actor.loginUser = "alice"
    given.agent = AgentReference(name: "codex", chain: ["claude-code", "codex"])
      .rooted(in: given.actor)
    #expect(winner(given) { $0.chainLength = 2...16 })
    #expect(!winner(given) { $0.chainLength = 3...16 })
    #expect(winner(given) { $0.chainMember = ["human:alice"] })
    #expect(winner(given) { $0.chainMember = ["agent:claude-*"] })
    #expect(!winner(given) { $0.chainMember = ["subagent:*"] })
    #expect(!winner(grant(.agentExecuted)) { $0.chainLength = 1...16 })
    #expect(winner(grant(.human)) { $0.chainLength = 0...0 })
    #expect(winner(given) { $0.intent = [.none] })
    given.intent = Intent(.wider, by: .hook, advice: nil, said: "x")
    #expect(winner(given) { $0.intent = [.wider, .untold] })
    #expect(!winner(given) { $0.intent = [.within, .none] })
    #expect(!winner(given) { $0.minPrompt = .asked })
    given.prompt = PromptEvidence(.clicked)
    #expect(!winner(given) { $0.minPrompt = .asked })
    #expect(
      enforcing([rule("r", ttl: 5) { $0.minPrompt = .asked }]).verdict(for: given).reasons.first
        == "rule r does not match: prompt none is below asked: the agent's own user told of it,"
        + " see PromptFrom=")
    #expect(
      winner(given) {
        $0.minPrompt = .asked
        $0.promptFrom = .any
      })
    given.prompt?.isIndependent = true
    #expect(winner(given) { $0.minPrompt = .clicked })
    given.prompt?.grade = .remembered
    #expect(!winner(given) { $0.minPrompt = .clicked })
  }

  @Test(
    "Hint= speaks of what an agent may have asked for; that is alerted, never revoked by itself")
  func hints() {
    let configuration = enforcing([
      rule("hint", ttl: 900) {
        $0.provenance = [.unknown, .human]
        $0.hint = ["claude-*"]
        $0.minConfidence = .weak
        $0.onDeadline = .revoke
      }
    ])
    var hinted = grant(.unknown, .weak)
    #expect(configuration.verdict(for: hinted).rule == nil)
    #expect(
      configuration.verdict(for: hinted).reasons.first
        == "rule hint does not match: nothing hints at an agent")
    hinted.hints = ["codex"]
    #expect(configuration.verdict(for: hinted).rule == nil)
    hinted.hints = ["codex", "claude-code"]
    let verdict = configuration.verdict(for: hinted)
    #expect(verdict.rule == "hint" && verdict.ttl == TimeSpan(seconds: 900))
    #expect(!verdict.willRevoke)
    #expect(verdict.reasons.first?.contains("it may be what claude-code asked for") == true)
    hinted.provenance = .human
    #expect(configuration.verdict(for: hinted).rule == "hint")
  }

  @Test("The shipped rules give a hint a deadline that alerts")
  func shippedHint() throws {
    let path = ConfigurationSamples.root + "/etc/grantwatch/grantwatch.conf"
    let (loaded, findings) = Configuration.load(
      path, read: ConfigurationSamples.read, list: { _ in [] })
    #expect(findings.isEmpty)
    let configuration = try #require(loaded)
    var hinted = grant(.unknown, .weak)
    #expect(configuration.verdict(for: hinted).rule == nil)
    hinted.hints = ["codex"]
    let verdict = configuration.verdict(for: hinted)
    #expect(verdict.rule == "hint" && verdict.ttl != nil && !verdict.willRevoke)
  }

  @Test("Nothing is revoked below enforce, on weak confidence, of a package manager, or standing")
  func lawNine() {
    let all = rule("all", ttl: 10) {
      $0.minConfidence = .weak
      $0.onDeadline = .revoke
    }
    var configuration = enforcing([all])
    #expect(configuration.verdict(for: grant(.agentExecuted, .strong)).willRevoke)
    #expect(!configuration.verdict(for: grant(.agentExecuted, .weak)).willRevoke)
    #expect(configuration.verdict(for: grant(.agentExecuted, .weak)).ttl != nil)
    var packaged = grant(.agentExecuted)
    packaged.via = "dpkg"
    #expect(!configuration.verdict(for: packaged).willRevoke)
    var standing = grant(.agentExecuted)
    standing.standing = true
    #expect(configuration.verdict(for: standing).ttl == nil)
    for mode in [WatchMode.alert, .observe] {
      configuration.mode = mode
      let verdict = configuration.verdict(for: grant(.agentExecuted))
      #expect(!verdict.willRevoke && verdict.ttl == TimeSpan(seconds: 10))
    }
  }

  @Test("An agent that asks nobody raises the severity one step, and a rule's own severity counts")
  func carelessAgent() {
    var careless = grant(.agentExecuted)
    #expect(enforcing([]).verdict(for: careless).severity == .medium)
    careless.skipsPermissions = true
    let verdict = enforcing([]).verdict(for: careless)
    #expect(verdict.severity == .high)
    #expect(
      verdict.reasons.contains(
        "the agent asks nobody before it acts: severity medium becomes high"))
    let ruled = enforcing([rule("low", ttl: 900) { $0.severity = .low }])
    #expect(ruled.verdict(for: careless).severity == .low)
    careless.kind = .account
    careless.right = "root"
    #expect(enforcing([]).verdict(for: careless).severity == .critical)
  }

  @Test("A warning that would come before the grant is none")
  func warning() {
    for seconds in [Int64(10), 11] {
      let configuration = enforcing([
        rule("all", ttl: 10) { $0.warnBefore = TimeSpan(seconds: seconds) }
      ])
      #expect(configuration.verdict(for: grant(.agentExecuted)).warnBefore == nil)
    }
  }

  @Test("MinConfidence is strong when left out")
  func confidence() {
    let configuration = enforcing([rule("all", ttl: 10)])
    #expect(configuration.verdict(for: grant(.agentExecuted, .weak)).rule == nil)
    #expect(configuration.verdict(for: grant(.agentExecuted, .strong)).rule == "all")
  }

  @Test("A rule's conditions are all needed; agents match anywhere in the chain")
  func conditions() {
    var agents = grant(.agentExecuted)
    agents.agent = AgentReference(name: "codex", chain: ["claude-code", "codex"])
    func matches(_ change: (inout Rule) -> Void) -> Bool {
      rule("r", ttl: 1, change).matches(agents)
    }
    #expect(matches { $0.agent = ["claude-*"] })
    #expect(!matches { $0.agent = ["aider"] })
    #expect(matches { $0.agent = ["*"] })
    #expect(matches { $0.object = ["/srv/*"] })
    #expect(matches { $0.object = ["file:/srv/*"] })
    #expect(!matches { $0.object = ["/etc/*"] })
    #expect(!matches { $0.kinds = ["group-*"] })
    #expect(!matches { $0.subject = ["user:*"] })
    #expect(!matches { $0.inGap = true })
    agents.earliest = agents.grantedAt
    #expect(matches { $0.inGap = true })
    agents.agent = nil
    #expect(matches { $0.agent = ["*"] })
    #expect(!matches { $0.agent = ["?*"] })
  }

  @Test("An item under a lax rule shelters no other item")
  func strictestObject() {
    let configuration = enforcing([
      rule("scratch", ttl: nil) { $0.object = ["/srv/scratch/*"] },
      rule("agents", ttl: 60) { $0.onDeadline = .revoke },
    ])
    var mixed = grant(.agentExecuted, object: "file:/srv")
    mixed.items = ["file:/srv/scratch/a", "file:/srv/secret"].map {
      GrantItem(object: $0, before: "0600", after: "0666")
    }
    #expect(configuration.verdict(for: mixed).rule == "agents")
    mixed.items.removeLast()
    #expect(configuration.verdict(for: mixed).rule == "scratch")
    #expect(configuration.verdict(for: mixed).ttl == nil)
  }

  @Test("Severity follows what the right is worth, unless the rule says")
  func severity() {
    func member(_ group: String) -> Severity {
      defaultSeverity(
        of: grant(.human, kind: .groupMember, object: "group:\(group)", right: "member"))
    }
    func file(_ right: String, _ subject: String = "everyone") -> Severity {
      defaultSeverity(of: grant(.human, right: right, subject: subject))
    }
    for group in ["sudo", "docker", "disk", "shadow", "lxd", "wheel", "admin", "root"] {
      #expect(member(group) == .critical)
    }
    #expect(member("staff") == .low)
    #expect(file("execute setuid") == .critical)
    #expect(file("setgid") == .high)
    #expect(file("read write execute") == .high)
    #expect(file("read execute") == .medium)
    #expect(file("read", "group:staff") == .medium)
    #expect(file("write", "group:staff") == .medium)
    #expect(file("execute") == .low)
    for (right, severity) in [("root", Severity.critical), ("login", .high), ("shell", .high)] {
      let account = grant(.human, kind: .account, object: "account:bob", right: right)
      #expect(defaultSeverity(of: account) == severity)
    }
    func sudo(_ right: String) -> Severity {
      defaultSeverity(
        of: grant(.human, kind: .sudoRule, object: "sudoers:/etc/sudoers", right: right))
    }
    for right in [
      "ALL", "NOPASSWD: ALL", "(root, %adm) ALL", "NOEXEC: ALL, !/bin/sh", "NOPASSWD (Defaults)",
    ] {
      #expect(sudo(right) == .critical)
    }
    for right in ["(bob) ALL", "NOPASSWD: /bin/a", "/bin/a, /bin/b", "(bob:ALL) NOPASSWD: ALL"] {
      #expect(sudo(right) == .high)
    }
    #expect(sudo("/bin/a -b, !/bin/c") == .medium)
    let configuration = enforcing([rule("all", ttl: 1) { $0.severity = .low }])
    #expect(configuration.verdict(for: grant(.human, right: "write")).severity == .low)
  }
}
