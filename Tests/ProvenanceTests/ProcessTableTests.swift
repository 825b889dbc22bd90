import Grants
import LinuxKit
import Provenance
import Testing

@Suite struct ProcessTableTests {
  @Test("The dead are kept five seconds, ancestors as long as descendants live")
  func burial() throws {
    let host = try MadeProc()
    host.put(60, parent: 1, "/x/claude", login: 1000, start: 20)
    host.table.start(.fed)
    host.fork(60, 61)
    host.fork(61, 62)
    host.fork(60, 63)
    host.put(62, parent: 61, "/bin/sh")
    host.exec(62)
    host.exit(60)
    host.exit(61)
    host.exit(63)
    #expect(host.judge(63, alive: false).confidence == .certain)
    host.wait(6)
    host.table.canary()
    host.table.drain()
    #expect(host.table.count == 2)
    #expect(host.judge(63, alive: false).provenance == .unknown)
    #expect(host.judge(62).chainText == "sh(62) < claude(61) < claude(60)")
    #expect(host.judge(62).confidence == .certain)
  }

  @Test("A fork storm is bounded and counted")
  func storm() throws {
    let host = try MadeProc()
    host.table.start(.fed)
    let extra = 500
    for index in 0..<(ProcessTable.mostDead + extra) {
      let pid = Int32(100 + index)
      host.fork(1, pid)
      host.table.take(.exit(pid: pid, tgid: pid, parentPid: 1, parentTgid: 1), at: host.now)
    }
    host.table.drain()
    #expect(host.table.count <= ProcessTable.mostDead + 1)
    #expect(host.table.forgotten == extra)
  }

  @Test("Long command lines of the dead are bounded too, and the newest stay")
  func longLines() throws {
    let host = try MadeProc()
    host.table.start(.fed)
    let line = String(repeating: "x", count: 4096)
    #expect(host.table.mostDeadBytes == 16 << 20)
    host.table.mostDeadBytes = 1 << 20
    let last: Int32 = 500
    for pid in Int32(100)...last {
      host.fork(1, pid)
      host.put(pid, parent: 1, "/usr/bin/true", ["true", line])
      host.exec(pid)
      host.exit(pid)
      host.table.drain()
    }
    #expect(host.table.deadBytes <= host.table.mostDeadBytes)
    #expect(host.table.count < 230 && host.table.forgotten > 150)
    #expect(host.judge(last, alive: false).actor.command?.hasPrefix("true xxx") == true)
  }

  @Test("A chain that grows without end stays short and keeps its agent")
  func endless() throws {
    let host = try MadeProc()
    host.put(60, parent: 1, "/bin/sh", login: 1000, start: 20)
    host.table.start(.fed)
    var last: Int32 = 60
    for pid: Int32 in 100..<1500 {
      host.fork(last, pid)
      if pid == 400 {
        host.put(pid, parent: last, "/x/claude", login: 1000)
        host.exec(pid)
      }
      if pid == 401 {
        host.put(pid, parent: last, "/bin/sh", login: 1000)
        host.exec(pid)
      }
      host.table.take(.exit(pid: last, tgid: last, parentPid: 1, parentTgid: 1), at: host.now)
      last = pid
    }
    host.exit(last)
    let found = host.judge(last, alive: false)
    #expect(found.chain.count <= 140)
    #expect(found.agent?.name == "claude-code")
    #expect(found.confidence == .certain)
    #expect(found.complete)
  }

  @Test("Threads change nothing, a first thread may end before its process")
  func threads() throws {
    let host = try MadeProc()
    host.put(60, parent: 1, "/x/claude", login: 1000, start: 20)
    host.table.start(.fed)
    let count = host.table.count
    host.table.take(
      .fork(parentPid: 1, parentTgid: 1, childPid: 61, childTgid: 60), at: host.now)
    host.table.take(.exit(pid: 61, tgid: 60, parentPid: 1, parentTgid: 1), at: host.now)
    #expect(host.table.count == count)
    host.table.take(.exit(pid: 60, tgid: 60, parentPid: 1, parentTgid: 1), at: host.now)
    host.wait(6)
    host.table.drain()
    host.fork(60, 70)
    host.exit(70)
    #expect(host.judge(70, alive: false).confidence == .certain)
  }

  @Test("Uid events follow sudo; sessions are known")
  func uids() throws {
    let host = try MadeProc()
    host.put(60, parent: 1, "/bin/sh", uid: 1000, login: 1000, session: 9, start: 20)
    host.table.start(.fed)
    host.fork(60, 61)
    host.table.take(.uid(pid: 61, tgid: 61, real: 1000, effective: 0), at: host.now)
    let found = host.judge(61, alive: false)
    #expect(found.actor.user == "root")
    #expect(found.actor.loginUser == "alice")
    #expect(found.rootKey == "session:9")
  }

  @Test("A look at /proc that was faster than the event does not hide the maker")
  func adoptedBeforeFork() throws {
    let host = try MadeProc()
    host.put(60, parent: 1, "/x/claude", login: 1000, start: 20)
    host.table.start(.fed)
    let start = ProcessFiles.tick(ofMonotonic: host.now + 20_000_000)
    host.put(61, parent: 1, "/bin/sh", login: 1000, start: start)
    #expect(!host.judge(61).complete)
    host.fork(60, 61)
    #expect(host.judge(61).confidence == .certain)
    #expect(host.judge(61).chainText == "sh(61) < claude(60)")
  }
}
