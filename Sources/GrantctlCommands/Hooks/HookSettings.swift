internal import ByteText

/// What is added to an agent's own settings, so that it calls `grantctl hook`.
struct HookSettings {
  /// The settings that an administrator gives everybody on the host.
  let file: String
  /// Those of one user, below the home directory.
  let userFile: String
  /// The events that hold advice or report something, each with the glob of tools that it is for.
  let events: [(name: String, matcher: String?)]
  /// As long as the agent waits at the most, in its own unit.
  let timeout: Int64

  /// Nil for an agent whose settings take no hook of this form.
  init?(_ agent: HookAgent) {
    switch agent {
    case .claudeCode:
      file = "/etc/claude-code/managed-settings.json"
      userFile = ".claude/settings.json"
      events = [
        ("PreToolUse", "Bash"), ("PermissionRequest", "Bash"), ("Stop", nil),
        ("SubagentStart", nil), ("SubagentStop", nil),
      ]
      timeout = 5
    case .codex:
      file = "/etc/codex/hooks.json"
      userFile = ".codex/hooks.json"
      events = [
        ("PreToolUse", "Bash"), ("PermissionRequest", "Bash"), ("Stop", nil), ("SubagentStop", nil),
      ]
      timeout = 5
    case .gemini:
      file = "/etc/gemini-cli/settings.json"
      userFile = ".gemini/settings.json"
      events = [
        ("BeforeTool", "run_shell_command"), ("AfterAgent", nil),
        ("Notification", "ToolPermission"),
      ]
      timeout = 5000
    case .openclaw, .generic: return nil
    }
  }

  /// What stands below the event's name.
  private func group(_ matcher: String?, _ command: String) -> JSON {
    let hook = JSON.object([
      JSONMember("type", .string("command")), JSONMember("command", .string(command)),
      JSONMember("timeout", .integer(timeout)),
    ])
    let first = matcher.map { [JSONMember("matcher", .string($0))] } ?? []
    return .object(first + [JSONMember("hooks", .array([hook]))])
  }

  /// The settings with the hooks in them, and each event that was added. What is there already stays
  /// as it is. Nil where `hooks` has another form than the agent's documentation gives it.
  func adding(_ command: String, to settings: JSON) -> (settings: JSON, added: [JSONMember])? {
    guard case .object(var members) = settings else { return nil }
    var hooks = settings["hooks"].members
    guard settings["hooks"].isNull || settings["hooks"] == .object(hooks) else { return nil }
    var added: [JSONMember] = []
    for (name, matcher) in events {
      let group = group(matcher, command)
      guard let index = hooks.firstIndex(where: { $0.name == name }) else {
        hooks.append(JSONMember(name, .array([group])))
        added.append(JSONMember(name, group))
        continue
      }
      guard case .array(let groups) = hooks[index].value else { return nil }
      if groups.contains(group) { continue }
      hooks[index].value = .array(groups + [group])
      added.append(JSONMember(name, group))
    }
    if let index = members.firstIndex(where: { $0.name == "hooks" }) {
      members[index].value = .object(hooks)
    } else {
      members.append(JSONMember("hooks", .object(hooks)))
    }
    return (.object(members), added)
  }

  /// The settings without what `adding` adds, and each event that was taken out. What is empty then
  /// goes too.
  func removing(_ command: String, from settings: JSON) -> (settings: JSON, removed: [JSONMember]) {
    var members = settings.members
    var removed: [JSONMember] = []
    guard let place = members.firstIndex(where: { $0.name == "hooks" }) else {
      return (settings, [])
    }
    var hooks = members[place].value.members
    for (name, matcher) in events {
      let group = group(matcher, command)
      guard let index = hooks.firstIndex(where: { $0.name == name }),
        let found = hooks[index].value.elements.lastIndex(of: group)
      else { continue }
      var groups = hooks[index].value.elements
      groups.remove(at: found)
      removed.append(JSONMember(name, group))
      if groups.isEmpty { hooks.remove(at: index) } else { hooks[index].value = .array(groups) }
    }
    guard !removed.isEmpty else { return (settings, []) }
    if hooks.isEmpty { members.remove(at: place) } else { members[place].value = .object(hooks) }
    return (.object(members), removed)
  }
}

extension JSON {
  /// The value over several lines, as people write settings.
  func indented(_ depth: Int = 0) -> String {
    let inner = String(repeating: "  ", count: depth + 1)
    let outer = String(repeating: "  ", count: depth)
    switch self {
    case .object(let members) where !members.isEmpty:
      let lines = members.map { member in
        inner + JSON.string(member.name).indented() + ": " + member.value.indented(depth + 1)
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + outer + "}"
    case .array(let values) where !values.isEmpty:
      let lines = values.map { inner + $0.indented(depth + 1) }
      return "[\n" + lines.joined(separator: ",\n") + "\n" + outer + "]"
    // Every digit, where the compact form rounds.
    case .number(let number): return "\(number)"
    default: return String(decoding: encoded, as: UTF8.self)
    }
  }
}
