import ByteText
import Glibc
import Grants
import LinuxKit
import Provenance
import Testing

/// A made /proc, and a table that is fed by hand.
final class MadeProc {
  let root: String
  let table: ProcessTable
  /// CLOCK_MONOTONIC of the next event, in nanoseconds.
  private(set) var now: UInt64 = 1_000_000_000_000
  private let elapsed: Elapsed

  final class Elapsed { var microseconds: Int64 = 1_000_000_000 }

  init(_ signatures: AgentSignatures = .sample) throws {
    var template = Array("/tmp/grantwatch-proc-XXXXXX".utf8CString)
    root = String(cString: try #require(mkdtemp(&template)))
    let elapsed = Elapsed()
    self.elapsed = elapsed
    table = ProcessTable(
      signatures: signatures, accountNames: { [0: "root", 1000: "alice", 1001: "bob"][$0] },
      files: ProcessFiles(root: root),
      clock: {
        Moment(
          wall: Timestamp(microseconds: 0), up: elapsed.microseconds, boot: "b")
      })
    put(1, parent: 0, "/usr/lib/systemd/systemd", start: 1)
  }

  deinit {
    for pid in ProcessFiles(root: root).processes() { remove(pid) }
    rmdir(root)
  }

  var moment: Moment {
    Moment(wall: Timestamp(microseconds: 0), up: elapsed.microseconds, boot: "b")
  }

  /// Checks a caller that connected as the process that has `pid` now, or began at `start`.
  func checkCaller(_ pid: Int32, uid: UInt32, start: UInt64? = nil) -> CallerCheck {
    table.checkCaller(
      pid: pid, uid: uid, start: start ?? ProcessFiles(root: root).stat(pid)?.start ?? 0)
  }

  func wait(_ seconds: Int64) {
    elapsed.microseconds += seconds * 1_000_000
    now += UInt64(seconds) * 1_000_000_000
  }

  /// Puts a process into the tree, or changes it.
  func put(
    _ pid: Int32, parent: Int32, _ executable: String, _ arguments: [String] = [],
    environment: [String] = [], uid: UInt32 = 0, login: UInt32? = nil, session: UInt32? = nil,
    start: UInt64? = nil, group: String = "/", comm: String = "x"
  ) {
    let start = start ?? ProcessFiles.tick(ofMonotonic: now)
    mkdir("\(root)/\(pid)", 0o755)
    write(
      pid, "stat",
      "\(pid) (\(comm)) S \(parent) \(pid) \(pid) 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 \(start) 0\n")
    write(pid, "status", "Name:\t\(comm)\nUid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)\n")
    write(pid, "loginuid", "\(login ?? .max)")
    write(pid, "sessionid", "\(session ?? .max)")
    write(pid, "cgroup", "0::\(group)\n")
    let words = arguments.isEmpty ? [executable] : arguments
    write(pid, "cmdline", words.map { $0 + "\0" }.joined())
    write(pid, "environ", environment.map { $0 + "\0" }.joined())
    unlink("\(root)/\(pid)/exe")
    symlink(executable, "\(root)/\(pid)/exe")
  }

  /// Leaves of a process what /proc has of a dead one that nobody has reaped.
  func leaveName(_ pid: Int32) {
    unlink("\(root)/\(pid)/exe")
    write(pid, "cmdline", "")
    unlink("\(root)/\(pid)/environ")
  }

  func remove(_ pid: Int32) {
    for name in ["stat", "status", "loginuid", "sessionid", "cgroup", "cmdline", "environ", "exe"] {
      unlink("\(root)/\(pid)/\(name)")
    }
    rmdir("\(root)/\(pid)")
  }

  func fork(_ parent: Int32, _ child: Int32) {
    now += 20_000_000
    table.take(
      .fork(parentPid: parent, parentTgid: parent, childPid: child, childTgid: child), at: now)
  }

  func exec(_ pid: Int32) { table.take(.exec(pid: pid, tgid: pid), at: now) }

  func exit(_ pid: Int32) {
    table.take(.exit(pid: pid, tgid: pid, parentPid: 1, parentTgid: 1), at: now)
    remove(pid)
  }

  func judge(_ pid: Int32, alive: Bool = true) -> Attribution {
    table.attribute(pid: pid, alive: alive, at: moment)
  }

  private func write(_ pid: Int32, _ name: String, _ text: String) {
    guard let file = fopen("\(root)/\(pid)/\(name)", "w") else { return }
    fwrite(text, 1, text.utf8.count, file)
    fclose(file)
  }
}

extension AgentSignatures {
  /// Agents as the contract describes them.
  static var sample: AgentSignatures {
    read([
      (
        "claude-code.conf",
        Array(
          """
          [Agent]
          Name=claude-code
          [Match]
          Executable=*/claude */share/claude/versions/*
          Argument=*/@anthropic-ai/claude-code/cli.js
          Environment=CLAUDE_CODE_CHILD_SESSION=1 AI_AGENT=claude-code_*_agent
          Hint=CLAUDECODE=1
          [Session]
          Environment=CLAUDE_CODE_SESSION_ID
          [Risk]
          SkipPermissions=--dangerously-skip-permissions bypassPermissions
          """.utf8)
      ),
      (
        "helper.conf",
        Array(
          """
          [Agent]
          Name=helper
          [Match]
          Argument=*/bin/helper
          Unit=helper.service
          User=helper 977
          """.utf8)
      ),
    ]).signatures
  }
}
