import Grants
import Provenance
import Testing

/// What an agent asks somebody else to run.
@Suite struct LaunchRequestTests {
  /// Pid 1, an agent in alice's session, a tmux server of hers, atd, sshd.
  private func host() throws -> MadeProc {
    let host = try MadeProc()
    let session = "/user.slice/user-1000.slice/session-5.scope"
    host.put(50, parent: 1, "/usr/sbin/sshd", start: 10)
    host.put(
      60, parent: 50, "/bin/bash", ["-bash"], uid: 1000, login: 1000, session: 5, start: 20,
      group: session)
    host.put(
      70, parent: 60, "/home/alice/.local/bin/claude", ["claude"], uid: 1000, login: 1000,
      session: 5, start: 30, group: session)
    host.put(
      80, parent: 60, "/usr/bin/tmux", ["tmux"], uid: 1000, login: 1000, session: 5, start: 40,
      group: session)
    host.put(
      81, parent: 80, "/bin/bash", ["-bash"], uid: 1000, login: 1000, session: 5, start: 50,
      group: session)
    host.put(90, parent: 1, "/usr/sbin/atd", start: 15, group: "/system.slice/atd.service")
    host.table.start(.fed)
    return host
  }

  private func run(
    _ host: MadeProc, _ pid: Int32, below parent: Int32, _ program: String, _ words: [String],
    login: UInt32? = 1000, group: String = "/user.slice/user-1000.slice/session-5.scope"
  ) {
    host.fork(parent, pid)
    host.put(
      pid, parent: parent, program, words, uid: 1000, login: login, session: login == nil ? nil : 5,
      group: group)
    host.exec(pid)
  }

  @Test("Keys sent to a human's tmux leave what the human's shell then does in doubt")
  func tmux() throws {
    let host = try host()
    run(host, 100, below: 81, "/bin/chmod", ["chmod", "640", "y"])
    let before = host.judge(100)
    #expect(before.provenance == .human && before.confidence == .strong)
    #expect(before.requests.isEmpty)
    run(host, 101, below: 70, "/usr/bin/tmux", ["tmux", "send-keys", "chmod 777 x", "Enter"])
    host.exit(101)
    run(host, 102, below: 81, "/bin/chmod", ["chmod", "777", "x"])
    let after = host.judge(102)
    #expect(after.provenance == .human && after.confidence == .weak)
    #expect(before.hints.isEmpty && after.hints == ["claude-code"])
    #expect(after.requests.first?.contains("tmux(101) < claude(70): tmux send-keys") == true)
    #expect(after.because.last?.contains("this may be it") == true)
    // A listing asks for nothing, and a request is not held against anybody for ever.
    host.wait(700)
    run(host, 103, below: 70, "/usr/bin/tmux", ["tmux", "list-sessions"])
    run(host, 104, below: 81, "/bin/chmod", ["chmod", "777", "z"])
    #expect(host.judge(104).confidence == .strong)
  }

  @Test("A unit that the agent asked for by name is the agent's, another is not")
  func units() throws {
    let host = try host()
    run(
      host, 110, below: 70, "/usr/bin/systemd-run",
      ["systemd-run", "--unit=fix", "usermod", "-aG", "sudo", "bob"])
    run(
      host, 111, below: 1, "/usr/sbin/usermod", ["usermod"], login: nil,
      group: "/system.slice/fix.service")
    let found = host.judge(111)
    #expect(found.provenance == .agentExecuted && found.confidence == .strong)
    #expect(found.agent?.name == "claude-code" && found.via == "systemd")
    run(
      host, 112, below: 1, "/usr/sbin/usermod", ["usermod"], login: nil,
      group: "/system.slice/other.service")
    #expect(host.judge(112).provenance == .unknown && host.judge(112).requests.isEmpty)
    run(host, 113, below: 70, "/usr/bin/systemd-run", ["systemd-run", "id"])
    run(
      host, 114, below: 1, "/usr/sbin/usermod", ["usermod"], login: nil,
      group: "/system.slice/run-u7.service")
    let hinted = host.judge(114)
    #expect(hinted.provenance == .unknown && hinted.requests.count == 1)
    // A human's own session is nobody's unit.
    run(host, 115, below: 60, "/bin/chmod", ["chmod"])
    #expect(host.judge(115).confidence == .strong)
  }

