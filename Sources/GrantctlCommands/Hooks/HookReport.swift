internal import ByteText
internal import Grants

/// What an event of an agent's hook reports beside advice: its own agents as they come and go, its
/// questions to the human, and what became of them.
///
/// Sources: the recorded inputs of Claude Code and Codex beside the tests; for decisions the events
/// `claude_code.tool_decision`, `codex.tool_decision` and `gemini_cli.tool_call` of these agents'
/// telemetry, one JSON object each, as a collector hands them on.
enum HookReport {
  /// The report of one event; nil for one that reports nothing.
  static func submission(_ agent: HookAgent, _ event: String, _ json: JSON) -> AdviceSubmission? {
    switch event {
    case "SubagentStart": return report(agent, .subagentStart)
    case "SubagentStop": return report(agent, .subagentStop)
    case "PermissionRequest":
      guard let tool = json["tool_name"].text, HookEvent.shellTools.contains(tool) else {
        return nil
      }
      return asked(agent, HookEvent.shellText(json["tool_input"]))
    case "Notification" where json["notification_type"].text == "ToolPermission":
      return asked(agent, HookEvent.shellText(json["details"]))
    default: return decision(agent, event, json)
    }
  }

  private static func report(_ agent: HookAgent, _ event: AgentEvent) -> AdviceSubmission {
    var report = AdviceSubmission(agent: agent.rawValue, text: "")
    report.event = event
    return report
  }

  private static func asked(_ agent: HookAgent, _ text: String?) -> AdviceSubmission? {
    guard let text, !text.isEmpty else { return nil }
    var report = report(agent, .permissionRequest)
    report.text = HookEvent.cut(Array(text.utf8), to: AdviceSubmission.longestText)
    report.isCommand = true
    return report
  }

  private static func decision(
    _ agent: HookAgent, _ event: String, _ json: JSON
  ) -> AdviceSubmission? {
    let name = json["event.name"].text ?? json["name"].text ?? event
    let attributes = json["attributes"].members.isEmpty ? json : json["attributes"]
    func text(_ names: String...) -> String? {
      names.lazy.compactMap { attributes[$0].text ?? json[$0].text }.first { !$0.isEmpty }
    }
    guard
      ["tool_decision", "tool_call"].contains(name.split(separator: ".").last.map(String.init)),
      let answer = text("decision"), let grade = grade(answer, source: text("source")),
      let call = text("tool_use_id", "call_id", "prompt_id")
    else { return nil }
    var report = report(agent, .decision)
    report.decision = grade
    report.session = text("session.id", "conversation.id", "conversation_id", "session_id").map {
      HookEvent.cut(Array($0.utf8), to: AdviceSubmission.longestValue)
    }
    report.context.toolUse = HookEvent.cut(Array(call.utf8), to: AdviceSubmission.longestValue)
    return report
  }

  /// What an answer is worth; nil for a refusal and for an unknown word.
  private static func grade(_ answer: String, source: String?) -> PromptGrade? {
    switch (answer, source) {
    case ("accept", "user_temporary"), ("approved", "user"), ("accept", nil), ("modify", nil):
      .clicked
    case ("accept", "user_permanent"), ("approved_for_session", "user"),
      ("approved_execpolicy_amendment", "user"):
      .remembered
    case ("auto_accept", _), ("accept", "config"), ("accept", "hook"), ("approved", "config"),
      ("approved", "automated_reviewer"), ("approved_for_session", "config"):
      .auto
    default: nil
    }
  }
}
