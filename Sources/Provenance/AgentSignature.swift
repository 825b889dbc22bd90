import ByteText
package import Grants

/// How an agent is known on a host: one file of agents.d, see grantwatch-agents(5).
package struct AgentSignature: Equatable, Sendable {
  /// A variable of the environment and a shell pattern for its value.
  package struct Marker: Equatable, Sendable {
    package var name: [UInt8]
    package var pattern: [UInt8]
  }

  package var name: String
  package var vendor: String?
  /// Shell patterns for the path of the program.
  package var executables: [String] = []
  /// Shell patterns for the words of the command line that name the program.
  package var arguments: [String] = []
  /// Shell patterns for the kernel's name of the process.
  package var commands: [String] = []
  package var environment: [Marker] = []
  package var hints: [Marker] = []
  /// Shell patterns for units and slices.
  package var units: [String] = []
  /// Names or numbers of accounts.
  package var users: [String] = []
  /// Variables that hold the id of the agent's session.
  package var sessionVariables: [String] = []
  /// Words of the command line that switch the agent's own questions off.
  package var skipPermissions: [String] = []

  package init(name: String) { self.name = name }

  fileprivate var matchesNothing: Bool {
    executables.isEmpty && arguments.isEmpty && commands.isEmpty && environment.isEmpty
      && hints.isEmpty && units.isEmpty && users.isEmpty
  }
}

/// Every agent that is known, ready to be compared with processes.
package struct AgentSignatures: Sendable {
  package let all: [AgentSignature]
  /// Variables to look for, by the first byte of their name.
  let variables: [[Variable]]
  /// Some agent is known by its unit.
  let hasUnits: Bool

  struct Variable: Sendable {
    enum Meaning { case marker, hint, session }
    var agent: Int
    var meaning: Meaning
    var marker: AgentSignature.Marker
  }

  package init(_ all: [AgentSignature]) {
    self.all = all
    var variables = [[Variable]](repeating: [], count: 256)
    func add(_ agent: Int, _ meaning: Variable.Meaning, _ marker: AgentSignature.Marker) {
      guard let first = marker.name.first else { return }
      variables[Int(first)].append(Variable(agent: agent, meaning: meaning, marker: marker))
    }
    for (index, agent) in all.enumerated() {
      for marker in agent.environment { add(index, .marker, marker) }
      for marker in agent.hints { add(index, .hint, marker) }
      for name in agent.sessionVariables {
        add(index, .session, AgentSignature.Marker(name: Array(name.utf8), pattern: [0x2a]))
      }
    }
    self.variables = variables
    hasUnits = all.contains { !$0.units.isEmpty }
  }

  /// Reads the files of agents.d. A later file replaces an earlier one of the same name, an empty
  /// one removes it; what is wrong comes back as findings, and the rest is used.
  package static func read(
    _ files: [(path: String, bytes: [UInt8])]
  ) -> (signatures: AgentSignatures, findings: [ConfigurationFinding]) {
    var last: [String: Int] = [:]
    for (index, file) in files.enumerated() { last[baseName(file.path)] = index }
    var found: [AgentSignature] = []
    var findings: [ConfigurationFinding] = []
    for index in last.values.sorted() {
      let file = INIFile(files[index].bytes, file: files[index].path)
      findings += file.findings
      guard !file.sections.isEmpty else { continue }
      guard let signature = signature(of: file, files[index].path, &findings) else { continue }
      if let earlier = found.firstIndex(where: { $0.name == signature.name }) {
        findings.append(
          ConfigurationFinding(
            file: files[index].path, line: 1, isError: false,
            message: "agent '\(signature.name)' was described by another file; this one counts"))
        found.remove(at: earlier)
      }
      found.append(signature)
    }
    return (AgentSignatures(found), findings)
  }

  private static let keys: [String: [String]] = [
    "Agent": ["Name", "Vendor"],
    "Match": [
      "Executable", "Argument", "Command", "Environment", "Hint", "Unit", "User",
    ],
    "Session": ["Environment"],
    "Risk": ["SkipPermissions"],
  ]

  private static func signature(
    of file: INIFile, _ path: String, _ findings: inout [ConfigurationFinding]
  ) -> AgentSignature? {
    var signature = AgentSignature(name: "")
    for section in file.sections {
      guard let known = keys[section.name] else {
        findings.append(
          section.finding(
            error: false,
            unknown("section", "[\(section.name)]", nearest(to: section.name, among: keys.keys))))
        continue
      }
      for entry in section.entries {
        guard known.contains(entry.key) else {
          findings.append(
            entry.finding(
              error: false,
              unknown("key", "'\(entry.key)'", nearest(to: entry.key, among: known))))
          continue
        }
        take(entry, of: section.name, into: &signature, &findings)
      }
    }
    func fault(_ message: String, error: Bool) {
      findings.append(
        ConfigurationFinding(file: path, line: 1, isError: error, message: message))
    }
    guard !signature.name.isEmpty else {
      fault("section [Agent] has no 'Name='", error: true)
      return nil
    }
    if signature.matchesNothing {
      fault("section [Match] is missing or empty: the agent is never found", error: false)
    }
    return signature
  }

  private static func take(
    _ entry: INIEntry, of section: String, into signature: inout AgentSignature,
    _ findings: inout [ConfigurationFinding]
  ) {
    switch (section, entry.key) {
    case ("Agent", "Name"):
      guard isName(entry.value) else {
        findings.append(
          entry.finding(
            error: true, "'Name=' wants letters, digits, '-', '_' and '.', at most 64 of them"))
        return
      }
      signature.name = entry.value
    case ("Agent", _): signature.vendor = entry.value
    case ("Match", "Executable"): signature.executables += entry.words
    case ("Match", "Argument"): signature.arguments += entry.words
    case ("Match", "Command"): signature.commands += entry.words
    case ("Match", "Unit"): signature.units += entry.words
    case ("Match", "User"): signature.users += entry.words
    case ("Match", let key):
      for word in entry.words {
        guard let marker = marker(word) else {
          findings.append(
            entry.finding(error: true, "'\(word)' is not NAME or NAME=PATTERN"))
          continue
        }
        if key == "Hint" {
          signature.hints.append(marker)
        } else {
          signature.environment.append(marker)
        }
      }
    case ("Session", _): signature.sessionVariables += entry.words
    default: signature.skipPermissions += entry.words
    }
  }

  private static func marker(_ word: String) -> AgentSignature.Marker? {
    let bytes = Array(word.utf8)
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
      return AgentSignature.Marker(name: bytes, pattern: [UInt8(ascii: "*")])
    }
    guard equals > 0 else { return nil }
    return AgentSignature.Marker(
      name: Array(bytes[..<equals]), pattern: Array(bytes[(equals + 1)...]))
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy {
        isDigit($0) || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e
      }
  }

  private static func unknown(_ what: String, _ name: String, _ near: String?) -> String {
    "unknown \(what) \(name), ignored" + (near.map { "; did you mean '\($0)'?" } ?? "")
  }

  private static func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