  @Test("A job of at, and a login over the loopback, carry the agent's request")
  func others() throws {
    let host = try host()
    run(host, 123, below: 70, "/usr/bin/ssh", ["ssh", "alice@localhost", "id"])
    run(host, 124, below: 50, "/usr/sbin/sshd", ["sshd: alice"])
    run(host, 125, below: 124, "/bin/chmod", ["chmod"])
    #expect(host.judge(125).requests.first?.contains("ssh alice@localhost") == true)
    #expect(host.judge(125).confidence == .weak)
    run(host, 120, below: 70, "/usr/bin/at", ["at", "now"])
    host.wait(3600)
    run(host, 121, below: 90, "/bin/sh", ["sh"], group: "/system.slice/atd.service")
    run(host, 122, below: 121, "/bin/chmod", ["chmod"], group: "/system.slice/atd.service")
    #expect(host.judge(122).requests.first?.contains("at(120) < claude(70)") == true)
    // The session that was there before is not in doubt.
    run(host, 126, below: 60, "/bin/chmod", ["chmod"])
    #expect(host.judge(126).confidence == .strong)
  }

  @Test("A unit that was gone before it was seen may be any that the agent asked for")
  func unseenUnit() throws {
    let host = try host()
    run(
      host, 95, below: 1, "/usr/lib/systemd/systemd", ["systemd", "--user"],
      group: "/user.slice/user-1000.slice/user@1000.service/init.scope")
    func quick(_ pid: Int32, below manager: Int32) -> Attribution {
      host.fork(manager, pid)
      host.exec(pid)
      host.exit(pid)
      return host.judge(pid, alive: false)
    }
    let before = quick(140, below: 95)
    #expect(before.provenance == .unknown && before.hints.isEmpty)
    run(
      host, 141, below: 70, "/usr/bin/systemd-run", ["systemd-run", "--user", "--unit=x", "chmod"])
    let after = quick(142, below: 95)
    #expect(after.provenance == .unknown && after.hints == ["claude-code"])
    #expect(quick(143, below: 1).hints.isEmpty)
    run(host, 144, below: 70, "/usr/bin/systemd-run", ["systemd-run", "chmod"])
    #expect(quick(145, below: 1).hints == ["claude-code"])
  }

  @Test("What runs in a container may be what an agent asked the engine for")
  func container() throws {
    let host = try host()
    run(host, 91, below: 1, "/usr/bin/containerd-shim-runc-v2", ["shim"], login: nil, group: "/d")
    run(
      host, 130, below: 91, "/bin/sh", ["sh", "-c", "chmod 777 x"], login: nil, group: "/docker/1")
    #expect(host.judge(130).provenance == .unknown && host.judge(130).hints.isEmpty)
    run(host, 131, below: 70, "/usr/bin/docker", ["docker", "ps"])
    run(
      host, 132, below: 91, "/bin/sh", ["sh", "-c", "chmod 777 x"], login: nil, group: "/docker/1")
    #expect(host.judge(132).hints.isEmpty)
    run(host, 133, below: 70, "/usr/bin/docker", ["docker", "exec", "box", "chmod", "777", "x"])
    // Whoever started the engine is not who asked for this.
    run(
      host, 134, below: 91, "/bin/sh", ["sh", "-c", "chmod 777 x"], login: 1000, group: "/docker/1")
    let found = host.judge(134)
    #expect(found.provenance == .unknown && found.hints == ["claude-code"])
  }

  @Test("However long its ancestors are dead, what lives keeps them")
  func detached() throws {
    let host = try host()
    host.fork(70, 130)
    host.put(130, parent: 70, "/bin/sh", ["sh", "-c", "setsid x &"], uid: 1000)
    host.exec(130)
    host.fork(130, 131)
    host.put(131, parent: 130, "/usr/bin/sleep", ["sleep", "1000"], uid: 1000)
    host.exec(131)
    host.exit(130)
    host.exit(70)
    for pid in Int32(1000)..<3000 {
      host.fork(60, pid)
      host.exit(pid)
    }
    host.wait(100)
    host.table.drain()
    let found = host.judge(131)
    #expect(found.provenance == .agentExecuted && found.agent?.name == "claude-code")
  }
}
