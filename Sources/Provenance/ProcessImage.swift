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
  /// The key of agents.d that says so, and its pattern.
  var key: String
  var pattern: String

  /// A variable hands itself down to whatever an agent starts; any other mark is the agent's own.
  var isInherited: Bool { ["Environment", "Hint", "Together"].contains(key) }
}

/// That a process runs a language model.
struct RunnerHit: Sendable {
  var name: String
  var model: ModelReference?
  /// Why it is taken for one.
  var mark: AgentHit
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
  /// The model that an agent's command line or environment names.
  let model: ModelReference?
  /// The words of an agent's command line that switch its questions off; escaped.
  let skipFlag: String?
  let runner: RunnerHit?
  let automation: AutomationMatch?
  /// The environment could be read.
  let environmentRead: Bool

  /// Of a process that was gone before anybody could look.
  static let unseen = ProcessImage(
    executable: nil, arguments: [], comm: nil, environment: EnvironmentMarks(), read: false,
    signatures: AgentSignatures([]),
    automation: Automation(programs: [], units: [], packageManagers: []))

  convenience init(
    executable: [UInt8]?, arguments: [UInt8], comm: [UInt8]?, environment: EnvironmentMarks,
    read environmentRead: Bool, signatures: AgentSignatures, automation: Automation
  ) {
    self.init(
      executable: executable, words: CommandWords(arguments, executable: executable),
      arguments: arguments, comm: comm, environment: environment, read: environmentRead,
      packages: [], signatures: signatures, automation: automation)
  }

  /// - Parameter packages: those that some agent is known by and the virtual environment has.
  init(
    executable: [UInt8]?, words: CommandWords, arguments: [UInt8], comm: [UInt8]?,
    environment: EnvironmentMarks, read environmentRead: Bool, packages: Set<[UInt8]>,
    signatures: AgentSignatures, automation: Automation
  ) {
    self.executable = executable
    self.environmentRead = environmentRead
    command = Array(arguments.prefix(4096))
    var hits: [AgentHit] = []
    var skipFlag: String?
    var model: ModelReference?
    let own = words.arguments
    for (agent, patterns) in zip(signatures.all, signatures.patterns) {
      guard let hit = Self.hit(agent, patterns, executable, words, comm, packages) else { continue }
      hits.append(hit)
      skipFlag = skipFlag ?? Self.skipFlag(agent, words.all)
      model =
        model ?? ModelReference(in: own, agent.model)
        ?? environment.models[agent.name].map { ModelReference(name: $0) }
    }
    self.hits = hits + environment.hits
    sessions = environment.sessions
    self.skipFlag = skipFlag
    self.model = model
    runner = Self.runner(signatures, executable, words, comm, packages)
    self.automation = automation.match(executable: executable, script: words.script)
    name = Self.name(executable, words, comm)
  }

