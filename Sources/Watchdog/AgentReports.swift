package import ByteText
package import Grants

/// What agents' hooks report of their sessions beside advice: which of their own agents run, what
/// they asked their human, what became of it, and the last command of which nothing is kept.
///
/// It is the word of whoever reports it, and no more; kept in memory for as long as it may explain
/// a grant.
package struct AgentReports {
  /// Sessions that are kept; the one that was silent longest goes first.
  static let mostSessions = 512
  /// Questions, answers and own agents of one session.
  static let mostOfSession = 32
  /// Bytes of a command that are kept for people.
  static let longestShown = 200
  /// How long a question or an answer may lie before the grant.
  static let reach = TimeSpan(seconds: 3600)

  package struct Key: Hashable {
    package var submitter: AdviceBook.Submitter
    package var agent: String
    package var session: String

    package init(submitter: AdviceBook.Submitter, agent: String, session: String) {
      self.submitter = submitter
      self.agent = agent
      self.session = session
    }
  }

  private struct Session {
    var subagents: [ChainLink] = []
    /// The ended ones too, newest last, with the id of the one that started each.
    var known: [(link: ChainLink, startedBy: String?)] = []
    /// By the command's SHA-256.
    var questions: [(command: [UInt8], time: Timestamp)] = []
    var lastCommand: (text: String, time: Timestamp)?
    var touched: Timestamp
  }

  private var sessions: [Key: Session] = [:]
  /// Answers by the agent's own id of the tool call, newest last.
  private var answers: [(session: Key, toolUse: String, answer: Answer)] = []

  package struct Answer: Equatable {
    package var grade: PromptGrade
    package var time: Timestamp
    package var isIndependent: Bool
  }

  package init() {}

  /// Takes in what a hook reported; false for what tells nothing of a session.
  @discardableResult
  package mutating func note(
    _ report: AdviceSubmission, from submitter: AdviceBook.Submitter, isIndependent: Bool,
    at time: Timestamp
  ) -> Bool {
    guard let event = report.event, let session = report.session else { return false }
    let key = Key(submitter: submitter, agent: report.agent, session: session)
    switch event {
    case .subagentStart:
      guard let link = report.context.subagentLink else { return false }
      change(key, at: time) { session in
        session.subagents.removeAll { $0 == link }
        session.subagents.append(link)
        session.subagents.removeFirst(max(0, session.subagents.count - Self.mostOfSession))
      }
    case .subagentStop:
      guard let link = report.context.subagentLink else { return false }
      change(key, at: time) { $0.subagents.removeAll { $0 == link } }
    case .permissionRequest:
      change(key, at: time) { session in
        session.questions.append((SHA256.digest(Array(report.text.utf8)), time))
        session.questions.removeFirst(max(0, session.questions.count - Self.mostOfSession))
      }
    case .decision:
      guard let toolUse = report.context.toolUse, let grade = report.decision else { return false }
      answers.append((key, toolUse, Answer(grade: grade, time: time, isIndependent: isIndependent)))
      answers.removeFirst(max(0, answers.count - Self.mostSessions))
    }
    return true
  }

  /// Who handed the task on to the agent's own agent that `report` is of: from the first of its own
  /// agents to the one that started it. Remembers that one for those that it starts.
  package mutating func lineage(
    of report: AdviceSubmission, from submitter: AdviceBook.Submitter, at time: Timestamp
  ) -> [ChainLink] {
    guard let link = report.context.subagentLink, let id = link.id, let session = report.session
    else { return [] }
    let key = Key(submitter: submitter, agent: report.agent, session: session)
    var lineage: [ChainLink] = []
    change(key, at: time) { session in
      let place = session.known.firstIndex { $0.link.id == id }
      let former = place.map { session.known.remove(at: $0) }
      // Who started it is told with some of its events, and stays who it was.
      session.known.append((link, report.context.startedBy ?? former?.startedBy))
      session.known.removeFirst(max(0, session.known.count - Self.mostOfSession * 2))
      var seen: Set<String> = [id, key.session]
      var next = session.known.last?.startedBy
      while let id = next, lineage.count < AgentReference.mostLineage, seen.insert(id).inserted {
        let known = session.known.last { $0.link.id == id }
        lineage.append(known?.link ?? ChainLink(.subagent, "unknown", id: id))
        next = known?.startedBy
      }
    }
    return lineage.reversed()
  }

  /// Remembers a command that would give nothing as far as its text tells.
  package mutating func noteCommand(
    _ command: AdviceSubmission, from submitter: AdviceBook.Submitter, at time: Timestamp
  ) {
    guard let session = command.session else { return }
    let key = Key(submitter: submitter, agent: command.agent, session: session)
    let shown = escaped(Array(command.text.utf8).prefix(Self.longestShown))
    change(key, at: time) { $0.lastCommand = (shown, time) }
  }

  private mutating func change(_ key: Key, at time: Timestamp, _ body: (inout Session) -> Void) {
    if sessions[key] == nil, sessions.count >= Self.mostSessions {
      if let oldest = sessions.min(by: { $0.value.touched < $1.value.touched })?.key {
        sessions[oldest] = nil
      }
    }
    body(&sessions[key, default: Session(touched: time)])
    sessions[key]?.touched = time
  }

  // MARK: Questions

  /// The own agents of a session that were started and not said to be done.
  package func subagents(_ key: Key) -> [ChainLink] { sessions[key]?.subagents ?? [] }

  /// The last command of the session that was not kept, within the hour before `time`; escaped and
  /// cut.
  package func lastCommand(_ key: Key, before time: Timestamp) -> String? {
    guard let last = sessions[key]?.lastCommand, time - last.time < Self.reach,
      last.time <= time + TimeSpan(seconds: 1)
    else { return nil }
    return last.text
  }

  /// When the session last asked its human about the very command.
  package func question(_ text: String, _ key: Key, before time: Timestamp) -> Timestamp? {
    let command = SHA256.digest(Array(text.utf8))
    return sessions[key]?.questions.last {
      $0.command == command && $0.time <= time && time - $0.time < Self.reach
    }?.time
  }

  /// What became of the question of a tool call: the word of somebody independent before the
  /// agent's own.
  package func answer(toolUse: String, of key: Key) -> Answer? {
    let found = answers.filter { entry in
      entry.toolUse == toolUse && entry.session.agent == key.agent
        && entry.session.session == key.session
        && (entry.session.submitter == key.submitter || entry.answer.isIndependent)
    }
    return (found.last(where: \.answer.isIndependent) ?? found.last)?.answer
  }

  /// The evidence of an agent's question before a command that its hook told of; `granted` is when
  /// the grant came.
  package func prompt(before command: Advice, granted: Timestamp) -> PromptEvidence {
    let key = Key(
      submitter: command.submitter, agent: command.agent, session: command.session ?? "")
    let context = command.context
    var evidence = PromptEvidence(
      .none, mode: context.permissionMode, attended: context.attended)
    let asked = question(command.text, key, before: granted)
    if let asked {
      evidence.thinkMilliseconds = max(0, (granted - asked).microseconds / 1000)
    }
    if let answer = context.toolUse.flatMap({ self.answer(toolUse: $0, of: key) }) {
      evidence.isIndependent = answer.isIndependent
      // A session that nobody sits before gives a rule's yes for a user's.
      evidence.grade = context.attended == false ? min(answer.grade, .unattended) : answer.grade
      return evidence
    }
    if context.attended == false {
      evidence.grade = .unattended
    } else if ["bypassPermissions", "dontAsk", "auto"].contains(context.permissionMode) {
      evidence.grade = .auto
    } else if asked != nil {
      evidence.grade = .asked
    }
    return evidence
  }
}
