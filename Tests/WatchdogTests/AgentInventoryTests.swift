import ByteText
import Glibc
import Scratch
import Testing

/// Which agents ran, and that one nobody declared is told of.
extension EngineLiveTests {
  /// The agents on the list whose name is `name`, the latest first.
  private func listed(_ stage: Stage, _ name: String = "claude-code") throws -> [JSON] {
    try stage.call("ListAgents")["agents"].elements.filter { $0["name"].text == name }
  }

  /// Has the human start an agent that waits; its entry.
  private func startAgent(_ stage: Stage, _ options: String = "") throws -> JSON {
    let before = try listed(stage).compactMap { $0["pid"].integer }
    try stage.human.play(
      "setsid -f $S/claude/claude -c 'read x <$S/out/go' claude \(options) </dev/null")
    return try stage.wait("an agent on the list") {
      try listed(stage).first { agent in
        agent["pid"].integer.map { !before.contains($0) } ?? false
      }
    }
  }

  /// A stage on which nobody declared the agent, unless it is said.
  private func stageWithWay(declared: Bool = false) throws -> Stage {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.remove("etc/agents.d/claude.conf")
      scratch.file(
        "etc/agents.d/claude.conf", 0o644,
        text: """
          [Agent]
          Name=claude-code
          [Match]
          Executable=\(scratch.path)/claude/claude
          [Risk]
          SkipPermissions=--careless

          """)
      guard declared else { return }
      scratch.file(
        "etc/agents.d/own.conf", 0o644, text: "[Agent]\nName=claude-code\nProvisioned=yes\n")
    }
    mkfifo("\(stage.scratch.path)/out/go", 0o600)
    return stage
  }

  @Test func anAgentThatRunsIsListedWithWhatItGave() throws {
    let stage = try stageWithWay()
    try stage.start()
    let agent = try #require(try listed(stage).first)
    #expect(agent["state"].text == "running")
    #expect(agent["user"].text == "root")
    #expect(agent["loginUid"].integer == 4711)
    #expect(agent["declared"].bool == false)
    #expect(agent["grants"].integer == 0)
    #expect(agent["confidence"].text != "weak")
    try stage.agent("chmod 644 $D/a")
    let grant = try #require(try stage.fileGrant()["id"].text)
    var counted = try #require(try listed(stage).first)
    #expect(counted["grants"].integer == 1 && counted["activeGrants"].integer == 1, "\(counted)")
    stage.stop()
    try stage.start()
    counted = try #require(try listed(stage).first)
    #expect(try listed(stage).count == 1)
    #expect(counted["grants"].integer == 1 && counted["activeGrants"].integer == 1)
    stage.pass(seconds: 901)
    try stage.becomes("ended", grant)
    counted = try #require(try listed(stage).first)
    #expect(counted["grants"].integer == 1 && counted["activeGrants"].integer == 0)
  }

  @Test func anAgentThatNobodyDeclaredIsToldOfOnceADay() throws {
    let stage = try stageWithWay()
    try stage.start()
    let first = try startAgent(stage)
    #expect(first["state"].text == "running" && first["ended"].isNull)
    func told() throws -> [String] {
      try stage.events("agent.discovered").compactMap { $0["text"].text }
    }
    let texts = try told()
    #expect(texts.count == 1, "\(texts)")
    #expect(texts.first?.contains("claude-code (") == true, "\(texts)")
    #expect(texts.first?.contains("is not declared: executable") == true, "\(texts)")
    _ = try startAgent(stage)
    #expect(try told().count == 1)
    stage.stop()
    try stage.start()
    _ = try startAgent(stage)
    #expect(try told().count == 1)
    stage.pass(seconds: 90_000)
    _ = try startAgent(stage)
    #expect(try told().count == 2)
    // Whoever waits goes on; each of them reads a line.
    try stage.human.play("for i in 1 2 3 4 5 6; do timeout 1 sh -c 'echo >$S/out/go' || :; done")
    _ = try stage.wait("all that were started have ended") {
      try listed(stage).filter { $0["state"].text == "running" }.count == 1 ? true : nil
    }
    let ended = try #require(try listed(stage).first { $0["state"].text == "ended" })
    #expect(!ended["ended"].isNull)
  }

  @Test func aDeclaredAgentIsNoNews() throws {
    let stage = try stageWithWay(declared: true)
    try stage.start()
    let agent = try startAgent(stage, "--careless")
    #expect(agent["skipPermissions"].text == "--careless")
    #expect(agent["declared"].bool == true)
    #expect(try stage.events("agent.discovered").isEmpty)
    try stage.human.play("timeout 5 sh -c 'echo >$S/out/go' || :")
  }

  @Test func othersSeeTheirOwnAgentsOnly() throws {
    let stage = try stageWithWay()
    try stage.start()
    let pid = try #require(try listed(stage).first?["pid"])
    let list = try stage.ask("ListAgents", [], by: stage.approver, wrapped: Stage.asNobody)
    #expect(list["parameters"]["agents"].elements.isEmpty, "\(list)")
    let check = try stage.ask(
      "CheckAgent", [("pid", pid)], by: stage.approver, wrapped: Stage.asNobody)
    #expect(check["error"].text?.hasSuffix("NotFound") == true, "\(check)")
    let own = try stage.call("CheckAgent", [("pid", pid)])["check"]
    #expect(own["agent"].text == "claude-code")
    #expect(own["rules"].elements.first?["matches"].elements.first?["key"].text == "Executable")
  }
}
