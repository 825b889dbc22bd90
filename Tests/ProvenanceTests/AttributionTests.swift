import Grants
import LinuxKit
import Provenance
import Testing

@Suite struct AttributionTests {
  /// Pid 1, sshd, alice's shell and an agent below it, all there before the start.
  private func host() throws -> MadeProc {
    let host = try MadeProc()
    host.put(50, parent: 1, "/usr/sbin/sshd", start: 10)
    host.put(60, parent: 50, "/bin/bash", ["-bash"], uid: 1000, login: 1000, session: 5, start: 20)
    host.put(
      70, parent: 60, "/home/alice/.local/bin/claude",
      ["claude", "--model", "opus", "--dangerously-skip-permissions"], uid: 1000, login: 1000,
      session: 5, start: 30)
    return host
  }

  @Test("A dead command of a dead shell below an agent is the agent's, for certain")
  func deadChain() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(70, 71)
    host.put(
      71, parent: 70, "/bin/bash", ["bash", "-c", "chmod 777 x; :"],
      environment: ["CLAUDE_CODE_SESSION_ID=s-1", "CLAUDE_CODE_CHILD_SESSION=1"], uid: 1000)
    host.exec(71)
    host.fork(71, 72)
    host.put(72, parent: 71, "/bin/chmod", ["chmod", "777", "a\nb"], uid: 1000)
    host.exec(72)
    host.exit(72)
    host.exit(71)
    let found = host.judge(72, alive: false)
    #expect(found.provenance == .agentExecuted)
    #expect(found.confidence == .certain)
    #expect(
      found.agent
        == AgentReference(
          name: "claude-code", session: "s-1", model: "opus", chain: ["claude-code"],
          delegation: [
            ChainLink(.human, "alice", id: "1000"), ChainLink(.agent, "claude-code", id: "s-1"),
          ]))
    #expect(found.chainText == "chmod(72) < bash(71) < claude(70)")
    #expect(found.rootKey == "agent:70:30")
    #expect(found.source == "process-events")
    #expect(found.skipsPermissions)
    #expect(found.complete)
    #expect(found.chain.map(\.pid) == [72, 71, 70, 60, 50, 1])
    #expect(found.actor.command == "chmod 777 a\\x0ab")
    #expect(found.actor.user == "alice")
    #expect(found.actor.loginUser == "alice")
    #expect(found.actor.session == 5)
    #expect(found.because.first?.contains("executable /home/alice/.local/bin/claude") == true)
  }

  @Test("Agents that started agents: each is a link, one in a second session too")
  func links() throws {
    let host = try host()
    host.table.start(.fed)
    func run(_ pid: Int32, _ parent: Int32, _ path: String, _ environment: [String]) {
      host.fork(parent, pid)
      host.put(
        pid, parent: parent, path, [path], environment: environment, uid: 1000, login: 1000,
        session: 5)
      host.exec(pid)
    }
    let mark = "CLAUDE_CODE_CHILD_SESSION=1"
    run(71, 70, "/bin/bash", ["CLAUDE_CODE_SESSION_ID=s-1", mark])
    run(72, 71, "/home/alice/.local/bin/claude", ["CLAUDE_CODE_SESSION_ID=s-1", mark])
    run(73, 72, "/bin/bash", ["CLAUDE_CODE_SESSION_ID=s-2", mark])
    run(74, 73, "/bin/chmod", ["CLAUDE_CODE_SESSION_ID=s-2", mark])
    let found = try #require(host.judge(74, alive: true).agent)
    #expect(found.chain == ["claude-code"])
    #expect(
      found.delegation.map { "\($0.text) \($0.id ?? "")" } == [
        "human:alice 1000", "agent:claude-code s-1", "agent:claude-code s-2",
      ])
    #expect(found.chainLength == 2)
    let plain = try #require(host.judge(70, alive: true).agent)
    #expect(plain.delegation.map(\.text) == ["human:alice", "agent:claude-code"])
  }

  @Test("A command that was gone before anybody looked still has its chain")
  func unseenLeaf() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(70, 71)
    host.exec(71)
    host.exit(71)
    let found = host.judge(71, alive: false)
    #expect(found.confidence == .certain)
    #expect(found.chainText == "?(71) < claude(70)")
    #expect(found.actor.command == nil)
  }

  @Test("A process that leaves the tree by a double fork keeps its makers")
  func doubleFork() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(70, 71)
    host.fork(71, 72)
    host.exit(71)
    host.put(72, parent: 1, "/bin/sh", uid: 1000, login: 1000)
    host.exec(72)
    let found = host.judge(72)
    #expect(found.provenance == .agentExecuted)
    #expect(found.confidence == .certain)
  }

  @Test("An agent that becomes the command itself stays an agent")
  func execWithoutFork() throws {
    let host = try host()
    host.table.start(.fed)
    host.put(
      70, parent: 60, "/bin/chmod", ["chmod", "777", "x"], uid: 1000, login: 1000, start: 30)
    host.exec(70)
    #expect(host.judge(70).confidence == .certain)
    #expect(host.judge(70).chainText == "chmod(70)")
  }

  @Test("A person's own shell is a person's; a marker makes it weak or strong")
  func human() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(60, 80)
    host.put(
      80, parent: 60, "/bin/chmod", ["chmod", "755", "/opt/bin/helper"], uid: 1000, login: 1000)
    host.exec(80)
    let found = host.judge(80)
    #expect(found.provenance == .human)
    #expect(found.confidence == .strong)
    #expect(found.rootKey == "session:5" || found.rootKey == "group:80")
    #expect(found.agent == nil)

    host.fork(60, 81)
    host.put(81, parent: 60, "/bin/chmod", environment: ["CLAUDECODE=1"], uid: 1000, login: 1000)
    host.exec(81)
    #expect(host.judge(81).provenance == .agentExecuted)
    #expect(host.judge(81).confidence == .weak)

    host.fork(60, 82)
    host.put(
      82, parent: 60, "/bin/chmod", environment: ["AI_AGENT=claude-code_2-1_agent"], uid: 1000,
      login: 1000)
    host.exec(82)
    #expect(host.judge(82).confidence == .strong)
    host.fork(60, 83)
    host.put(
      83, parent: 60, "/bin/chmod", environment: ["AI_AGENT=claude-code_2-1_harness"], uid: 1000,
      login: 1000)
    host.exec(83)
    #expect(host.judge(83).provenance == .human)
  }

  @Test("Only words that name the program name an agent")
  func arguments() throws {
    let host = try host()
    host.table.start(.fed)
    let cases: [(String, [String], Bool)] = [
      ("/usr/bin/python3.11", ["/v/bin/python3", "/v/bin/helper", "x"], true),
      ("/usr/bin/python3.11", ["python3", "-u", "/v/bin/helper"], true),
      ("/usr/bin/node", ["node", "--max-old-space-size", "4096", "/v/bin/helper"], true),
      ("/bin/bash", ["bash", "-c", "true", "/v/bin/helper"], true),
      ("/v/bin/x", ["/v/bin/helper"], true),
      ("/bin/bash", ["bash", "-c", "chmod 755 /v/bin/helper"], false),
      ("/bin/chmod", ["chmod", "755", "/v/bin/helper"], false),
      ("/bin/bash", ["bash", "/root/fix", "/v/bin/helper"], false),
    ]
    for (index, (executable, arguments, isAgent)) in cases.enumerated() {
      let pid = Int32(100 + index)
      host.fork(60, pid)
      host.put(pid, parent: 60, executable, arguments, uid: 1000, login: 1000)
      host.exec(pid)
      #expect(host.judge(pid).provenance == (isAgent ? .agentExecuted : .human), "\(arguments)")
    }
  }

  @Test("A declared unit or account is strong")
  func declared() throws {
    let host = try host()
    host.put(90, parent: 1, "/opt/app", start: 40, group: "/system.slice/helper.service")
    host.put(91, parent: 1, "/opt/app", uid: 977, start: 40)
    host.table.start(.fed)
    for pid: Int32 in [90, 91] {
      let found = host.judge(pid)
      #expect(found.agent?.name == "helper")
      #expect(found.confidence == .strong)
    }
  }

  @Test("A package manager is automation, below an agent it is the agent's")
  func packageManager() throws {
    let host = try host()
    host.table.start(.fed)
    for (parent, pid) in [(Int32(60), Int32(80)), (70, 90)] {
      host.fork(parent, pid)
      host.put(pid, parent: parent, "/usr/bin/apt-get", login: 1000)
      host.exec(pid)
      host.fork(pid, pid + 1)
      host.put(pid + 1, parent: pid, "/usr/bin/dpkg", login: 1000)
      host.exec(pid + 1)
      let found = host.judge(pid + 1)
      #expect(found.packageManager)
      #expect(found.via == "dpkg")
      #expect(found.provenance == (parent == 60 ? .automation : .agentExecuted))
    }
    host.fork(70, 95)
    host.put(95, parent: 70, "/tmp/dpkg", login: 1000)
    host.exec(95)
    #expect(!host.judge(95).packageManager)
    host.put(95, parent: 70, "/bin/bash", ["bash", "-c", "x", "/usr/bin/dpkg"], login: 1000)
    host.exec(95)
    #expect(!host.judge(95).packageManager)
  }

  @Test("Agents that start agents are all in the chain, the root is the outermost")
  func delegation() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(70, 71)
    host.put(
      71, parent: 70, "/usr/bin/python3", ["python3", "/v/bin/helper"], uid: 1000, login: 1000)
    host.exec(71)
    host.fork(71, 72)
    let found = host.judge(72, alive: false)
    #expect(found.agent?.name == "helper")
    #expect(found.agent?.chain == ["claude-code", "helper"])
    #expect(found.rootKey == "agent:70:30")
  }

  @Test("Without a login uid, below cron, or gone: unknown, with what is known")
  func unknown() throws {
    let host = try host()
    host.put(55, parent: 1, "/usr/sbin/nginx", start: 12, group: "/system.slice/nginx.service")
    host.put(56, parent: 1, "/usr/sbin/cron", start: 12)
    host.table.start(.fed)
    #expect(host.judge(55).provenance == .unknown)
    #expect(host.judge(55).because.contains { $0.contains("no login uid") })
    #expect(host.judge(55).because.contains { $0.contains("nginx.service") })
    host.fork(56, 57)
    host.put(57, parent: 56, "/bin/sh", uid: 1000, login: 1000)
    host.exec(57)
    #expect(host.judge(57).provenance == .unknown)
    #expect(host.judge(57).because.contains { $0.contains("cron(56)") })
    let gone = host.judge(4000, alive: false)
    #expect(gone.provenance == .unknown)
    #expect(gone.confidence == .weak)
    #expect(gone.actor.pid == 4000)
    #expect(host.judge(0, alive: false).actor.pid == nil)
  }

  @Test("A login in a container that systemd boots is a login; a user's own systemd makes it weak")
  func managers() throws {
    let host = try host()
    host.table.start(.fed)
    func below(_ pid: Int32, _ words: [String]) -> Attribution {
      for (pid, parent, program) in [
        (pid, 1, "/usr/lib/systemd/systemd"), (pid + 1, pid, "/usr/sbin/sshd"),
        (pid + 2, pid + 1, "/bin/bash"),
      ] {
        host.fork(parent, pid)
        host.put(
          pid, parent: parent, program, program.hasSuffix("systemd") ? words : [], uid: 1000,
          login: program.hasSuffix("bash") ? 1000 : nil, group: "/box/system.slice/ssh.service")
        host.exec(pid)
      }
      return host.judge(pid + 2)
    }
    let container = below(300, ["/sbin/init"])
    #expect(container.provenance == .human && container.confidence == .strong)
    let own = below(310, ["/lib/systemd/systemd", "--user"])
    #expect(own.provenance == .human && own.confidence == .weak)
    #expect(own.because.last?.contains("the service manager of alice") == true)
  }

  @Test("With /proc alone an agent is strong, an orphan of a login unknown, the dead unknown")
  func procOnly() throws {
    let host = try host()
    host.table.start(.none)
    host.put(71, parent: 70, "/bin/chmod", uid: 1000, login: 1000, start: 500)
    #expect(host.judge(71).provenance == .agentExecuted)
    #expect(host.judge(71).confidence == .strong)
    #expect(host.judge(71).source == "proc")
    host.put(72, parent: 1, "/bin/sh", uid: 1000, login: 1000, start: 500)
    #expect(host.judge(72).provenance == .unknown)
    #expect(!host.judge(72).complete)
    host.put(73, parent: 60, "/bin/chmod", uid: 1000, login: 1000, start: 500)
    #expect(host.judge(73).provenance == .human)
    host.remove(71)
    host.wait(2)
    #expect(host.judge(71, alive: false).provenance == .unknown)
    #expect(host.table.health.state == "unavailable")
  }

  @Test("With /proc alone the changes that a command left behind at its end are still its own")
  func procOnlyBacklog() throws {
    let host = try host()
    host.table.start(.none)
    host.put(71, parent: 70, "/bin/chmod", uid: 1000, login: 1000, start: 500)
    let first = host.judge(71)
    host.remove(71)
    let second = host.judge(71, alive: false)
    #expect(second.process == first.process)
    #expect(second.provenance == .agentExecuted)
    #expect(second.confidence == .strong)
  }

  @Test("A pid that came again is another process")
  func reuse() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(70, 71)
    host.exec(71)
    host.exit(71)
    host.fork(60, 71)
    host.put(71, parent: 60, "/bin/ls", uid: 1000, login: 1000)
    host.exec(71)
    #expect(host.judge(71).provenance == .human)
    #expect(host.judge(71, alive: false).provenance == .agentExecuted)
  }

  @Test("A process that was there before the start and is one's own orphan counts as unbroken")
  func stage() throws {
    let host = try host()
    host.put(65, parent: 1, "/bin/sh", uid: 1001, login: 1001, start: 30)
    host.table.start(.fed)
    #expect(host.judge(65).provenance == .human)
    #expect(host.judge(65).actor.loginUser == "bob")
  }
}
