package import ByteText

/// The circumstances of an advice, as its submitter tells them.
package struct AdviceContext: Equatable, Sendable {
  /// The agent's own agent that said it, such as `general-purpose a223d98ad1e2fb281`.
  package var subagent: String?
  /// The id of the agent's own agent that started it; nil where none did, or nobody told.
  package var startedBy: String?
  /// Those who handed the task on to it, the agent's own agents from the first one to the one that
  /// started it; as the session's reports tell.
  package var lineage: [ChainLink] = []
  /// The working directory of the agent.
  package var directory: String?
  /// The agent's own id of the tool call that the advice proposes.
  package var toolUse: String?
  /// `default`, `bypassPermissions`, as the agent names it.
  package var permissionMode: String?
  /// The agent says that a human sits before it. Its own word, no proof of anything.
  package var attended: Bool?

  package init() {}

  /// All of them as links of a chain, the one that said it last.
  package var subagentLinks: [ChainLink] { subagentLink.map { lineage + [$0] } ?? [] }

  /// The agent's own agent as a link of a chain.
  package var subagentLink: ChainLink? {
    let parts = (subagent ?? "").split(separator: " ", maxSplits: 1).map(String.init)
    return parts.first.map { ChainLink(.subagent, $0, id: parts.count > 1 ? parts[1] : nil) }
  }
}

/// What a hook reports beside advice.
package enum AgentEvent: String, Sendable, CaseIterable {
  /// The agent started an agent of its own.
  case subagentStart = "subagent-start"
  /// That one is done; what it said may be an advice.
  case subagentStop = "subagent-stop"
  /// A question to the human comes up for the command of the text. It does not tell the answer.
  case permissionRequest = "permission-request"
  /// What became of a tool call's question: `decision` says by whom.
  case decision
}

