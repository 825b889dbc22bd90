import ByteText
import Grants
import LinuxKit

/// That a process looks like an agent, and by what.
struct AgentHit: Equatable, Sendable {
  /// The agent's name.
  var agent: String
  /// What the mark itself is worth.
  var confidence: Confidence
  /// `executable /x/claude`, `environment CLAUDE_CODE_CHILD_SESSION`; escaped.
  var mark: String
}

/// What a process runs: shared by a process and the children that it forks until they exec.
final class ProcessImage: Sendable {
  let executable: [UInt8]?
  /// The words of the command line, NUL after each, at most 4,096 bytes.
  let command: [UInt8]
  /// For people: `chmod`, `metagpt`; escaped.
  let name: String
  let hits: [AgentHit]
  /// Session ids by agent.
  let sessions: [String: String]
  /// `--model X` of an agent's command line.
  let model: String?
  let skipsPermissions: Bool
  let automation: AutomationMatch?
  /// The environment could be read.
  let environmentRead: Bool

  /// Of a process that was gone before anybody could look.
  static let unseen = ProcessImage(
    executable: nil, arguments: [], comm: nil, environment: EnvironmentMarks(), read: false,
    signatures: AgentSignatures([]),
    automation: Automation(programs: [], units: [], packageManagers: []))

  init(
    executable: [UInt8]?, arguments: [UInt8], comm: [UInt8]?, environment: EnvironmentMarks,
    read environmentRead: Bool, signatures: AgentSignatures, automation: Automation
  ) {
    self.executable = executable
    self.environmentRead = environmentRead
    let words = CommandWords(arguments, executable: executable)
    command = Array(arguments.prefix(4096))
    var hits: [AgentHit] = []
    var skips = false
    var model: String?
    for agent in signatures.all {
      guard let hit = Self.hit(agent, executable, words, comm) else { continue }
      hits.append(hit)
      let risky = agent.skipPermissions.map { Array($0.utf8) }
      skips = skips || words.all.contains { word in risky.contains { glob($0, matches: word) } }
      model = model ?? Self.model(in: words.all)
    }
    self.hits = hits + environment.hits
    sessions = environment.sessions
    skipsPermissions = skips
    self.model = model
    self.automation = automation.match(executable: executable, script: words.script)
    name = Self.name(executable, words, comm)
  }

  /// True when nothing at all is known of it.
  var isUnseen: Bool { executable == nil && command.isEmpty && !environmentRead }

  /// What it takes in memory, about.
  var bytes: Int {
    256 + command.count + (executable?.count ?? 0) + name.utf8.count + 128 * hits.count
  }

  /// The command line for people: escaped, blanks between the words, at most 4,096 bytes.
  var commandText: String? {
    guard !command.isEmpty else { return nil }
    var words = command.split(separator: 0, omittingEmptySubsequences: false)
    if command.last == 0 { words.removeLast() }
    var text = words.map { escaped($0) }.joined(separator: " ")
    while text.utf8.count > 4096 { text.removeLast() }
    return text
  }

  private static func hit(
    _ agent: AgentSignature, _ executable: [UInt8]?, _ words: CommandWords, _ comm: [UInt8]?
  ) -> AgentHit? {
    if let executable,
      agent.executables.contains(where: { glob(Array($0.utf8), matches: executable) })
    {
      return AgentHit(
        agent: agent.name, confidence: .certain, mark: "executable \(escaped(executable))")
    }
    for pattern in agent.arguments.map({ Array($0.utf8) }) {
      if let word = words.program.first(where: { glob(pattern, matches: $0) }) {
        return AgentHit(
          agent: agent.name, confidence: .certain, mark: "argument \(escaped(word.prefix(256)))")
      }
    }
    if let comm, agent.commands.contains(where: { glob(Array($0.utf8), matches: comm) }) {
      return AgentHit(agent: agent.name, confidence: .strong, mark: "command \(escaped(comm))")
    }
    return nil
  }

  private static func model(in words: [ArraySlice<UInt8>]) -> String? {
    for (index, word) in words.enumerated() {
      if word.elementsEqual("--model".utf8), index + 1 < words.count {
        return escaped(words[index + 1].prefix(128))
      }
      if word.starts(with: "--model=".utf8) { return escaped(word.dropFirst(8).prefix(128)) }
    }
    return nil
  }

  private static func name(
    _ executable: [UInt8]?, _ words: CommandWords, _ comm: [UInt8]?
  ) -> String {
    if let script = words.script { return baseName(script) }
    if let executable {
      let name = baseName(executable[...])
      // Programs installed under their version's number are known by how they were called.
      guard let first = name.utf8.first, isDigit(first), let called = words.all.first else {
        return name
      }
      return baseName(called)
    }
    return comm.map { escaped($0) } ?? "?"
  }
}

/// What an environment tells of agents.
struct EnvironmentMarks: Equatable, Sendable {
  var hits: [AgentHit] = []
  var sessions: [String: String] = [:]

  init() {}

  /// Reads the NUL-ended `NAME=VALUE` words of /proc/PID/environ.
  init(_ bytes: UnsafeRawBufferPointer, _ signatures: AgentSignatures) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0) ?? rest.endIndex
      let word = rest[rest.startIndex..<end]
      rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
      guard let first = word.first else { continue }
      for variable in signatures.variables[Int(first)] {
        take(variable, signatures.all[variable.agent].name, word)
      }
    }
  }

  private mutating func take(
    _ variable: AgentSignatures.Variable, _ agent: String, _ word: Slice<UnsafeRawBufferPointer>
  ) {
    let name = variable.marker.name
    guard word.count > name.count, word.starts(with: name),
      word[word.startIndex + name.count] == UInt8(ascii: "=")
    else { return }
    let value = word.dropFirst(name.count + 1)
    switch variable.meaning {
    case .session:
      if !value.isEmpty { sessions[agent] = escaped(value.prefix(128)) }
    case .marker, .hint:
      guard glob(variable.marker.pattern, matches: value) else { return }
      hits.append(
        AgentHit(
          agent: agent, confidence: variable.meaning == .marker ? .strong : .weak,
          mark: "environment \(escaped(name))"))
    }
  }
}
