import Grants
import Provenance
import Testing

/// What the shipped descriptions make of command lines, names and environments.
@Suite struct AgentTableTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    var agent: String?
    var confidence: Confidence?
    var executable: String
    var arguments: [String]
    var comm = "x"
    var environment: [String] = []
    var testDescription: String { "\(arguments.joined(separator: " ")) \(environment)" }
  }

  private static func node(_ agent: String, _ script: String) -> Sample {
    Sample(
      agent: agent, confidence: .certain, executable: "/usr/bin/node",
      arguments: ["node", script])
  }
  private static func program(_ agent: String, _ path: String) -> Sample {
    Sample(agent: agent, confidence: .certain, executable: path, arguments: [path])
  }
  private static func python(_ agent: String, _ words: String...) -> Sample {
    Sample(
      agent: agent, confidence: .certain, executable: "/usr/bin/python3.11",
      arguments: ["/opt/v/bin/python3"] + words)
  }
  private static func named(_ agent: String, _ comm: String) -> Sample {
    Sample(
      agent: agent, confidence: .strong, executable: "/usr/bin/python3.11", arguments: ["python3"],
      comm: comm)
  }
  private static func variable(
    _ agent: String, _ variables: String..., confidence: Confidence = .strong
  ) -> Sample {
    Sample(
      agent: agent, confidence: confidence, executable: "/usr/bin/bash", arguments: ["bash"],
      environment: variables)
  }
  private static func hint(_ agent: String, _ variables: String...) -> Sample {
    Sample(
      agent: agent, confidence: .weak, executable: "/usr/bin/bash", arguments: ["bash"],
      environment: variables)
  }

  static let agents: [Sample] = [
    program("claude-code", "/home/a/.local/share/claude/versions/2.1.330"),
    program("claude-code", "/usr/local/bin/claude"),
    node("claude-code", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"),
    variable("claude-code", "CLAUDE_CODE_CHILD_SESSION=1"),
    variable("claude-code", "AI_AGENT=claude-code_2-1-330_agent"),
    hint("claude-code", "CLAUDECODE=1"),
    program("codex", "/home/a/.npm/bin/codex"),
    program("codex", "/x/codex-x86_64-unknown-linux-musl"),
    node("codex", "/usr/lib/node_modules/@openai/codex/bin/codex.js"),
    variable("codex", "CODEX_THREAD_ID=1"), hint("codex", "CODEX_CI=1"),
    node("gemini-cli", "/usr/bin/gemini"), variable("gemini-cli", "GEMINI_CLI=1"),
    node("qwen-code", "/x/node_modules/@qwen-code/qwen-code/cli.js"),
    variable("qwen-code", "QWEN_CODE=1"),
    program("cursor", "/home/a/.local/share/cursor-agent/versions/2026.1/node"),
    variable("cursor", "CURSOR_AGENT=1"),
    node("copilot", "/usr/lib/node_modules/@github/copilot/index.js"),
    variable("copilot", "COPILOT_CLI=1"), variable("copilot", "COPILOT_AGENT_JOB_ID=7"),
    variable("copilot", "AI_AGENT=github_copilot_vscode_agent"),
    program("opencode", "/home/a/.opencode/bin/opencode"), variable("opencode", "OPENCODE=1"),
    node("kilo", "/x/node_modules/@kilocode/cli/bin/kilo"),
    variable("kilo", "KILOCODE_FEATURE=cli"),
    program("crush", "/usr/bin/crush"), variable("crush", "CRUSH=1"),
    program("amp", "/home/a/.amp/bin/amp"), node("amp", "/x/@sourcegraph/amp/dist/main.js"),
    variable("amp", "AGENT=amp"),
    program("kiro", "/usr/bin/kiro-cli"), program("kiro", "/usr/bin/qchat"),
    variable("kiro", "AWS_EXECUTION_ENV=AmazonQ-For-CLI Version/1.19"),
    node("auggie", "/usr/bin/auggie"), variable("auggie", "AUGMENT_AGENT=1"),
    program("devin", "/usr/local/bin/devin"),
    program("droid", "/home/a/.local/bin/droid"),
    variable("grok", "GROK_AGENT=1"),
    variable("antigravity", "ANTIGRAVITY_AGENT=1"), hint("antigravity", "ANTIGRAVITY_CLI_ALIAS=x"),
    node("pi", "/x/@mariozechner/pi-coding-agent/dist/cli.js"),
    variable("pi", "PI_CODING_AGENT=true"), hint("pi", "PATH=/usr/bin:/home/a/.pi/agent/bin:/bin"),
    hint("jules", "HOME=/home/jules", "USER=swebot"),
    hint("replit", "REPL_ID=1", "REPLIT_MODE=assistant"),
    variable("trae", "TRAE_AI_SHELL_ID=1"), variable("iflow", "IFLOW_CLI=1"),
    hint("kimi", "KIMI_PLUGIN_ROOT=/x"), python("kimi", "-m", "kimi_cli.cli"),
    node("octofriend", "/usr/bin/octofriend"), variable("warp", "OZ_RUN_ID=1"),
    node("continue", "/x/node_modules/@continuedev/cli/dist/cn.js"),
    program("plandex", "/usr/local/bin/plandex"),
    node("cline", "/x/node_modules/cline/cli.js"), hint("cline", "CLINE_ACTIVE=true"),
    variable("roo", "ROO_CLI_RUNTIME=1"), hint("roo", "ROO_ACTIVE=1"),
    variable("windsurf", "WINDSURF_CASCADE_TERMINAL=1"),
    hint("zed", "TERM_PROGRAM=zed", "PAGER=cat"),
    python("metagpt", "/opt/v/bin/metagpt", "write a game"), named("metagpt", "metagpt"),
    python("autogpt", "-m", "autogpt"), python("smolagents", "/opt/v/bin/webagent"),
    named("smolagents", "smolagent"), python("swe-agent", "/opt/v/bin/sweagent", "run"),
    python("mini-swe-agent", "-m", "minisweagent.run.mini"),
    python("crewai", "/opt/v/bin/crewai", "run"),
    python("langgraph", "/opt/v/bin/langgraph", "dev"),
    python("autogen", "/opt/v/bin/autogenstudio", "ui"),
    python("open-interpreter", "/opt/v/bin/interpreter"),
    python("aider", "/opt/v/bin/aider"), named("aider", "aider"),
    variable("aider", "OR_APP_NAME=Aider"),
    python("openhands", "/opt/v/bin/openhands"),
    variable("openhands", "TMUX=/tmp/tmux-0/openhands,1,0"),
    node("openclaw", "/usr/lib/node_modules/openclaw/openclaw.mjs"),
    variable("openclaw", "OPENCLAW_SHELL=exec"), hint("openclaw", "OPENCLAW_SHELL=tui-local"),
    program("goose", "/usr/bin/goosed"), variable("goose", "GOOSE_TERMINAL=1"),
    variable("goose", "AGENT=goose"),
    python("metaphor", "-m", "metaphor_python"),
    node("metaphor", "/home/a/.npm/_npx/1/node_modules/exa-mcp-server/build/index.js"),
    python("metaphor", "-m", "exa_py.cli"),
    hint("unnamed-agent", "AI_AGENT=somebody-new"),
  ]

  private static func person(
    _ executable: String, _ arguments: [String], _ environment: String...
  ) -> Sample {
    Sample(
      agent: nil, confidence: nil, executable: executable, arguments: arguments,
      environment: environment)
  }

  static let people: [Sample] = [
    person(
      "/usr/bin/bash", ["bash"], "TERM_PROGRAM=vscode", "VSCODE_GIT_IPC_HANDLE=/x",
      "VSCODE_INJECTION=1", "CURSOR_TRACE_ID=1", "CODEIUM_EDITOR_APP_ROOT=/x",
      "GOOSE_PROVIDER=openai", "OPENAI_API_KEY=x", "EXA_API_KEY=x", "METAPHOR_API_KEY=x"),
    person("/usr/bin/bash", ["bash"], "TERM_PROGRAM=zed"),
    person("/usr/bin/bash", ["bash"], "PAGER=cat", "HOME=/home/jules", "REPL_ID=1"),
    person("/usr/bin/bash", ["bash"], "AGENT=1", "CI=1", "GROK_AGENT=/home/a/profile"),
    person("/usr/bin/bash", ["bash"], "AI_AGENT=claude-code_2-1-330_harness"),
    person("/usr/bin/vim", ["vim", "claude.md"]),
    person("/usr/bin/grep", ["grep", "codex", "-r", "/opt/x/bin/aider"]),
    person("/usr/bin/python3.11", ["python3", "app.py"]),
    person("/usr/bin/python3.11", ["python3", "/home/a/metaphor/main.py"]),
    person("/usr/bin/exa", ["exa", "-l", "metaphor"]),
    person("/usr/bin/kilo", ["kilo", "file.c"]),
    person("/usr/bin/q", ["q", "select * from x"]),
    person("/usr/local/bin/copilot", ["copilot", "deploy"]),
    person("/usr/bin/cat", ["cat", "/etc/claude", "metagpt"]),
    person("/usr/bin/chmod", ["chmod", "755", "/opt/v/bin/metagpt"]),
    person("/usr/bin/pi", ["pi", "1000"]),
    // What runs a model is no agent.
    person("/usr/bin/ollama", ["ollama", "serve"]),
    person("/opt/llama/llama-server", ["llama-server", "-m", "/models/x.gguf"]),
    person("/usr/bin/python3.11", ["/opt/v/bin/python3", "/opt/v/bin/vllm", "serve", "a/b"]),
  ]

  private func judge(_ sample: Sample) throws -> Attribution {
    let host = try MadeProc(try AgentSignatures.shipped())
    host.put(
      70, parent: 1, sample.executable, sample.arguments, environment: sample.environment,
      uid: 1000, login: 1000, session: 5, start: 30, comm: sample.comm)
    host.table.start(.fed)
    host.fork(70, 71)
    host.put(
      71, parent: 70, "/usr/bin/chmod", ["chmod", "777", "x"], uid: 1000, login: 1000, session: 5)
    host.exec(71)
    return host.judge(71)
  }

  @Test("Each shipped description finds its agent", arguments: agents)
  func agent(_ sample: Sample) throws {
    let found = try judge(sample)
    #expect(found.agent?.name == sample.agent, "\(found.because)")
    #expect(found.confidence == sample.confidence)
    #expect(found.provenance == .agentExecuted)
  }

  @Test("What people do is nobody's", arguments: people)
  func person(_ sample: Sample) throws {
    let found = try judge(sample)
    #expect(found.agent == nil, "\(found.because)")
    #expect(found.provenance != .agentExecuted)
  }

  @Test("Every shipped agent is in the table")
  func whole() throws {
    let signatures = try AgentSignatures.shipped()
    #expect(Set(signatures.all.map(\.name)) == Set(Self.agents.compactMap(\.agent)))
    #expect(
      Set(signatures.runners.map(\.name)) == ["vllm", "llama.cpp", "ollama", "transformers"])
  }
}
