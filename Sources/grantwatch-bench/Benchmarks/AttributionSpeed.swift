import ByteText
import Glibc
import Grants
import LinuxKit
import Provenance

/// How long it takes to say who is behind a change.
enum AttributionSpeed: Benchmark {
  static let name = "attribution"
  static let meaning = """
    The processor time in which the process behind a change is attributed: it has 12 ancestors and
    more, the outermost of them an agent's, and 60 agents are described. Once while it lives, so that /proc is
    asked again, and once after it and its shells are gone, from what process events left. Each at
    most 200 µs.
    """

  /// Shells between the agent and the process that makes the change.
  private static let shells = 12

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    stage.clear()
    let table = ProcessTable(signatures: AgentSignatures(agents), accountNames: { "u\($0)" })
    table.start()
    let file = stage.data + "/actor"
    let line = (0..<shells).reduce(
      "echo $BASHPID >\(file).new; mv \(file).new \(file); exec sleep 60"
    ) { line, _ in "(\(line); :)" }
    let child = try ChildProcess(
      "/bin/bash", ["-c", line + "; :"], log: stage.folder + "/shell.log")
    defer { child.signal(SIGKILL) }
    try waitUntil("a chain of shells", every: 2_000) {
      table.drain()
      return access(file, R_OK) == 0
    }
    guard let number = decimal(try SmallFile.read(file).filter(isDigit)) else {
      throw BenchError(description: "\(file): no pid")
    }
    let pid = Int32(truncatingIfNeeded: number)
    let rounds = quick ? 200 : 2_000
    let living = try times(rounds, table, pid, alive: true)
    kill(pid, SIGKILL)
    child.wait()
    table.drain()
    // The dead are kept for five seconds.
    let dead = try times(min(rounds, 1_000), table, pid, alive: false)
    return figures("while it lives", living) + figures("after it is gone", dead)
  }

  private static func figures(_ name: String, _ times: [Double]) -> [Figure] {
    [
      Figure(
        name: "attribution \(name), median", value: times.quantile(0.5), unit: "ms", limit: 0.2,
        samples: times.count),
      Figure(
        name: "attribution \(name), p99", value: times.quantile(0.99), unit: "ms",
        samples: times.count),
    ]
  }

  private static func times(
    _ rounds: Int, _ table: ProcessTable, _ pid: Int32, alive: Bool
  ) throws -> [Double] {
    var times: [Double] = []
    let now = ProcessTable.systemClock()()
    for _ in 0..<rounds {
      let start = ProcessorTime.ofThread()
      let found = table.attribute(pid: pid, alive: alive, at: now)
      times.append((ProcessorTime.ofThread() - start) / 1000)
      guard found.provenance == .agentExecuted, found.chain.count > shells else {
        throw BenchError(
          description: "\(found.provenance.rawValue), \(found.chain.count) processes: "
            + found.because.joined(separator: "; "))
      }
    }
    return times
  }

  /// As many as there may be, and this program among them.
  private static var agents: [AgentSignature] {
    (0..<60).map { number in
      var agent = AgentSignature(name: "agent-\(number)")
      agent.executables = [
        number == 59 ? "*/grantwatch-bench" : "*/agent-\(number)", "*/share/agent-\(number)/*",
      ]
      agent.arguments = ["*/agent-\(number)/cli.js"]
      agent.sessionVariables = ["AGENT_\(number)_SESSION"]
      return agent
    }
  }
}
