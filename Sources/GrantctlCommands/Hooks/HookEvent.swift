internal import ByteText
internal import Grants

/// The agents whose hooks are understood.
enum HookAgent: String, CaseIterable, Sendable {
  case claudeCode = "claude-code"
  case codex
  case gemini
  case openclaw
  case generic
}

/// From an event of an agent's hook to the advice in it, or to what it reports (`HookReport`).
///
/// Advice is what the agent says to its user at the end of a turn, and a shell command that it is
/// about to run. What the user says is none, and neither is anything after the fact. Sources: the
/// recorded inputs of Claude Code and Codex beside the tests; Gemini CLI's `BeforeTool` and
/// `AfterAgent` from its documentation; the others by the names that such events use.
struct HookEvent {
  /// Nil where it holds no advice and reports nothing.
  var submission: AdviceSubmission?
  /// Where the agent keeps on record who started the agent of its own that the event is of.
  private(set) var record: HookRecord?

  /// Names under which messages of an agent that is not known may stand.
  private static let messageNames = [
    "last_assistant_message", "last-assistant-message", "prompt_response", "message", "content",
    "text", "response", "output",
  ]
  private static let wrappers = ["context", "request", "payload", "params", "data", "event"]
  static let shellTools: Set<String> = [
    "Bash", "bash", "shell", "local_shell", "exec", "exec_command", "run_shell_command",
    "unified_exec",
  ]

  init(_ agent: HookAgent, input: [UInt8]) {
    guard let json = HookInput.json(input), !json.members.isEmpty else {
      guard agent == .generic else { return }
      submission = Self.submission("generic", text: HookInput.valid(input))
      return
    }
    let event = json["hook_event_name"].text ?? json["type"].text ?? json["event"].text ?? ""
    var found: AdviceSubmission?
    switch agent {
    case .claudeCode, .codex, .gemini:
      found = Self.known(agent, event, json)
      let report = HookReport.submission(agent, event, json)
      if found == nil { found = report } else { found?.event = report?.event }
    case .openclaw, .generic: found = Self.other(agent, json)
    }
    guard var found else { return }
    found.session =
      found.session
      ?? Self.text(json, ["session_id", "thread-id", "session", "sessionId", "sessionKey"])
    found.model = Self.text(json, ["model"])
    found.context.directory = Self.text(json, ["cwd", "directory"])
    found.context.toolUse =
      found.context.toolUse ?? Self.text(json, ["tool_use_id", "tool_call_id", "call_id"])
    found.context.permissionMode = Self.text(json, ["permission_mode"])
    let subagent = [json["agent_type"].text, json["agent_id"].text].compactMap(\.self)
    if !subagent.isEmpty {
      found.context.subagent = subagent.joined(separator: " ")
      found.context.startedBy = Self.text(json, ["parent_agent_id", "parentAgentId"])
      record = HookRecord(agent, json)
    }
    submission = found
  }

  private static func known(
    _ agent: HookAgent, _ event: String, _ json: JSON
  ) -> AdviceSubmission? {
    switch event {
    case "PreToolUse", "BeforeTool":
      guard let tool = json["tool_name"].text, shellTools.contains(tool) else { return nil }
      return command(agent.rawValue, json["tool_input"])
    case "Stop", "SubagentStop":
      return submission(agent.rawValue, text: json["last_assistant_message"].text)
    case "agent-turn-complete":
      return submission(agent.rawValue, text: json["last-assistant-message"].text)
    case "AfterAgent":
      return submission(agent.rawValue, text: json["prompt_response"].text)
    default: return nil
    }
  }

  /// An event whose shape is not known: its own members first, then those of what it wraps.
  private static func other(_ agent: HookAgent, _ json: JSON) -> AdviceSubmission? {
    let name = text(json, ["agent", "agentId"]) ?? agent.rawValue
    for part in [json, json["tool_input"]] + wrappers.map({ json[$0] }) {
      if var found = command(name, part) ?? submission(name, text: text(part, messageNames)) {
        found.url = text(json, ["url", "permalink"])
        found.audience = text(json, ["audience", "user"])
        return found
      }
    }
    return nil
  }

  /// The shell text of a tool's input, as a line or as words.
  static func shellText(_ input: JSON) -> String? {
    let words = input["command"].elements.compactMap(\.text)
    let line = input["command"].text ?? input["cmd"].text
    return line ?? (words.isEmpty ? nil : words.map(quoted).joined(separator: " "))
  }

  private static func command(_ agent: String, _ input: JSON) -> AdviceSubmission? {
    var found = submission(agent, text: shellText(input))
    found?.isCommand = true
    return found
  }

  /// A word as a shell would read it back.
  private static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { isAlphanumeric($0) || "_-./=:,+@%".utf8.contains($0) }
    guard !plain || word.isEmpty else { return word }
    let pieces = word.split(separator: "'", omittingEmptySubsequences: false)
    return "'" + pieces.joined(separator: "'\\''") + "'"
  }

  private static func submission(_ agent: String, text: String?) -> AdviceSubmission? {
    text.flatMap { submission(agent, text: Array($0.utf8)) }
  }

  private static func submission(_ agent: String, text: [UInt8]) -> AdviceSubmission? {
    guard !text.allSatisfy({ isBlank($0) || $0 == 0x0a || $0 == 0x0d }) else { return nil }
    return AdviceSubmission(
      agent: cut(Array(agent.utf8), to: AdviceSubmission.longestName),
      text: cut(text, to: AdviceSubmission.longestText))
  }

  private static func text(_ json: JSON, _ names: [String]) -> String? {
    for name in names {
      if let text = json[name].text, !text.isEmpty {
        return cut(Array(text.utf8), to: AdviceSubmission.longestValue)
      }
    }
    return nil
  }

  /// Cut between two characters.
  static func cut(_ bytes: [UInt8], to limit: Int) -> String {
    var end = min(limit, bytes.count)
    while end > 0, end < bytes.count, bytes[end] & 0xc0 == 0x80 { end -= 1 }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}
