internal import ByteText
internal import LinuxKit

let hookInstallCommand = Command(
  name: "hook install", purpose: "Have an agent call grantctl hook, by its own settings",
  operands: "AGENT",
  options: [
    Option("dry-run", "only show what would be changed"),
    Option("user", "in the settings of the calling user, not of the host"),
    Option("remove", "take out what was added"),
    Option("file", value: "PATH", "these settings, not those where the agent looks for them"),
    Option("program", value: "PATH", "the grantctl that the agent calls [/usr/bin/grantctl]"),
  ],
  details:
    "AGENT is claude-code, codex or gemini. The settings are kept beside themselves as they were,"
    + " under\nthe name with .before-grantwatch.",
  run: { invocation throws(Failure) in try install(invocation) })

/// The longest settings that are read.
private let longestSettings = 4 << 20

private func install(_ invocation: Invocation) throws(Failure) {
  let arguments = invocation.arguments
  guard arguments.operands.count == 1, let word = arguments.operands.first else {
    throw Failure(.usage, "one agent is expected")
  }
  let known = HookAgent.allCases.filter { HookSettings($0) != nil }.map(\.rawValue)
  guard let agent = HookAgent(rawValue: word) else { throw unknownWord(word, "agent", known) }
  guard let settings = HookSettings(agent) else {
    throw Failure(
      .failed,
      "\(agent.rawValue): it has no settings of this form: have it run 'grantctl hook"
        + " \(agent.rawValue)' with the event on standard input")
  }
  let program = arguments.value("program") ?? "/usr/bin/grantctl"
  guard program.hasPrefix("/"),
    program.utf8.allSatisfy({ isAlphanumeric($0) || "/._-".utf8.contains($0) })
  else {
    throw Failure(.usage, "--program: an absolute path without blanks is expected")
  }
  let file = try SettingsFile(try place(of: settings, invocation))
  try change(file, settings, "\(program) hook \(agent.rawValue)", invocation)
}

private func place(of settings: HookSettings, _ invocation: Invocation) throws(Failure) -> String {
  if let file = invocation.arguments.value("file") { return file }
  guard invocation.arguments.has("user") else { return settings.file }
  guard let home = invocation.streams.environment("HOME"), home.hasPrefix("/") else {
    throw Failure(.failed, "HOME is not set")
  }
  return home + "/" + settings.userFile
}

private func change(
  _ file: SettingsFile, _ settings: HookSettings, _ command: String, _ invocation: Invocation
) throws(Failure) {
  let arguments = invocation.arguments
  let isRemoving = arguments.has("remove")
  let result: JSON
  let changed: [JSONMember]
  if isRemoving {
    (result, changed) = settings.removing(command, from: file.json)
  } else {
    guard let added = settings.adding(command, to: file.json) else {
      throw Failure(.failed, "\(file.path): hooks: another form than expected; add them by hand")
    }
    (result, changed) = added
  }
  guard !changed.isEmpty else {
    return try invocation.line("\(file.path): nothing to \(isRemoving ? "remove" : "add")")
  }
  try invocation.output.line(printable("\(file.path):"))
  let mark = isRemoving ? "-" : "+"
  for member in changed {
    let text = JSON.object([JSONMember("hooks", .object([member]))]).indented()
    for line in text.split(separator: "\n") {
      try invocation.output.line(printable("\(mark) \(line)"))
    }
  }
  try invocation.output.flush()
  if arguments.has("dry-run") { return invocation.streams.words("grantctl: nothing was changed") }
  if isRemoving { try file.putBack(result) } else { try file.put(result) }
}

/// The settings of an agent, and beside them what they were before.
private struct SettingsFile {
  let path: String
  /// Nil where there is no file.
  let bytes: [UInt8]?
  let json: JSON
  private var before: String { path + ".before-grantwatch" }

  init(_ path: String) throws(Failure) {
    self.path = path
    do throws(SystemError) {
      bytes = try AtomicFile.read(Array(path.utf8), limit: longestSettings)
    } catch {
      throw Failure(.failed, "\(error)")
    }
    guard let bytes, !bytes.allSatisfy({ isBlank($0) || $0 == 0x0a || $0 == 0x0d }) else {
      json = .object([])
      return
    }
    do throws(JSONError) {
      json = try JSON.parse(bytes)
    } catch {
      throw Failure(.failed, "\(path): not plain JSON: \(error); add the hooks by hand")
    }
    guard case .object = json else { throw Failure(.failed, "\(path): no JSON object") }
  }

  func put(_ new: JSON) throws(Failure) {
    do throws(SystemError) {
      if let bytes, try AtomicFile.read(Array(before.utf8), limit: longestSettings) == nil {
        try SettingsText.write(before, bytes, like: path)
      }
      try SettingsText.write(path, Array((new.indented() + "\n").utf8), like: path)
    } catch {
      throw Failure(.failed, "\(error)")
    }
  }

  /// As it was, to the byte, where nobody changed anything else since.
  func putBack(_ new: JSON) throws(Failure) {
    do throws(SystemError) {
      let kept = try AtomicFile.read(Array(before.utf8), limit: longestSettings)
      if let kept, (try? JSON.parse(kept)) == new {
        try SettingsText.write(path, kept, like: path)
      } else if kept == nil, new.members.isEmpty {
        try SettingsText.remove(path)
      } else {
        try SettingsText.write(path, Array((new.indented() + "\n").utf8), like: path)
      }
      if kept != nil { try SettingsText.remove(before) }
    } catch {
      throw Failure(.failed, "\(error)")
    }
  }
}
