import Glibc
import Kinds
import LinuxKit
import Scratch
import Testing

/// What still runs under sudo when a rule is gone, and another one may allow it: the host's own sudo,
/// as root.
@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct SudoResidueLiveTests {
  private let user = "gw-sudo-residue"

  private func start(_ command: [String]) -> pid_t {
    Scratch.start("/usr/sbin/runuser", ["-u", user, "--", "sudo", "-n"] + command)
  }

  @Test func whatAnotherRuleMayAllowIsNotToBeEnded() throws {
    Scratch.run("/usr/sbin/useradd", ["-M", "-s", "/bin/sh", user])
    let files = ["/etc/sudoers.d/zz-\(user)", "/etc/sudoers.d/zz-\(user)-other"]
    defer {
      for file in files { unlink(file) }
      Scratch.run("/usr/sbin/userdel", [user])
    }
    let rules = ["\(user) ALL=(ALL) NOPASSWD: ALL", "\(user) ALL=(ALL) NOPASSWD: /bin/sleep"]
    for (file, rule) in zip(files, rules) {
      Scratch.run("/bin/sh", ["-c", "echo '\(rule)' >\(file); chmod 440 \(file)"])
    }
    let kind = SudoRules(root: [])
    let state = try kind.read(previous: nil)
    let entry = try #require(
      state.sorted.first { $0.subject == "user:\(user)" && $0.right == "NOPASSWD: ALL" })
    let children = [
      start(["/bin/sleep", "600"]), start(["/usr/bin/tail", "-f", "/dev/null"]),
    ]
    func residue(_ name: String) -> [Residue] {
      kind.residue(of: entry).filter { $0.text.contains("(\(name))") }
    }
    while residue("sleep").isEmpty || residue("tail").isEmpty {
      SystemClock.pause(milliseconds: 10)
    }
    let ended = residue("tail").flatMap(\.processes)
    #expect(!ended.isEmpty)
    let kept = residue("sleep")
    #expect(kept.allSatisfy { $0.processes.isEmpty && $0.text.contains("another rule may allow") })
    unlink(files[1])
    let rest = residue("sleep").flatMap(\.processes)
    #expect(!rest.isEmpty)
    for process in ended + rest { kill(process.pid, SIGTERM) }
    for child in children { _ = Scratch.wait(child) }
  }
}
