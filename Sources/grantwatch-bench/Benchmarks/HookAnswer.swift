import ByteText
import Control
import Glibc
import LinuxKit

/// How long an agent waits for `grantctl hook`.
enum HookAnswer: Benchmark {
  static let name = "hook"
  static let meaning = """
    How long an agent waits for its hook: from the start of a process `grantctl hook claude-code`,
    with an event as Claude Code sends it on standard input, to its end. With the daemon up, with
    none, and with one that takes the connection and never answers; each at most 20 ms. A process
    `true` beside each of them shows what the host takes for any process.
    """

  /// An event as Claude Code 2.1.330 sent it.
  private static let event = """
    {"session_id":"d088652d-a9f0-4b5c-bc2a-1b64848f9665","transcript_path":"/home/alice/.claude/\
    projects/-home-alice-project/d088652d-a9f0-4b5c-bc2a-1b64848f9665.jsonl",\
    "cwd":"/home/alice/project","prompt_id":"7daa3cb5-d1e1-42b6-b3d1-21a9b4e1cc00",\
    "permission_mode":"default","effort":{"level":"medium"},"hook_event_name":"PreToolUse",\
    "tool_name":"Bash","tool_input":{"command":"mkdir -p data && chmod -R 777 data"},\
    "tool_use_id":"toolu_000001"}
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "1h", mode: "alert", journal: stage.folder + "/journal")
    let daemon = try stage.start()
    let up: [Figure]
    do {
      defer { stage.stop(daemon) }
      up = try figures("daemon up", stage, quick)
      let client = try ControlClient(path: stage.socket)
      var isKnown = false
      try client.stream("ListAdvice") { reply in
        isKnown = reply["advices"].elements.contains { $0["agent"].text == "claude-code" }
        return !isKnown
      }
      guard isKnown else {
        throw BenchError(description: "the daemon has no advice of the hook's")
      }
    }
    let down = try figures("no daemon", stage, quick)
    let listener = try UnixSocket.listen(at: stage.socket)
    let still = try figures("daemon stands still", stage, quick)
    _ = consume listener
    unlink(stage.socket)
    return up + down + still
  }

  private static func figures(
    _ name: String, _ stage: Stage, _ quick: Bool
  ) throws -> [Figure] {
    let program = stage.daemon.dropLast("grantwatchd".count) + "grantctl"
    let input = Array(event.utf8)
    var times: [Double] = []
    var reference: [Double] = []
    for _ in 0..<(quick ? 40 : 300) {
      let start = SystemClock.up()
      let result = Spawn.runAndWait(
        String(program), ["--socket", stage.socket, "hook", "claude-code"], input: input)
      times.append(Double(SystemClock.up() - start) / 1000)
      guard result.succeeded, result.output.isEmpty else {
        throw BenchError(
          description: "grantctl hook: \(String(decoding: result.errors, as: UTF8.self))")
      }
      let between = SystemClock.up()
      _ = Spawn.runAndWait("/bin/true", [String](), input: input)
      reference.append(Double(SystemClock.up() - between) / 1000)
    }
    return [
      Figure(
        name: "hook, \(name), median", value: times.quantile(0.5), unit: "ms", samples: times.count),
      Figure(
        name: "hook, \(name), p99", value: times.quantile(0.99), unit: "ms", limit: 20,
        samples: times.count),
      Figure(
        name: "process true beside it, median", value: reference.quantile(0.5), unit: "ms",
        samples: reference.count),
      Figure(
        name: "process true beside it, p99", value: reference.quantile(0.99), unit: "ms",
        samples: reference.count),
    ]
  }
}
