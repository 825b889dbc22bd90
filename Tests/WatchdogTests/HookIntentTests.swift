import ByteText
import Glibc
import Grants
import Scratch
import Testing

/// What hooks told of a command, beside the grant that it made.
extension EngineLiveTests {
  private func report(
    _ stage: Stage, _ text: String, _ change: (inout AdviceSubmission) -> Void = { _ in }
  ) throws -> JSON {
    var submission = AdviceSubmission(agent: "claude-code", text: text)
    submission.isCommand = true
    submission.session = "s1"
    submission.context.directory = "/srv"
    submission.context.permissionMode = "default"
    change(&submission)
    return try stage.call(
      "AddAdvice", submission.parameters.members.map { ($0.name, $0.value) })["advice"]
  }

  private func hooked() throws -> Stage {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.file("root/srv/b", 0o600)
    }
    stage.scratch.remove("etc/agents.d/claude.conf")
    stage.scratch.file(
      "etc/agents.d/claude.conf", 0o644,
      text: """
        [Agent]
        Name=claude-code
        [Match]
        Executable=\(stage.scratch.path)/claude/claude
        [Session]
        Environment=STAGE_SESSION

        """)
    try stage.start()
    return stage
  }

  /// Has the agent run a line in a session, in a process that stays until `grant` was seen: an
  /// environment is read while its process is there.
  private func given(
    _ stage: Stage, session: String, _ line: String, _ grant: () throws -> JSON
  ) throws -> JSON {
    let way = "$S/out/\(session)"
    try stage.agent(
      "rm -f \(way); mkfifo \(way); STAGE_SESSION=\(session) bash -c '\(line); read <\(way)' &")
    defer { try? stage.agent("echo >\(way)") }
    return try grant()
  }

  @Test func aGrantWithinWhatTheHookToldSaysWhoRanIt() throws {
    let stage = try hooked()
    let told = try report(stage, "chmod 644 a") {
      $0.context.subagent = "general-purpose x1"
      $0.context.permissionMode = "bypassPermissions"
    }
    let grant = try given(stage, session: "s1", "chmod 644 $D/a") { try stage.fileGrant() }
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["agent"]["session"].text == "s1")
    #expect(grant["agent"]["chain"].elements.map(\.text) == ["claude-code", "general-purpose"])
    let links = grant["agent"]["delegation"].elements
    #expect(links.map { $0["role"].text } == ["human", "agent", "subagent"])
    #expect(links.map { $0["id"].text } == ["4711", "s1", "x1"])
    #expect(grant["intent"]["fit"].text == "within")
    #expect(grant["intent"]["source"].text == "hook")
    #expect(grant["intent"]["advice"] == told["id"])
    #expect(grant["prompt"]["grade"].text == "auto")
    #expect(grant["prompt"]["mode"].text == "bypassPermissions")
    #expect(grant["prompt"]["toldBy"].text == "agent")
    #expect(grant["state"].text == "active")
    #expect(grant["approval"].isNull)
  }

  @Test func everyLevelOfAnAgentsOwnAgentsIsKept() throws {
    let stage = try hooked()
    stage.configure("[Rule deep]\nChainLength=4\nTTL=5min\n" + Stage.configuration)
    stage.reload()
    for (id, startedBy) in [("x1", nil), ("x2", "x1")] as [(String, String?)] {
      let none = try report(stage, "") {
        $0.event = .subagentStart
        $0.context.subagent = "\(id == "x1" ? "planner" : "worker") \(id)"
        $0.context.startedBy = startedBy
      }
      #expect(none.isNull)
    }
    let told = try report(stage, "chmod 644 a") {
      $0.context.subagent = "fixer x3"
      $0.context.startedBy = "x2"
    }
    #expect(told["lineage"].elements.map { $0["name"].text } == ["planner", "worker"])
    try stage.agent("STAGE_SESSION=s1 bash -c 'chmod 644 $D/a; true'")
    let grant = try stage.fileGrant()
    let links = grant["agent"]["delegation"].elements
    #expect(
      links.map { $0["name"].text }.suffix(4) == ["claude-code", "planner", "worker", "fixer"])
    #expect(links.map { $0["id"].text } == ["4711", "s1", "x1", "x2", "x3"])
    #expect(grant["rule"].text == "deep")
    stage.pass(seconds: 3)
    let closed = try stage.show(grant["id"].text ?? "")
    #expect(closed["agent"]["delegation"] == grant["agent"]["delegation"])
    stage.stop()
    try stage.start()
    let shown = try stage.call("ShowAdvice", [("ids", stage.ids(told["id"].text ?? ""))])
    #expect(shown["advices"].elements.first?["lineage"] == told["lineage"])
  }

  @Test func aGrantWiderThanWhatTheHookToldSaysSo() throws {
    let stage = try hooked()
    _ = try report(stage, "chmod 640 a")
    let grant = try given(stage, session: "s1", "chmod 666 $D/a") { try stage.fileGrant() }
    #expect(grant["intent"]["fit"].text == "wider")
    #expect(grant["intent"]["source"].text == "hook")
    #expect(grant["intent"]["said"].text?.contains("chmod 640 a") == true)
    #expect(grant["rule"].text == "agents")
  }

  @Test func aGrantThatNoCommandOfTheHooksTellsOfSaysSo() throws {
    let stage = try hooked()
    #expect(try report(stage, "./fix.sh").isNull)
    let grant = try given(stage, session: "s1", "chmod 644 $D/a") { try stage.fileGrant() }
    #expect(grant["intent"]["fit"].text == "untold")
    #expect(grant["intent"]["said"].text == "the last one was: ./fix.sh")
    // Another session's command tells nothing of this one.
    let other = try given(stage, session: "s2", "chmod 644 $D/b") {
      try stage.grant("the other") { $0["object"].text == "file:/srv/b" }
    }
    #expect(other["intent"].isNull)
  }

  @Test func aQuestionIsEvidenceAndNoApproval() throws {
    let stage = try hooked()
    _ = try report(stage, "chmod 644 a") { $0.context.toolUse = "toolu_1" }
    #expect(try report(stage, "chmod 644 a") { $0.event = .permissionRequest }.isNull)
    let grant = try given(stage, session: "s1", "chmod 644 $D/a") { try stage.fileGrant() }
    let id = try #require(grant["id"].text)
    #expect(grant["prompt"]["grade"].text == "asked")
    #expect(grant["prompt"]["thinkMilliseconds"].integer != nil)
    #expect(grant["state"].text == "active")
    // A collector's word comes later, from root with no agent above it.
    var decision = AdviceSubmission(agent: "claude-code", text: "")
    decision.event = .decision
    decision.decision = .clicked
    decision.session = "s1"
    decision.context.toolUse = "toolu_1"
    let parameters = decision.parameters.members.map { ($0.name, $0.value) }
    _ = try stage.ask("AddAdvice", parameters, by: stage.agents)
    var shown = try stage.show(id)
    #expect(shown["prompt"]["grade"].text == "clicked")
    #expect(shown["prompt"]["toldBy"].text == "agent")
    _ = try stage.ask("AddAdvice", parameters, by: stage.approver)
    shown = try stage.show(id)
    #expect(shown["prompt"]["toldBy"].text == "root")
    #expect(shown["state"].text == "active")
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o600)
  }

  @Test func aRuleMayCountAClickThatSomebodyIndependentTold() throws {
    let stage = try hooked()
    stage.configure(
      "[Rule clicked]\nProvenance=agent-executed\nMinPrompt=clicked\n" + Stage.configuration)
    stage.reload()
    var decision = AdviceSubmission(agent: "claude-code", text: "")
    decision.event = .decision
    decision.decision = .clicked
    decision.session = "s1"
    for (name, caller, rule) in [("a", stage.agents, "agents"), ("b", stage.approver, "clicked")] {
      _ = try report(stage, "chmod 644 \(name)") { $0.context.toolUse = name }
      decision.context.toolUse = name
      _ = try stage.ask(
        "AddAdvice", decision.parameters.members.map { ($0.name, $0.value) }, by: caller)
      let grant = try given(stage, session: "s1", "chmod 644 $D/\(name)") {
        try stage.grant("a grant") { $0["object"].text == "file:/srv/\(name)" }
      }
      #expect(grant["prompt"]["grade"].text == "clicked")
      #expect(grant["rule"].text == rule)
    }
  }

  @Test func anAdviceThatQuotesAnotherKeepsTheChain() throws {
    let stage = try Stage(
      Stage.configuration.replacing(
        "Provenance=agent-advised\n", with: "Provenance=agent-advised\nChainLength=2-\n")
    ) { $0.file("root/srv/a", 0o600) }
    try stage.start()
    let text = "The service cannot read the file. Run this:\n\n    chmod 644 /srv/a\n"
    let first = try stage.call(
      "AddAdvice", [("agent", .string("forum-helper")), ("text", .string(text))])["advice"]
    let quote = "They say:\n\n> The service cannot read the file. Run this:\n\n`chmod 644 /srv/a`"
    let second = try stage.call(
      "AddAdvice", [("agent", .string("summariser")), ("text", .string(quote))])["advice"]
    #expect(second["parent"] == first["id"])
    stage.stop()
    try stage.start()
    try stage.human.play("chmod 644 $D/a")
    let grant = try stage.fileGrant()
    #expect(grant["advice"] == second["id"])
    #expect(grant["agent"]["chain"].elements.map(\.text) == ["forum-helper", "summariser"])
    #expect(grant["rule"].text == "advised")
    let why = try stage.call("Explain", [("ids", stage.ids(grant["id"].text ?? ""))])
    #expect(
      why["explanations"].elements.first?["chain"].elements.map(\.text) == [
        "agent:forum-helper", "agent:summariser",
      ])
  }
}
