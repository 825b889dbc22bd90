import ByteText

/// How an agent is known on a host: one file of agents.d, see grantwatch-agents(5).
package struct AgentSignature: Equatable, Sendable {
  /// A variable of the environment and a shell pattern for its value.
  package struct Marker: Equatable, Sendable {
    package var name: [UInt8]
    package var pattern: [UInt8]

    /// As a file has it.
    var text: String {
      pattern == [UInt8(ascii: "*")]
        ? escaped(name) : "\(escaped(name))=\(escaped(pattern))"
    }
  }

  package var name: String
  package var vendor: String?
  /// The file that describes it.
  package var file = ""
  /// The file is the administrator's, not one that came with Grantwatch.
  package var isAdmins = false
  /// The administrator says that this agent is meant to run here.
  package var isProvisioned = false
  /// It runs a language model and is no agent.
  package var isRunner = false
  /// Shell patterns for the path of the program.
  package var executables: [String] = []
  /// Shell patterns for the words of the command line that name the program.
  package var arguments: [String] = []
  /// Shell patterns for the kernel's name of the process.
  package var commands: [String] = []
  package var environment: [Marker] = []
  package var hints: [Marker] = []
  /// Variables that hint at the agent where all of a set are found together.
  package var together: [[Marker]] = []
  /// Names of Python packages, as `PythonEnvironment.normal` gives them.
  package var packages: [[UInt8]] = []
  /// Shell patterns for units and slices.
  package var units: [String] = []
  /// Shell patterns for whole paths of control groups.
  package var controlGroups: [String] = []
  /// Names or numbers of accounts.
  package var users: [String] = []
  /// Variables that hold the id of the agent's session.
  package var sessionVariables: [String] = []
  /// Words of the command line that switch the agent's own questions off; `A+B` stands for two words,
  /// one after the other.
  package var skipPermissions: [String] = []
  package var model = ModelOptions()

  package init(name: String) { self.name = name }

  var matchesNothing: Bool {
    executables.isEmpty && arguments.isEmpty && commands.isEmpty && environment.isEmpty
      && hints.isEmpty && together.isEmpty && packages.isEmpty && !isDeclared
  }

  /// Known by a unit, a control group or an account.
  package var isDeclared: Bool { !units.isEmpty || !users.isEmpty || !controlGroups.isEmpty }
}

/// Every agent that is known, ready to be compared with processes.
package struct AgentSignatures: Sendable {
  package let all: [AgentSignature]
  /// What runs language models on a host: no agents.
  package let runners: [AgentSignature]
  /// The patterns of `all` and of `runners`, in their order.
  let patterns: [AgentPatterns]
  let runnerPatterns: [AgentPatterns]
  /// Variables to look for, by the first byte of their name.
  let variables: [[Variable]]
  /// Some agent is known by its unit.
  let hasUnits: Bool
  /// Some agent is known by its unit or its account.
  let hasDeclarations: Bool
  /// Packages of Python that some agent or runner is known by.
  let packages: Set<[UInt8]>

  struct Variable: Sendable {
    enum Meaning: Equatable {
      case marker, hint, session, model
      /// The place of its set, and its own place in it.
      case together(set: Int, place: Int)
    }
    var agent: Int
    var meaning: Meaning
    var marker: AgentSignature.Marker
  }

  /// True when a description still has the hint.
  func hasHint(_ hit: AgentHit) -> Bool {
    all.contains { agent in
      agent.name == hit.agent && agent.hints.contains { $0.text == hit.pattern }
    }
  }

  package init(_ described: [AgentSignature]) {
    let all = described.filter { !$0.isRunner }
    self.all = all
    runners = described.filter(\.isRunner)
    patterns = all.map(AgentPatterns.init)
    runnerPatterns = runners.map(AgentPatterns.init)
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
      for name in agent.model.environment {
        add(index, .model, AgentSignature.Marker(name: Array(name.utf8), pattern: [0x2a]))
      }
      for (set, markers) in agent.together.enumerated() {
        for (place, marker) in markers.enumerated() {
          add(index, .together(set: set, place: place), marker)
        }
      }
    }
    self.variables = variables
    hasUnits = all.contains { !$0.units.isEmpty || !$0.controlGroups.isEmpty }
    hasDeclarations = all.contains(where: \.isDeclared)
    packages = Set(described.flatMap(\.packages))
  }
}
