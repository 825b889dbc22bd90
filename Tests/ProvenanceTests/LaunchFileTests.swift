import ByteText
import Grants
import LinuxKit
import Provenance
import Testing

/// Files that have somebody else run something, and programs that nobody saw.
@Suite struct LaunchFileTests {
  private func folder(_ path: String) throws -> LaunchFile.Folder {
    try #require(LaunchFile.Folder.system.first { $0.path.elementsEqual(path.utf8) })
  }

  /// Pid 1, a login, its agent, cron.
  private func host() throws -> MadeProc {
    let host = try MadeProc()
    host.put(60, parent: 1, "/bin/bash", ["-bash"], uid: 1000, login: 1000, session: 5, start: 20)
    host.put(70, parent: 60, "/opt/bin/claude", ["claude"], uid: 1000, login: 1000, start: 30)
    host.put(90, parent: 1, "/usr/sbin/cron", start: 15, group: "/system.slice/cron.service")
    host.table.start(.fed)
    return host
  }

  private func run(
    _ host: MadeProc, _ pid: Int32, below parent: Int32, _ words: [String], group: String = "/"
  ) {
    host.fork(parent, pid)
    host.put(pid, parent: parent, words[0], words, uid: 0, group: group)
    host.exec(pid)
  }

  private func note(
    _ host: MadeProc, _ pid: Int32, _ name: String, in path: String, at full: String? = nil
  ) throws {
    let file = try #require(LaunchFile(Array(name.utf8), in: folder(path)))
    let full = full ?? "/nonexistent\(path)/\(name)"
    host.table.note(file, at: Array(full.utf8), by: host.judge(pid), at: host.moment)
  }

  @Test(
    "Only what is run from a folder counts",
    arguments: [
      ("/etc", "crontab", true), ("/etc", "passwd", false), ("/etc/cron.d", "job", true),
      ("/etc/cron.d", ".job.swp", false), ("/etc/cron.d", "job~", false),
      ("/var/spool/cron/crontabs", "tmp.AbCdEf", false),
      ("/var/spool/cron/crontabs", "alice", true), ("/var/spool/cron/atjobs", "a00001", true),
      ("/etc/systemd/system", "fix.service", true), ("/etc/systemd/system", "fix.timer", true),
      ("/etc/systemd/system", "README", false),
      ("/etc/systemd/system", "fix.service.d/x.conf", true),
      ("/etc/systemd/system", "multi-user.target.wants/fix.service", true),
      ("/etc/systemd/system", "other/fix.service", false), ("/etc/cron.d", "a/b", false),
    ])
  func files(path: String, name: String, counts: Bool) throws {
    #expect((LaunchFile(Array(name.utf8), in: try folder(path)) != nil) == counts)
  }

  @Test("A crontab that an agent wrote is evidence on what cron then runs, a human's is not")
  func crontab() throws {
    let host = try host()
    run(host, 100, below: 60, ["/bin/cp", "x", "/etc/cron.d/a"])
    try note(host, 100, "a", in: "/etc/cron.d")
    run(host, 110, below: 90, ["/bin/chmod", "666", "x"], group: "/system.slice/cron.service")
    #expect(host.judge(110).requests.isEmpty)
    host.wait(60)
    run(host, 101, below: 70, ["/bin/cp", "x", "/etc/cron.d/b"])
    try note(host, 101, "b", in: "/etc/cron.d")
    host.wait(86400)
    // What ran before the request is not its answer.
    #expect(host.judge(110).requests.isEmpty)
    run(host, 111, below: 90, ["/bin/chmod", "666", "x"], group: "/system.slice/cron.service")
    let found = host.judge(111)
    #expect(found.requests.count == 1)
    #expect(found.requests.first?.contains("cp(101) < claude(70): wrote /nonexistent") == true)
    #expect(found.provenance == .unknown && found.confidence == .weak)
    // A week later nothing is held against anybody, unless the file is still there.
    host.wait(8 * 86400)
    run(host, 112, below: 90, ["/bin/chmod"], group: "/system.slice/cron.service")
    #expect(host.judge(112).requests.isEmpty)
    run(host, 102, below: 70, ["/bin/cp", "x", "/etc/cron.d/c"])
    try note(host, 102, "c", in: "/etc/cron.d", at: "/proc/self/stat")
    host.wait(100 * 86400)
    run(host, 113, below: 90, ["/bin/chmod"], group: "/system.slice/cron.service")
    #expect(host.judge(113).requests.count == 1)
  }