  var skipsPermissions: Bool { skipFlag != nil }

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
    _ agent: AgentSignature, _ patterns: AgentPatterns, _ executable: [UInt8]?,
    _ words: CommandWords, _ comm: [UInt8]?, _ packages: Set<[UInt8]>
  ) -> AgentHit? {
    if let executable,
      let pattern = patterns.executables.first(where: { $0.matches(executable[...]) })
    {
      return AgentHit(
        agent: agent.name, confidence: .certain, mark: "executable \(escaped(executable))",
        key: "Executable", pattern: pattern.text)
    }
    for pattern in patterns.arguments {
      if let word = words.program.first(where: pattern.matches) {
        return AgentHit(
          agent: agent.name, confidence: .certain, mark: "argument \(escaped(word.prefix(256)))",
          key: "Argument", pattern: pattern.text)
      }
    }
    if let comm, let pattern = patterns.commands.first(where: { $0.matches(comm[...]) }) {
      return AgentHit(
        agent: agent.name, confidence: .strong, mark: "command \(escaped(comm))", key: "Command",
        pattern: pattern.text)
    }
    // An environment serves more than one program: it shows what is likely.
    if let package = agent.packages.first(where: packages.contains) {
      let name = escaped(package)
      return AgentHit(
        agent: agent.name, confidence: .weak,
        mark: "package \(name) in the virtual environment that it runs in", key: "Package",
        pattern: name)
    }
    return nil
  }

  /// The runner with the best mark.
  private static func runner(
    _ signatures: AgentSignatures, _ executable: [UInt8]?, _ words: CommandWords,
    _ comm: [UInt8]?, _ packages: Set<[UInt8]>
  ) -> RunnerHit? {
    var best: (hit: AgentHit, runner: AgentSignature)?
    for (runner, patterns) in zip(signatures.runners, signatures.runnerPatterns) {
      guard let hit = hit(runner, patterns, executable, words, comm, packages),
        best.map({ $0.hit.confidence < hit.confidence }) ?? true
      else { continue }
      best = (hit, runner)
    }
    return best.map {
      RunnerHit(
        name: $0.runner.name, model: ModelReference(in: words.arguments, $0.runner.model),
        mark: $0.hit)
    }
  }

  private static func skipFlag(_ agent: AgentSignature, _ words: [ArraySlice<UInt8>]) -> String? {
    for pattern in agent.skipPermissions {
      let parts = pattern.utf8.split(separator: UInt8(ascii: "+")).map { Array($0) }
      for at in words.indices where at + parts.count <= words.count {
        if zip(parts, words[at...]).allSatisfy({ glob($0, matches: $1) }) {
          return words[at..<(at + parts.count)].map { escaped($0.prefix(128)) }
            .joined(separator: " ")
        }
      }
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
  /// What its own variables say of an agent's model.
  var models: [String: String] = [:]
  /// The value of VIRTUAL_ENV.
  var virtualEnvironment: [UInt8]?

  init() {}

  /// Reads the NUL-ended `NAME=VALUE` words of /proc/PID/environ.
  init(_ bytes: UnsafeRawBufferPointer, _ signatures: AgentSignatures) {
    var rest = bytes[...]
    var sets: [SetOfVariables: UInt64] = [:]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0) ?? rest.endIndex
      let word = rest[rest.startIndex..<end]
      rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
      guard let first = word.first else { continue }
      for variable in signatures.variables[Int(first)] {
        take(variable, signatures.all[variable.agent].name, word, &sets)
      }
      if word.starts(with: Self.virtual), word.count <= 1024 {
        virtualEnvironment = Array(word.dropFirst(Self.virtual.count))
      }
    }
    for (set, seen) in sets {
      let markers = signatures.all[set.agent].together[set.set]
      guard seen.nonzeroBitCount == markers.count else { continue }
      let names = markers.map { escaped($0.name) }.joined(separator: " ")
      hits.append(
        AgentHit(
          agent: signatures.all[set.agent].name, confidence: .weak, mark: "environment \(names)",
          key: "Together", pattern: markers.map(\.text).joined(separator: " ")))
    }
  }

  private static let virtual = Array("VIRTUAL_ENV=".utf8)

  private struct SetOfVariables: Hashable {
    var agent: Int
    var set: Int
  }

  private mutating func take(
    _ variable: AgentSignatures.Variable, _ agent: String, _ word: Slice<UnsafeRawBufferPointer>,
    _ sets: inout [SetOfVariables: UInt64]
  ) {
    let name = variable.marker.name
    guard word.count > name.count, word.starts(with: name),
      word[word.startIndex + name.count] == UInt8(ascii: "=")
    else { return }
    let value = word.dropFirst(name.count + 1)
    switch variable.meaning {
    case .session:
      if !value.isEmpty { sessions[agent] = escaped(value.prefix(128)) }
    case .model:
      if !value.isEmpty { models[agent] = escaped(value.prefix(128)) }
    case .together(let set, let place):
      guard place < 64, glob(variable.marker.pattern, matches: value) else { return }
      sets[SetOfVariables(agent: variable.agent, set: set), default: 0] |= 1 << UInt64(place)
    case .marker, .hint:
      guard glob(variable.marker.pattern, matches: value) else { return }
      let isHint = variable.meaning == .hint
      hits.append(
        AgentHit(
          agent: agent, confidence: isHint ? .weak : .strong, mark: "environment \(escaped(name))",
          key: isHint ? "Hint" : "Environment", pattern: variable.marker.text))
    }
  }
}
