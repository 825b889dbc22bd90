package import ByteText

/// The effect of a command: the grant it would make.
package struct ProposedChange: Equatable, Sendable {
  package var kind: GrantKind
  /// `everyone`, `group:NAME` (for the group class of a file, `group:*`), `user:bob`.
  package var subject: String
  /// `file:/srv/data`, `group:docker`; escaped. A relative path stays relative.
  package var object: String
  /// As in a grant; for files the union of the rights it may give.
  package var right: String
  /// Everything below `object` too.
  package var recursive: Bool
  /// The command it was taken from, escaped.
  package var command: String
  /// The path is absolute and nothing in it was left unresolved (variables, globs).
  package var exact: Bool

  package init(
    kind: GrantKind, subject: String, object: String, right: String, recursive: Bool = false,
    command: String, exact: Bool = true
  ) {
    self.kind = kind
    self.subject = subject
    self.object = object
    self.right = right
    self.recursive = recursive
    self.command = command
    self.exact = exact
  }
}

/// Something an agent said or proposed, recorded before anyone acted on it.
package struct Advice: Equatable, Sendable {
  /// `a-` and four or more letters or digits.
  package var id: String
  package var agent: String
  package var model: String?
  package var session: String?
  /// For whom it was meant.
  package var audience: String?
  package var url: String?
  package var time: Timestamp
  package var until: Deadline
  /// Kernel uid of whoever submitted it, on the host where that was.
  package var submittedBy: UInt32
  /// The host that it came from; nil for this one.
  package var host: String?
  /// The text is shell text that the agent was about to run.
  package var isCommand = false
  package var context = AdviceContext()
  /// What makes a second submission of it the same one.
  package var submission: String?
  /// The advice this one quotes.
  package var parent: String?
  package var changes: [ProposedChange] = []
  /// Commands of its text that look like changes of access, but whose effect the text does not tell;
  /// escaped.
  package var unclear: [String] = []
  /// Ids of the grants that followed it.
  package var matched: [String] = []
  package var approval: Approval?
  package var text: String

  /// The agent, and the agents of its own down to the one that said it.
  package var chain: [String] { links.map(\.name) }

  /// The same, with the session and the subagents' ids.
  package var links: [ChainLink] {
    [ChainLink(.agent, agent, id: session)] + context.subagentLinks
  }

  package init(
    id: String, agent: String, time: Timestamp, until: Deadline, submittedBy: UInt32, text: String
  ) {
    self.id = id
    self.agent = agent
    self.time = time
    self.until = until
    self.submittedBy = submittedBy
    self.text = text
  }
}
