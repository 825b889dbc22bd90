import ByteText
import Dispatch
import Grants
import LinuxKit
import Provenance
import Scratch
import Testing
import Watchdog

/// Several processes that change one file before anybody can look.
@Suite struct RivalTests {
  private func attribution(
    _ pid: Int32, _ provenance: Provenance, root: String, agent: String? = nil,
    hints: [String] = []
  ) -> Attribution {
    var found = Attribution.unseen(reason: "test")
    found.process = ProcessKey(pid: pid, start: 1)
    found.provenance = provenance
    found.confidence = .strong
    found.rootKey = root
    found.chainText = "chmod(\(pid))"
    found.agent = agent.map { AgentReference(name: $0, chain: [$0]) }
    found.hints = hints
    return found
  }

  @Test func oneActorIsInNoDoubt() {
    #expect(Attribution.oneOf([]) == nil)
    let one = Attribution.oneOf([
      attribution(1, .human, root: "session:1"), attribution(2, .human, root: "session:1"),
    ])
    #expect(one?.process.pid == 1 && one?.confidence == .strong)
    let agent = Attribution.oneOf([
      attribution(1, .agentExecuted, root: "agent:9", agent: "a"),
      attribution(2, .agentExecuted, root: "agent:9", agent: "a"),
    ])
    #expect(agent?.provenance == .agentExecuted && agent?.confidence == .strong)
  }

  @Test func twoHumansAreBothNamed() {
    let found = Attribution.oneOf([
      attribution(1, .human, root: "session:1"), attribution(2, .human, root: "session:2"),
    ])
    #expect(found?.provenance == .human && found?.confidence == .weak)
    #expect(found?.because.last?.hasPrefix("chmod(2) changed it at the same moment") == true)
    #expect(found?.hints == [])
  }

  @Test func anAgentAmongThemIsAHint() {
    for order in [false, true] {
      let pair = [
        attribution(1, .human, root: "session:1"),
        attribution(2, .agentExecuted, root: "agent:9", agent: "a"),
      ]
      let found = Attribution.oneOf(order ? pair : pair.reversed())
      #expect(found?.provenance == .human && found?.confidence == .weak)
      #expect(found?.hints == ["a"] && found?.process.pid == 1)
    }
    let job = Attribution.oneOf([
      attribution(1, .automation, root: "group:1"),
      attribution(2, .agentExecuted, root: "agent:9", agent: "a"),
    ])
    #expect(job?.provenance == .unknown && job?.hints == ["a"])
  }

  @Test func whoeverTheAgentMayHaveAskedIsNoDoubt() {
    let found = Attribution.oneOf([
      attribution(1, .unknown, root: "group:1", hints: ["a"]),
      attribution(2, .agentExecuted, root: "agent:9", agent: "a"),
    ])
    #expect(found?.provenance == .agentExecuted && found?.process.pid == 2)
  }
}

extension EngineLiveTests {
  /// A stage on which several acted while the daemon was busy; the one grant that came of it.
  private func meanwhile(_ acts: (Stage) throws -> Void) throws -> (Stage, JSON) {
    let hint = "[Rule hint]\nProvenance=human unknown\nHint=*\nMinConfidence=weak\nTTL=15min\n"
    let stage = try Stage(Stage.configuration + hint) {
      $0.file("root/srv/a", 0o600)
      $0.folder("root/srv/d")
    }
    try stage.start()
    let engine = try #require(stage.engine)
    try engine.queue.sync { try acts(stage) }
    let grant = try stage.fileGrant()
    #expect(try stage.grants().count == 1)
    return (stage, grant)
  }

  private func because(_ grant: JSON, _ stage: Stage) throws -> [String] {
    let why = try stage.call("Explain", [("ids", stage.ids(grant["id"].text ?? ""))])
    return why["explanations"].elements.first?["because"].elements.compactMap(\.text) ?? []
  }

  @Test func whoOnlyMovedAFileDidNotWidenIt() throws {
    let (stage, grant) = try meanwhile { stage in
      try stage.agent("mv $D/a $D/d/a")
      try stage.human.play("chmod 666 $D/d/a")
    }
    #expect(grant["provenance"].text == "human")
    #expect(grant["confidence"].text == "strong")
    #expect(grant["hints"].elements.isEmpty)
    #expect(try !because(grant, stage).contains { $0.contains("at the same moment") })
  }

  @Test func anAgentThatTouchedTheFileAtTheSameMomentIsAHint() throws {
    for isFirst in [true, false] {
      let (stage, grant) = try meanwhile { stage in
        if isFirst { try stage.agent("touch $D/a") }
        try stage.human.play("chmod 666 $D/a")
        if !isFirst { try stage.agent("touch $D/a") }
      }
      #expect(grant["provenance"].text == "human")
      #expect(grant["confidence"].text == "weak")
      #expect(grant["hints"].elements.map(\.text) == ["claude-code"])
      #expect(grant["rule"].text == "hint")
      #expect(grant["agent"].isNull)
      #expect(
        try because(grant, stage).contains {
          $0.contains("changed it at the same moment: which of them gave it cannot be told")
        })
      let shown = try stage.show(grant["id"].text ?? "")
      #expect(
        shown["evidence"].elements.contains {
          $0["text"].text?.contains("< claude(") == true
            && $0["text"].text?.hasSuffix(" changed it at the same moment") == true
        }, "\(shown["evidence"])")
    }
  }

  @Test func twoHumansAtTheSameMomentAreBothNamed() throws {
    let (stage, grant) = try meanwhile { stage in
      try stage.approver.play("touch $D/a")
      try stage.human.play("chmod 666 $D/a")
    }
    #expect(grant["provenance"].text == "human")
    #expect(grant["confidence"].text == "weak")
    #expect(try because(grant, stage).contains { $0.contains("cannot be told") })
  }

  @Test func anAgentsOwnProcessesAreInNoDoubt() throws {
    let (stage, grant) = try meanwhile { stage in
      try stage.agent("touch $D/a; chmod 666 $D/a")
    }
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["rule"].text == "agents")
    #expect(try !because(grant, stage).contains { $0.contains("at the same moment") })
  }
}
