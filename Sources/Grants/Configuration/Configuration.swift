package import ByteText

/// How far the watchdog goes.
package enum WatchMode: String, Sendable, CaseIterable {
  /// Records only.
  case observe
  /// Records and alerts.
  case alert
  /// Takes back too, where a rule says so.
  case enforce
}

/// What an approver must prove, besides being one.
package enum Authenticate: String, Sendable, CaseIterable {
  /// The code that left the host with the alert.
  case code
  /// polkit's `io.grantwatch.approve`.
  case polkit
  case both
  /// Nothing: ancestry and environment are the whole proof.
  case no
}

/// What `grantwatch.conf`, its drop-ins, `webhooks.d` and `connectors.d` say; see grantwatch.conf(5).
package struct Configuration: Equatable, Sendable {
  package var mode = WatchMode.alert
  package var maxRevokesPerMinute = 600
  /// Absolute paths of the trees that are watched, without a slash at the end.
  package var watch = ["/srv", "/etc"]
  /// The folder of the journal to read; nil for this host's own.
  package var journalDirectory: String?
  /// `%group` or an account's name.
  package var approvers = ["%security", "root"]
  package var selfApproval = false
  package var authenticate = Authenticate.code
  package var maxApproval = TimeSpan(seconds: 24 * 3600)
  /// How long an advice stays open.
  package var adviceLifetime = TimeSpan(seconds: 7 * 24 * 3600)
  /// The folder of journals of other hosts, for their advice; nil for none.
  package var adviceDirectory: String?
  /// Host names and machine ids whose advice in there is taken.
  package var trustAdviceFrom: [String] = []
  /// Globs on the path of an executable that is automation.
  package var automationExecutables = [
    "/usr/bin/dpkg", "/usr/bin/apt", "/usr/bin/apt-get", "/usr/bin/aptitude",
    "/usr/bin/unattended-upgrade",
  ]
  /// Globs on the name of a unit that is automation.
  package var automationUnits = [
    "apt-daily.service", "apt-daily-upgrade.service", "unattended-upgrades.service",
    "puppet.service", "salt-minion.service", "chef-client.service", "cloud-*.service",
  ]
  /// In the order in which they are asked.
  package var rules: [Rule] = []
  package var webhooks: [WebhookConfiguration] = []
  package var logFiles: [LogFileConfiguration] = []
  package var connectors: [ConnectorConfiguration] = []

  package init() {}
}

/// What happens to a grant at its deadline.
package enum DeadlineAction: String, Sendable, CaseIterable {
  case alert, revoke
}

/// What happens to those who still use access that was taken back.
package enum ResidueAction: String, Sendable, CaseIterable {
  /// They are listed with the grant.
  case report
  /// Their processes and sessions are ended, and who is left is listed.
  case terminate
}

/// How a grant compares with what was said before, as a rule names it.
package enum RuleIntent: String, Sendable, CaseIterable {
  case within, wider, untold
  /// Nobody said anything.
  case none

  init(_ intent: Intent?) { self = intent.flatMap { Self(rawValue: $0.fit.rawValue) } ?? .none }
}

/// One `[Rule NAME]`: which grants it speaks of, and what becomes of them. An empty list and a nil
/// match everything.
package struct Rule: Equatable, Sendable {
  package var name: String
  package var provenance: Set<Provenance>?
  /// Globs, as are `subject`, `object` and `agent`. An object's glob that begins with a slash
  /// means `file:`.
  package var kinds: [String] = []
  package var subject: [String] = []
  package var object: [String] = []
  package var agent: [String] = []
  /// How many agents handed the task on; nil for any number.
  package var chainLength: ClosedRange<Int>?
  /// Globs on `human:alice`, `agent:codex`, `subagent:general-purpose`.
  package var chainMember: [String] = []
  /// How the grant compares with what was said before; nil for all.
  package var intent: Set<RuleIntent>?
  /// What the agent's own question must have been at least; `none` for all.
  package var minPrompt = PromptGrade.none
  /// Whose word on that question counts.
  package var promptFrom = PromptTeller.root
  /// Globs on `Grant.hints`; one that matches is enough.
  package var hint: [String] = []
  package var minConfidence = Confidence.strong
  /// Given while a source was blind; nil for both.
  package var inGap: Bool?
  /// From the grant to its deadline; nil for no deadline.
  package var ttl: TimeSpan?
  package var warnBefore: TimeSpan?
  package var onDeadline = DeadlineAction.alert
  /// What becomes of those who still use access that was taken back.
  package var onResidue = ResidueAction.report
  /// Where the mechanism has an end of its own, it is written too, so that a dead daemon still ends
  /// the grant.
  package var nativeExpiry = false
  /// Nil for what the right is worth.
  package var severity: Severity?

  package init(name: String) { self.name = name }
}
