import Grants
import LinuxKit
import Provenance
import Testing

@Suite struct CallerCheckTests {
  private func host(_ supply: ProcessTable.Supply = .fed) throws -> MadeProc {
    let host = try MadeProc()
    host.put(50, parent: 1, "/usr/sbin/sshd", start: 10)
    host.put(60, parent: 50, "/bin/bash", uid: 1000, login: 1000, session: 5, start: 20)
    host.put(70, parent: 60, "/x/claude", uid: 1000, login: 1000, session: 5, start: 30)
    host.put(75, parent: 1, "/usr/lib/systemd/systemd", uid: 1000, login: 1000, start: 30)
    host.put(76, parent: 1, "/usr/sbin/cron", start: 30)
    host.table.start(supply)
    return host
  }

  private func call(
    _ host: MadeProc, below parent: Int32, environment: [String] = [], uid: UInt32 = 1000,
    login: UInt32? = 1000, group: String = "/"
  ) -> CallerCheck {
    host.fork(parent, 90)
    host.put(
      90, parent: parent, "/usr/bin/grantctl", environment: environment, uid: uid, login: login,
      group: group)
    host.exec(90)
    return host.checkCaller(90, uid: uid)
  }

  @Test("A person's shell may ask")
  func person() throws {
    let check = try call(host(), below: 60)
    #expect(check.ok, "\(check.reason)")
    #expect(check.reason.isEmpty)
    #expect(check.user == "alice")
    #expect(check.loginUID == 1000)
    #expect(check.chainText == "grantctl(90) < bash(60) < sshd(50) < systemd(1)")
  }

  @Test("A process that has the number of the one that connected may not ask for it")
  func numberThatCameAgain() throws {
    let host = try host()
    host.fork(60, 90)
    host.put(90, parent: 60, "/usr/bin/grantctl", uid: 1000, login: 1000, start: 40)
    host.exec(90)
    for start in [UInt64(39), 0] {
      let check = host.checkCaller(90, uid: 1000, start: start)
      #expect(!check.ok)
      #expect(check.reason.contains("another has its number"))
    }
  }

  @Test("An agent may not: directly, by sudo, by an orphan, with a clean environment")
  func agent() throws {
    let check = try call(host(), below: 70)
    #expect(!check.ok)
    #expect(check.agent?.name == "claude-code")
    #expect(check.reason.contains("claude-code"))

    let host = try host()
    host.fork(70, 71)
    host.put(71, parent: 70, "/usr/bin/sudo", login: 1000)
    host.exec(71)
    #expect(!call(host, below: 71, uid: 0).ok)

    let orphan = try self.host()
    orphan.fork(70, 71)
    orphan.fork(71, 90)
    orphan.exit(71)
    orphan.exit(70)
    orphan.put(90, parent: 1, "/usr/bin/grantctl", uid: 1000, login: 1000)
    orphan.exec(90)
    orphan.wait(60)
    orphan.table.drain()
    #expect(!orphan.checkCaller(90, uid: 1000).ok)
  }

  @Test("A marker in the environment refuses, a weak one too, and one that came later")
  func environment() throws {
    #expect(try !call(host(), below: 60, environment: ["CLAUDE_CODE_CHILD_SESSION=1"]).ok)
    #expect(try !call(host(), below: 60, environment: ["CLAUDECODE=1"]).ok)
    let host = try host()
    host.put(
      60, parent: 50, "/bin/bash", environment: ["CLAUDECODE=1"], uid: 1000, login: 1000,
      session: 5, start: 20)
    #expect(!call(host, below: 60).ok)
  }

  @Test("Whoever has others start it is refused")
  func launchers() throws {
    #expect(try call(host(), below: 75).reason.contains("systemd(75)"))
    #expect(try call(host(), below: 76).reason.contains("cron(76)"))
    #expect(
      try call(host(), below: 1, login: nil, group: "/system.slice/run-u1.service").reason
        .contains("no login uid"))
  }

  @Test("What an agent may have typed is refused: in a tmux it sent keys to, over ssh to this host")
  func typed() throws {
    let host = try host()
    host.put(80, parent: 60, "/usr/bin/tmux", uid: 1000, login: 1000, session: 5, start: 40)
    host.put(81, parent: 80, "/bin/bash", uid: 1000, login: 1000, session: 5, start: 50)
    func run(_ pid: Int32, below parent: Int32, _ program: String, _ words: [String]) {
      host.fork(parent, pid)
      host.put(pid, parent: parent, program, words, uid: 1000, login: 1000, session: 5)
      host.exec(pid)
    }
    #expect(call(host, below: 81).ok)
    run(100, below: 70, "/usr/bin/tmux", ["tmux", "send-keys", "grantctl approve g-1", "Enter"])
    let check = call(host, below: 81)
    #expect(!check.ok)
    #expect(check.agent == nil)
    #expect(check.reason.hasPrefix("an agent may have typed it: claude-code asked for it at "))
    #expect(check.reason.contains("tmux send-keys grantctl approve g-1 Enter"))
    // Another terminal of the same human is not in doubt.
    #expect(call(host, below: 60).ok)
    host.wait(601)
    #expect(call(host, below: 81).ok)
    run(101, below: 70, "/usr/bin/ssh", ["ssh", "bob@localhost", "grantctl approve g-1"])
    run(102, below: 50, "/usr/sbin/sshd", ["sshd: bob"])
    #expect(call(host, below: 102).reason.contains("ssh bob@localhost"))
  }

  @Test("A hole in the chain refuses; without events an orphan is one")
  func holes() throws {
    let host = try host()
    host.fork(4000, 90)
    host.put(90, parent: 1, "/usr/bin/grantctl", uid: 1000, login: 1000)
    host.exec(90)
    #expect(host.checkCaller(90, uid: 1000).reason.contains("broken"))

    let blind = try self.host(.none)
    blind.put(90, parent: 1, "/usr/bin/grantctl", uid: 1000, login: 1000)
    #expect(!blind.checkCaller(90, uid: 1000).ok)
    blind.put(91, parent: 1, "/usr/bin/grantctl", uid: 0, group: "/user.slice/session-3.scope")
    #expect(!blind.checkCaller(91, uid: 0).ok)
    blind.put(92, parent: 60, "/usr/bin/grantctl", uid: 1000, login: 1000)
    #expect(blind.checkCaller(92, uid: 1000).ok)
    blind.put(93, parent: 0, "/usr/bin/grantctl", uid: 1000, login: 1000)
    #expect(blind.checkCaller(93, uid: 1000).reason.contains("namespace"))
  }

  @Test("Somebody else's uid, and nobody at all, are refused")
  func identity() throws {
    let host = try host()
    host.fork(60, 90)
    host.put(90, parent: 60, "/usr/bin/grantctl", uid: 1000, login: 1000)
    host.exec(90)
    #expect(!host.checkCaller(90, uid: 0).ok)
    #expect(!host.checkCaller(4001, uid: 0).ok)
    #expect(!host.checkCaller(-1, uid: 0).ok)
  }
}