/// An advice on its way in: over the control socket, or in the journal as the fields
/// `GRANTWATCH_ADVICE_*` of an entry with this `MESSAGE_ID`.
package struct AdviceSubmission: Equatable, Sendable {
  /// The `MESSAGE_ID` of such an entry: the first half of the SHA-256 of
  /// `io.grantwatch.advice.submitted`.
  package static let messageID = "0cd9ae6ce291c2075b9e82e30580a5ef"
  /// Longest text of an advice, in bytes.
  package static let longestText = 262_144
  package static let longestName = 256
  /// The longest of the other values, in bytes; the rest is cut off.
  package static let longestValue = 1024

  package var agent: String
  package var text: String
  /// The text is shell text that the agent is about to run.
  package var isCommand = false
  package var session: String?
  package var model: String?
  package var audience: String?
  package var url: String?
  package var parent: String?
  package var context = AdviceContext()
  /// What it reports; nil for an advice alone.
  package var event: AgentEvent?
  /// With `AgentEvent.decision`: the answer to the agent's question.
  package var decision: PromptGrade?
  /// Made up by the submitter for this one advice: the same uid's second advice with it is the same.
  package var submission: String?

  package init(agent: String, text: String) {
    self.agent = agent
    self.text = text
  }

  /// The texts that may be missing, by their names in a call; in the journal in capitals.
  private static var optionals:
    [(name: String, field: String, path: WritableKeyPath<AdviceSubmission, String?>)]
  {
    [
      ("session", "SESSION", \.session), ("model", "MODEL", \.model),
      ("audience", "AUDIENCE", \.audience), ("url", "URL", \.url), ("parent", "PARENT", \.parent),
      ("subagent", "SUBAGENT", \.context.subagent),
      ("startedBy", "STARTED_BY", \.context.startedBy),
      ("directory", "DIRECTORY", \.context.directory),
      ("toolUse", "TOOL_USE", \.context.toolUse),
      ("permissionMode", "PERMISSION_MODE", \.context.permissionMode),
      ("submission", "SUBMISSION", \.submission),
    ]
  }

  // MARK: Calls

  /// The parameters of `AddAdvice`.
  package var parameters: JSON {
    var members = [JSONMember("agent", .string(agent)), JSONMember("text", .string(text))]
    for optional in Self.optionals {
      if let value = self[keyPath: optional.path] {
        members.append(JSONMember(optional.name, .string(value)))
      }
    }
    if isCommand { members.append(JSONMember("command", .bool(true))) }
    if let event { members.append(JSONMember("event", .string(event.rawValue))) }
    if let decision { members.append(JSONMember("decision", .string(decision.rawValue))) }
    if let attended = context.attended { members.append(JSONMember("attended", .bool(attended))) }
    return .object(members)
  }

  /// Reads the parameters of `AddAdvice`; the error says what is wrong with them.
  package static func read(_ parameters: JSON) -> Result<AdviceSubmission, Invalid> {
    guard let agent = parameters["agent"].text, !agent.isEmpty,
      agent.utf8.count <= longestName
    else {
      return .failure(Invalid(reason: "agent: a name of at most \(longestName) bytes is needed"))
    }
    guard let text = parameters["text"].text, text.utf8.count <= longestText else {
      return .failure(Invalid(reason: "text: at most \(longestText) bytes are taken"))
    }
    var read = AdviceSubmission(agent: escaped(Array(agent.utf8)), text: text)
    for optional in optionals {
      read[keyPath: optional.path] = parameters[optional.name].text.map { short(Array($0.utf8)) }
    }
    read.isCommand = parameters["command"].bool ?? false
    if let name = parameters["event"].text {
      guard let event = AgentEvent(rawValue: name) else {
        return .failure(
          Invalid(
            reason: "event: one of "
              + AgentEvent.allCases.map(\.rawValue).joined(separator: ", ") + " expected"))
      }
      read.event = event
    }
    read.decision = parameters["decision"].text.flatMap(PromptGrade.init(rawValue:))
    read.context.attended = parameters["attended"].bool
    return .success(read)
  }

  /// Why parameters are no advice.
  package struct Invalid: Error, Equatable {
    package var reason: String
  }

  private static func short(_ bytes: [UInt8]) -> String {
    escaped(bytes.prefix(longestValue))
  }

  // MARK: The journal

  /// What stands before the name of each field.
  private static let prefix = "GRANTWATCH_ADVICE_"

  /// The entry's fields, but for its message and `MESSAGE_ID`.
  package var journalFields: [(String, String)] {
    var fields = [(Self.prefix + "AGENT", agent), (Self.prefix + "TEXT", text)]
    for optional in Self.optionals {
      if let value = self[keyPath: optional.path] {
        fields.append((Self.prefix + optional.field, value))
      }
    }
    if isCommand { fields.append((Self.prefix + "COMMAND", "yes")) }
    if let event { fields.append((Self.prefix + "EVENT", event.rawValue)) }
    if let decision { fields.append((Self.prefix + "DECISION", decision.rawValue)) }
    if let attended = context.attended {
      fields.append((Self.prefix + "ATTENDED", attended ? "yes" : "no"))
    }
    return fields
  }

  /// Reads the fields of an entry, by their names without the prefix; nil without an agent or a
  /// text. What is too long is cut, what is not UTF-8 is replaced.
  package init?(journalFields fields: [String: [UInt8]]) {
    guard let agent = fields["AGENT"], !agent.isEmpty, let text = fields["TEXT"] else {
      return nil
    }
    self.init(
      agent: escaped(agent.prefix(Self.longestName)),
      text: String(decoding: text.prefix(Self.longestText), as: UTF8.self))
    for optional in Self.optionals {
      self[keyPath: optional.path] = fields[optional.field].map(Self.short)
    }
    isCommand = fields["COMMAND"] == Array("yes".utf8)
    if let name = fields["EVENT"] {
      // Of a later version: what it reports is not known here, and it may be no advice.
      guard let event = AgentEvent(rawValue: String(decoding: name, as: UTF8.self)) else {
        return nil
      }
      self.event = event
    }
    decision = fields["DECISION"].flatMap {
      PromptGrade(rawValue: String(decoding: $0, as: UTF8.self))
    }
    context.attended = fields["ATTENDED"].map { $0 == Array("yes".utf8) }
  }

  /// The name of a journal field without the prefix; nil for any other field.
  package static func journalName(of field: some Collection<UInt8>) -> String? {
    guard field.starts(with: prefix.utf8), field.count <= 64 else { return nil }
    return String(decoding: field.dropFirst(prefix.utf8.count), as: UTF8.self)
  }
}