  @Test("crontab(1) is told of once, though it writes a file as well")
  func once() throws {
    let host = try host()
    run(host, 100, below: 70, ["/usr/bin/crontab", "-"])
    try note(host, 100, "alice", in: "/var/spool/cron/crontabs")
    run(host, 110, below: 90, ["/bin/chmod"])
    #expect(host.judge(110).requests.count == 1)
    let kept = host.table.keptLaunchRequests
    #expect(
      kept.count == 1 && kept.first?.path != nil && kept.first?.command == "/usr/bin/crontab -")
  }

  @Test("A unit that an agent wrote is its own, with drop-ins, timers and instances")
  func units() throws {
    let host = try host()
    func judge(_ pid: Int32, _ group: String) -> Attribution {
      run(host, pid, below: 1, ["/bin/chmod"], group: group)
      return host.judge(pid)
    }
    #expect(judge(200, "/system.slice/fix.service").requests.isEmpty)
    host.wait(60)
    run(host, 100, below: 70, ["/bin/cp", "x"])
    try note(host, 100, "fix.timer", in: "/etc/systemd/system")
    try note(host, 100, "web.service.d/x.conf", in: "/etc/systemd/system")
    try note(host, 100, "tpl@.service", in: "/etc/systemd/system")
    try note(host, 100, "multi-user.target.wants/old.service", in: "/etc/systemd/system")
    for (pid, unit) in [(201, "fix.service"), (202, "web.service"), (203, "tpl@a.service")] {
      let found = judge(Int32(pid), "/system.slice/\(unit)")
      #expect(found.provenance == .agentExecuted && found.confidence == .strong, "\(unit)")
      #expect(found.agent?.name == "claude-code")
    }
    // Enabled only: a hint. Of a user's own manager: another unit.
    let enabled = judge(204, "/system.slice/old.service")
    #expect(enabled.provenance == .unknown && enabled.requests.count == 1)
    let users = judge(205, "/user.slice/user-1000.slice/user@1000.service/app.slice/fix.service")
    #expect(users.requests.isEmpty)
    // It ran before the request: its own acts are not the agent's.
    #expect(host.judge(200).requests.isEmpty)
  }

  @Test("What a package manager wrote below an agent is a hint")
  func packages() throws {
    let host = try host()
    run(host, 100, below: 70, ["/usr/bin/dpkg", "-i", "x.deb"])
    try note(host, 100, "web.service", in: "/usr/lib/systemd/system")
    run(host, 200, below: 1, ["/bin/chmod"], group: "/system.slice/web.service")
    let found = host.judge(200)
    #expect(found.provenance == .unknown && found.requests.count == 1)
  }

  @Test("A request outlives the table, and a reboot")
  func restored() throws {
    let host = try host()
    run(host, 100, below: 70, ["/bin/cp", "x"])
    try note(host, 100, "b", in: "/etc/cron.d")
    let fresh = host.table.takeLaunchRequests()
    #expect(fresh.count == 1 && host.table.takeLaunchRequests().isEmpty)
    var request = try #require(fresh.first)
    let other = try self.host()
    run(other, 110, below: 90, ["/bin/chmod"])
    #expect(other.judge(110).requests.isEmpty)
    // Of a boot that had run for long.
    request.moment.boot = "earlier"
    request.moment.up = 1 << 50
    request.moment.wall = Timestamp(microseconds: -60_000_000)
    other.table.restore(request, mark: nil)
    #expect(other.judge(110).requests.count == 1)
    request.moment.boot = "earlier"
    request.moment.wall = Timestamp(microseconds: -8 * 86_400_000_000)
    let third = try self.host()
    third.table.restore(request, mark: nil)
    run(third, 110, below: 90, ["/bin/chmod"])
    #expect(third.judge(110).requests.isEmpty)
  }

  @Test("To ask for the same again later hides nothing")
  func again() throws {
    let host = try host()
    func ask(_ pid: Int32) {
      run(host, pid, below: 70, ["/usr/bin/systemd-run", "--unit=fix", "evil"])
      host.wait(300)
    }
    ask(100)
    run(host, 200, below: 1, ["/opt/evil"], group: "/system.slice/fix.service")
    ask(101)
    ask(102)
    let found = host.judge(200)
    #expect(found.provenance == .agentExecuted && found.requests.count == 1)
    #expect(host.table.keptLaunchRequests.count == 1)
  }

  @Test("Many requests of one kind drive out none of another, and few of them are kept for good")
  func bounded() throws {
    let host = try host()
    run(host, 99, below: 70, ["/usr/bin/at", "now"])
    for pid in Int32(100)..<500 { run(host, pid, below: 70, ["/usr/bin/crontab", "f\(pid)"]) }
    let kept = host.table.keptLaunchRequests
    #expect(kept.count { $0.launcher == .at } == 1)
    #expect(kept.count { $0.launcher == .cron } == 128)
    #expect(kept.last?.command == "/usr/bin/crontab f499")
    #expect(host.table.takeLaunchRequests().count == 120)
    // The same again is the same request.
    for pid in Int32(500)..<510 { run(host, pid, below: 70, ["/usr/bin/at", "now"]) }
    #expect(host.table.keptLaunchRequests.count { $0.launcher == .at } == 1)
  }

  @Test("A request that was gone before it was seen is a doubt: from the shell's text, or its name")
  func unseen() throws {
    let host = try host()
    // The shell forks what it was told to run, and that is gone.
    run(host, 100, below: 70, ["/bin/sh", "-c", "sleep 0; sudo systemd-run --unit=fix id"])
    host.fork(100, 101)
    host.exec(101)
    run(host, 200, below: 1, ["/bin/chmod"], group: "/system.slice/fix.service")
    let hint = host.judge(200)
    #expect(hint.provenance == .unknown && hint.requests.count == 1)
    #expect(hint.requests.first?.contains("what it ran then was not seen") == true)
    // Dead, but not yet reaped: its name is left.
    host.fork(70, 102)
    host.put(102, parent: 70, "/usr/bin/crontab", comm: "crontab")
    host.leaveName(102)
    host.exec(102)
    run(host, 110, below: 90, ["/bin/chmod"])
    let named = host.judge(110).requests
    #expect(named.count == 1)
    #expect(named.first?.contains("crontab(102)") == true)
    #expect(named.first?.contains("its arguments were not seen") == true)
    // Nothing is known of it: what a transient unit does at once may be its answer.
    host.fork(70, 103)
    host.exec(103)
    run(host, 201, below: 1, ["/bin/chmod"], group: "/system.slice/run-r1.service")
    #expect(host.judge(201).requests.count == 1)
    host.wait(60)
    run(host, 202, below: 1, ["/bin/chmod"], group: "/system.slice/run-r2.service")
    #expect(host.judge(202).requests.isEmpty)
    // A human's is nobody's doubt.
    host.fork(60, 104)
    host.exec(104)
    run(host, 203, below: 1, ["/bin/chmod"], group: "/system.slice/run-r3.service")
    #expect(host.judge(203).requests.isEmpty)
  }
}
