import ByteText
import Control
import Testing

@Suite struct AgentTests {
  private func daemon() throws -> FakeDaemon {
    try FakeDaemon { call in
      switch call.method {
      case "ListAgents":
        call.reply(
          "agents",
          """
          [{"name":"metagpt","vendor":"MetaGPT","pid":4402,"state":"running","uid":1001,\
          "user":"bob","loginUid":1001,"loginUser":"bob","since":"2026-11-26T10:00:00.000Z",\
          "ended":null,"session":null,"model":"meta-llama/Llama-3.1-8B-Instruct",\
          "modelSource":"huggingface:meta-llama/Llama-3.1-8B-Instruct","modelRevision":"main",\
          "modelGuessed":true,"skipPermissions":"--yolo","declared":false,"confidence":"weak",\
          "mark":"package metagpt","command":"python3 main.py","chain":"main.py(4402)","grants":3,\
          "activeGrants":1}]
          """)
      case "CheckAgent":
        call.reply(
          "check",
          """
          {"pid":71,"process":"chmod","chain":"chmod(71) < claude(70)","verdict":"agent-executed",\
          "confidence":"certain","agent":"claude-code","session":null,"model":null,\
          "because":["claude(70) is marked"],"rulesTried":2,"rules":[{"agent":"claude-code",\
          "file":"/usr/lib/grantwatch/agents.d/claude-code.conf","runner":false,"matches":[{"pid":70,\
          "process":"claude","key":"Executable","pattern":"*/claude","found":"executable /x/claude",\
          "confidence":"certain"}]},{"agent":"codex","file":"c.conf","runner":false,"matches":[]}]}
          """)
      default: call.fail(.invalid(call.method))
      }
    }
  }

  @Test("agents lists who runs, with what model, declared or not")
  func list() throws {
    let daemon = try daemon()
    let run = daemon.grantctl("agents")
    #expect(run.status == 0)
    #expect(
      run.output.contains(
        "metagpt  4402  running  bob   bob    2026-11-26T10:00:00.000Z"
          + "  meta-llama/Llama-3.1-8B-Instruct?  no        nobody  3       1"), "\(run.output)")
    #expect(daemon.grantctl("agents", "-o", "json").output.hasPrefix("[{\"name\":\"metagpt\""))
    #expect(daemon.grantctl("agents", "extra").status == 2)
  }

  @Test("agents check says which rule fits, where and why")
  func check() throws {
    let daemon = try daemon()
    let run = daemon.grantctl("agents", "check", "71")
    #expect(run.status == 0)
    #expect(daemon.seen.last["pid"].integer == 71)
    #expect(
      run.output.contains(
        "matches: claude-code: Executable=*/claude on claude(70): executable /x/claude, certain"))
    #expect(run.output.contains("no match: codex"))
    #expect(daemon.grantctl("agents", "check", "71", "-o", "csv").output.contains("*/claude"))
    for bad in [["agents", "check"], ["agents", "check", "x"], ["agents", "check", "1", "2"]] {
      #expect(GrantctlTests.run(["--socket", daemon.path] + bad).status == 2, "\(bad)")
    }
  }
}
