import ByteText
import Control
import Dispatch
import Glibc
import Grants
import LinuxKit
import Scratch
import Testing

@Suite struct HookTests {
  private static let nowhere = "/nonexistent/control.sock"

  private func sample(_ name: String) throws -> [UInt8] {
    let here = #filePath
    let folder = here[..<(here.lastIndex(of: "/") ?? here.startIndex)]
    return try SmallFile.read("\(folder)/Samples/\(name).json")
  }

  /// What a hook without a daemon leaves in the journal.
  private func left(
    _ agent: String, _ input: [UInt8], environment: [String: String] = [:]
  ) -> [AdviceSubmission] {
    let journal = LeftInJournal()
    let result = run(
      ["--socket", Self.nowhere, "hook", agent], input: input, environment: environment,
      journal: journal)
    #expect((result.status, result.output, result.words) == (0, "", ""))
    return journal.all
  }

  @Test("What Claude Code is about to run, and in which agent of its own")
  func claudeCommand() throws {
    let found = try #require(
      left(
        "claude-code", try sample("claude-code/PreToolUse-in-subagent"),
        environment: ["CLAUDE_CODE_SESSION_ATTENDED": "0"]
      ).first)
    #expect(found.agent == "claude-code")
    #expect(found.isCommand)
    #expect(found.text == "mkdir -p data && chmod -R 777 data")
    #expect(found.session == "ac92845a-b034-48d5-b5da-135b260a251b")
    #expect(found.context.directory == "/home/alice/project")
    #expect(found.context.subagent == "general-purpose a223d98ad1e2fb281")
    #expect(found.context.toolUse == "toolu_000010")
    #expect(found.context.permissionMode == "default")
    #expect(found.context.attended == false)
    #expect(found.submission?.utf8.count == 32)
  }

  @Test("Who started an agent's own agent: as the event tells, else as Claude Code keeps it")
  func startedBy() throws {
    let folder = Scratch()
    folder.folder("s")
    folder.folder("s/subagents")
    folder.file(
      "s/subagents/agent-x2.meta.json", 0o600,
      text: #"{"agentType":"worker","parentAgentId":"x1","spawnDepth":2}"#)
    folder.file("s/subagents/agent-x4.meta.json", 0o600, text: #"{"agentType":"worker"}"#)
    func event(_ id: String, _ more: String = "", transcript: String? = nil) -> String? {
      let text = """
        {"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"chmod 777 x"},
         "session_id":"s","agent_type":"worker","agent_id":"\(id)"\(more),
         "transcript_path":"\(transcript ?? folder.path + "/s.jsonl")"}
        """
      return left("claude-code", Array(text.utf8)).first?.context.startedBy
    }
    #expect(event("x2") == "x1")
    #expect(event("x2", #","parent_agent_id":"x9""#) == "x9")
    #expect(event("x3") == nil)
    #expect(event("x4") == nil)
    #expect(event("../subagents/agent-x2") == nil)
    #expect(event("x2", transcript: "s.jsonl") == nil)
  }

  @Test("What Claude Code and Codex say at the end")
  func lastMessages() throws {
    for (agent, name) in [
      ("claude-code", "claude-code/Stop"), ("claude-code", "claude-code/SubagentStop"),
      ("codex", "codex/Stop"), ("codex", "codex/notify"),
    ] {
      let found = try #require(left(agent, try sample(name)).first, "\(name)")
      #expect(found.text == "All done.")
      #expect(found.agent == agent)
      #expect(!found.isCommand)
      #expect(found.audience != nil)
    }
    let codex = try #require(left("codex", try sample("codex/PreToolUse")).first)
    #expect(codex.model == "gpt-5-codex")
    #expect(codex.context.permissionMode == "bypassPermissions")
  }

  @Test("Codex gives its notice as an argument")
  func notice() throws {
    let journal = LeftInJournal()
    let text = String(decoding: try sample("codex/notify"), as: UTF8.self)
    #expect(run(["--socket", Self.nowhere, "hook", "codex", text], journal: journal).status == 0)
    #expect(journal.all.first?.session == "01a204de-eb66-7632-abd0-860908fd2e72")
  }

  @Test("Its own agents as they come and go, with the session that they belong to")
  func subagents() throws {
    let start = try #require(left("claude-code", try sample("claude-code/SubagentStart")).first)
    #expect(start.event == .subagentStart)
    #expect(start.text.isEmpty && !start.isCommand && start.audience == nil)
    #expect(start.session == "ac92845a-b034-48d5-b5da-135b260a251b")
    #expect(start.context.subagent == "general-purpose ac36bc3cab8db7112")
    let stop = try #require(left("claude-code", try sample("claude-code/SubagentStop")).first)
    #expect(stop.event == .subagentStop)
    #expect(stop.text == "All done.")
    #expect(stop.context.subagentLink?.id == "a223d98ad1e2fb281")
    let silent = #"{"hook_event_name":"SubagentStop","session_id":"s","agent_type":"t"}"#
    #expect(left("claude-code", Array(silent.utf8)).first?.event == .subagentStop)
  }

  @Test("A question to the human tells of the command, and of no answer")
  func questions() throws {
    let asked = try #require(
      left("claude-code", try sample("claude-code/PermissionRequest")).first)
    #expect(asked.event == .permissionRequest)
    #expect(asked.isCommand)
    #expect(asked.text == "mkdir -p data && chmod -R 777 data")
    #expect(asked.decision == nil)
    #expect(asked.context.permissionMode == "default")
    let gemini = """
      {"session_id":"s","hook_event_name":"Notification","notification_type":"ToolPermission",\
      "details":{"type":"exec","command":"chmod 777 x"}}
      """
    #expect(left("gemini", Array(gemini.utf8)).first?.event == .permissionRequest)
    let reading = """
      {"session_id":"s","hook_event_name":"PermissionRequest","tool_name":"Read",\
      "tool_input":{"file_path":"/x"}}
      """
    #expect(left("claude-code", Array(reading.utf8)).isEmpty)
  }

  @Test(
    "What became of a question, by whose word",
    arguments: [
      ("claude-code", "claude_code.tool_decision", "accept", "user_temporary", PromptGrade.clicked),
      ("claude-code", "claude_code.tool_decision", "accept", "user_permanent", .remembered),
      ("claude-code", "claude_code.tool_decision", "accept", "config", .auto),
      ("claude-code", "claude_code.tool_decision", "accept", "hook", .auto),
      ("claude-code", "tool_decision", "reject", "user_reject", nil),
      ("codex", "codex.tool_decision", "approved", "user", .clicked),
      ("codex", "codex.tool_decision", "approved_for_session", "user", .remembered),
      ("codex", "codex.tool_decision", "approved", "automated_reviewer", .auto),
      ("codex", "codex.tool_decision", "denied", "user", nil),
      ("gemini", "gemini_cli.tool_call", "accept", nil, .clicked),
      ("gemini", "gemini_cli.tool_call", "auto_accept", nil, .auto),
      ("gemini", "gemini_cli.tool_call", "reject", nil, nil),
      ("claude-code", "claude_code.api_request", "accept", "user_temporary", nil),
    ] as [(String, String, String, String?, PromptGrade?)])
  func decisions(
    _ agent: String, _ event: String, _ answer: String, _ source: String?, _ grade: PromptGrade?
  ) {
    let by = source.map { #","source":"\#($0)""# } ?? ""
    let input = """
      {"event.name":"\(event)","attributes":{"session.id":"s1","tool_use_id":"t1",\
      "decision":"\(answer)"\(by)}}
      """
    let found = left(agent, Array(input.utf8)).first
    #expect(found?.decision == grade)
    guard grade != nil else { return #expect(found == nil) }
    #expect(found?.event == .decision)
    #expect(found?.session == "s1")
    #expect(found?.context.toolUse == "t1")
  }

  @Test("Events that hold no advice give none: what the user says, and what is over")
  func others() throws {
    for name in [
      "claude-code/UserPromptSubmit", "claude-code/PostToolUse", "claude-code/SessionStart",
      "claude-code/Notification", "codex/UserPromptSubmit", "codex/SessionEnd",
    ] {
      let agent = String(name.prefix { $0 != "/" })
      #expect(left(agent, try sample(name)).isEmpty, "\(name)")
    }
  }

  @Test("Gemini CLI, OpenClaw and any other")
  func further() {
    let gemini = """
      {"session_id":"s","cwd":"/srv","hook_event_name":"BeforeTool","tool_name":"run_shell_command",\
      "tool_input":{"command":"chmod 777 x"}}
      """
    #expect(left("gemini", Array(gemini.utf8)).first?.text == "chmod 777 x")
    let after = """
      {"session_id":"s","hook_event_name":"AfterAgent","prompt":"p","prompt_response":"Run it."}
      """
    #expect(left("gemini", Array(after.utf8)).first?.text == "Run it.")
    let claw = """
      {"type":"exec.approval.requested","request":{"command":["chmod","777","a b"]},"sessionKey":"k"}
      """
    let found = left("openclaw", Array(claw.utf8)).first
    #expect(found?.text == "chmod 777 'a b'")
    #expect(found?.session == "k")
    let bot = #"{"agent":"bot","text":"do it","url":"https://f.example/1","audience":"bob"}"#
    let generic = left("generic", Array(bot.utf8)).first
    #expect(generic?.agent == "bot")
    #expect(generic?.url == "https://f.example/1")
    #expect(generic?.audience == "bob")
    #expect(left("generic", Array("run chmod 777 /x".utf8)).first?.text == "run chmod 777 /x")
  }

  @Test("Cut anywhere, it gives an advice or none, and what was there of it is right")
  func cut() throws {
    let whole = try sample("claude-code/PreToolUse")
    let command = "mkdir -p data && chmod -R 777 data"
    for end in 0...whole.count {
      for found in left("claude-code", Array(whole[..<end])) {
        #expect(command.hasPrefix(found.text))
      }
    }
    let start = #"{"hook_event_name":"Stop","last_assistant_message":"run \u00e9 chm\u00"#
    #expect(left("claude-code", Array(start.utf8)).first?.text == "run é chm")
  }

  @Test("More than a MiB, no UTF-8, no JSON, and arguments that are wrong: the agent goes on")
  func bad() {
    let long =
      #"{"hook_event_name":"Stop","last_assistant_message":""#
      + String(repeating: "é", count: 1 << 20)
    #expect(left("claude-code", Array(long.utf8)).first?.text.utf8.count == 262_144)
    var bytes = Array(#"{"hook_event_name":"Stop","last_assistant_message":"a"#.utf8)
    bytes += [0xff, 0xc3] + Array("b\"}".utf8)
    #expect(left("claude-code", bytes).first?.text.hasPrefix("a\u{fffd}") == true)
    for input in ["", "hello", "[1,2", "{}}", "{{{", String(repeating: "{\"a\":", count: 5000)] {
      #expect(left("claude-code", Array(input.utf8)).isEmpty)
    }
    #expect(run(["hook", "claude-code", "--nonsense"]).status == 0)
    #expect(run(["hook", "nobody"]).status == 0)
    #expect(run(["hook"]).status == 0)
  }

  @Test("The daemon gets it, and the journal does not")
  func submitted() throws {
    let daemon = try FakeDaemon { $0.reply("advice", "null") }
    let journal = LeftInJournal()
    let result = run(
      ["--socket", daemon.path, "hook", "claude-code"],
      input: try sample("claude-code/PreToolUse"), journal: journal)
    #expect((result.status, result.output) == (0, ""))
    // Where the machine is busy it may be in the journal too, under the same name.
    while daemon.queue.sync(execute: { daemon.seen.methods.isEmpty }) { usleep(1000) }
    let seen = try AdviceSubmission.read(daemon.seen.last).get()
    #expect(seen.isCommand)
    #expect(seen.context.directory == "/home/alice/project")
    #expect(journal.all.allSatisfy { $0.submission == seen.submission })
  }

  @Test("A daemon that does not answer: the journal gets it under the same name")
  func silent() throws {
    let kept = Kept()
    let daemon = try FakeDaemon { kept.add($0) }
    let journal = LeftInJournal()
    let start = SystemClock.up()
    let result = run(
      ["--socket", daemon.path, "hook", "claude-code"],
      input: try sample("claude-code/PreToolUse"), journal: journal)
    #expect(SystemClock.up() - start < 5_000_000)
    #expect((result.status, result.output) == (0, ""))
    let name = try #require(journal.all.first?.submission)
    while daemon.queue.sync(execute: { daemon.seen.methods.isEmpty }) { usleep(1000) }
    #expect(daemon.seen.last["submission"].text == name)
    kept.letGo(on: daemon.queue)
  }

  @Test("The fields of the journal give back what they were made of")
  func journalFields() throws {
    var submission = AdviceSubmission(agent: "a b", text: "x\ny = z")
    submission.session = "s"
    submission.isCommand = true
    submission.context.attended = true
    submission.context.directory = "/srv"
    submission.event = .decision
    submission.decision = .remembered
    var fields: [String: [UInt8]] = [:]
    for (name, value) in submission.journalFields {
      fields[try #require(AdviceSubmission.journalName(of: Array(name.utf8)))] = Array(value.utf8)
    }
    #expect(AdviceSubmission(journalFields: fields) == submission)
    #expect(AdviceSubmission(journalFields: [:]) == nil)
    // What a later version reports may be no advice.
    fields["EVENT"] = Array("something-new".utf8)
    #expect(AdviceSubmission(journalFields: fields) == nil)
    #expect(AdviceSubmission.journalName(of: Array("MESSAGE".utf8)) == nil)
  }
}

/// Calls that are never answered.
private final class Kept: @unchecked Sendable {  // used on the fake daemon's queue only
  private var calls: [ControlCall] = []
  func add(_ call: ControlCall) { calls.append(call) }
  func letGo(on queue: DispatchQueue) { queue.sync { calls = [] } }
}
