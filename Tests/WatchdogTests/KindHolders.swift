import ByteText
import Glibc
import LinuxKit
import Scratch
import Testing

extension Stage {
  /// A process of a uid's that runs a line of shell, which ends in the program `name`; `$0` is the
  /// watched folder.
  func holder(
    uid: UInt32, groups: UInt32? = nil, _ line: String = "exec sleep 600", name: String = "sleep"
  ) -> WaitingChild {
    WaitingChild(
      "/usr/bin/setpriv",
      [
        "--reuid", "\(uid)", "--regid", "\(uid)",
        groups.map { "--groups=\($0)" } ?? "--clear-groups", "sh", "-c", line,
        "\(scratch.path)/root/srv",
      ]
    ) { ProcessFiles().stat($0)?.comm == Array(name.utf8) }
  }
}

/// A line of shell in mount and pid namespaces of its own, all of which ends with it.
private func secluded(_ script: String, until name: String) -> WaitingChild {
  WaitingChild(
    "/usr/bin/unshare",
    [
      "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "sh", "-c",
      // The shell stays: what changes its uid would not hear of the end of whoever started it.
      script + "\nexit",
    ]
  ) { child(named: name, below: $0) != nil }
}

private func child(named name: String, below pid: Int32) -> Int32? {
  let files = ProcessFiles()
  return files.processes().first { child in
    guard let stat = files.stat(child), stat.comm == Array(name.utf8) else { return false }
    var above = stat.parent
    for _ in 0..<8 where above > 1 && above != pid { above = files.stat(above)?.parent ?? 0 }
    return above == pid
  }
}

/// The host's own sudo, where the stage's accounts, rules and tickets stand in the host's place: mallory
/// gives a password and has a program run.
final class SudoSession {
  private let shell: WaitingChild

  init(_ stage: Stage, uid: UInt32) throws {
    let mounts = ["passwd", "shadow", "group", "sudoers", "sudoers.d"]
      .map { "mount --bind root/etc/\($0) /etc/\($0) || exit 1" }
    let script = """
      cd \(stage.scratch.path) || exit 1
      \(mounts.joined(separator: "\n"))
      mkdir -p /run/sudo; mount --bind root/run/sudo /run/sudo || exit 1
      setpriv --reuid \(uid) --regid \(uid) --clear-groups --reset-env \
        sh -c 'echo secret | sudo -S -p "" sleep 600; exit'
      """
    // A password of mallory's: sudo keeps no ticket of whom it asked for none.
    let hash = Spawn.runAndWait("/usr/bin/openssl", ["passwd", "-6", "secret"])
    let text = String(decoding: hash.output, as: UTF8.self).filter { $0 != "\n" }
    Scratch.run(
      "/bin/sed",
      ["-i", "s|^mallory:[^:]*:|mallory:\(text):|", "\(stage.scratch.path)/root/etc/shadow"])
    shell = secluded(script, until: "sleep")
  }

  /// What runs below sudo.
  func running() throws -> Int32 { try #require(child(named: "sleep", below: shell.pid)) }
}

extension KindPlay {
  /// A real sshd lets the agent's key in, as the tree's file has it, and the journal tells so.
  static let holdSSHSession: Hold = { row in
    let path = row.stage.scratch.path
    let server = SSHServer(
      "\(path)/sshd", authorizedKeys: "\(path)/root/home/%u/.ssh/authorized_keys")
    let client = try ChildProcess(
      "/usr/bin/ssh", server.arguments("one", "games", ["-N"]), log: "\(path)/ssh.log")
    let files = ProcessFiles()
    let pid = try row.stage.wait("the session") {
      let all = files.processes()
      return all.first { pid in
        files.stat(pid)?.parent == server.pid
          && all.contains { files.stat($0)?.parent == pid && files.uids($0)?.real == 5 }
      }
    }
    let key = row.shell("ssh-keygen -lf sshd/one.pub | cut -d' ' -f 2").filter { $0 != "\n" }
    try row.stage.journal(
      [
        JournalLine(
          "sshd", "Accepted publickey for games from 127.0.0.1 port 4711 ssh2: ED25519 \(key)",
          pid: pid, exe: "/usr/sbin/sshd")
      ], at: Timestamp(microseconds: SystemClock.wall()))
    _ = try row.stage.wait("the login is heard of") {
      try row.stage.grants().contains { $0["used"] != .null } ? true : nil
    }
    return (
      ["ssh session of games (process \(pid)) logged in with this key"], [client, server]
    )
  }

  static let polkitd = "/usr/lib/polkit-1/polkitd"

  /// A real polkitd on a bus of its own. What it keeps it lists to the session alone that was given it,
  /// so that no daemon sees more than that it runs.
  static let holdAuthorizations: Hold = { _ in
    let script = """
      mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/dbus || exit 1
      dbus-daemon --system --nofork --nopidfile &
      until [ -S /run/dbus/system_bus_socket ]; do sleep 0.02; done
      \(polkitd) --no-debug
      """
    let holder = secluded(script, until: "polkitd")
    return (
      ["polkitd may keep authorizations that /etc/polkit-1/rules.d/9.rules let be kept"],
      [holder]
    )
  }

  /// A session of the role that got the other role.
  static let holdBackend: Hold = { row in
    let path = row.stage.scratch.path
    let session = try ChildProcess(
      "/usr/bin/psql",
      ["-X", "-h", "\(path)/pg", "-U", "app", "-d", "postgres", "-c", "SELECT pg_sleep(600)"],
      log: "\(path)/session.log")
    let pid = try row.stage.wait("the backend") {
      let shown = row.server?.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'app'")
      return shown.flatMap { Int($0.filter(\.isNumber)) }
    }
    return (["backend \(pid) (psql) of role app still runs"], [session])
  }
}
