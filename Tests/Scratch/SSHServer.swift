internal import Glibc

/// A real sshd on loopback with a configuration of its own, and the ssh(1) that logs in to it.
package final class SSHServer: Sendable {
  package static let isThere = access("/usr/sbin/sshd", X_OK) == 0

  package let pid: Int32
  private let folder: String
  private let port = 20_000 + Int(getpid()) % 20_000

  /// Makes the server's own key, and `one` and `two` of users.
  package static func makeKeys(in folder: String) {
    for name in ["host", "one", "two"] {
      Scratch.run(
        "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(name)"])
    }
  }

  /// `folder` has the keys; `authorizedKeys` is where sshd looks for those of an account, as
  /// sshd_config(5) writes it. Returns when it listens.
  package init(_ folder: String, authorizedKeys: String) {
    // What sshd wants to be there, whoever made it.
    mkdir("/run/sshd", 0o755)
    self.folder = folder
    let configuration = """
      Port \(port)
      ListenAddress 127.0.0.1
      HostKey \(folder)/host
      PidFile none
      UsePAM no
      StrictModes no
      PermitRootLogin yes
      PasswordAuthentication no
      KbdInteractiveAuthentication no
      AuthorizedKeysFile \(authorizedKeys)
      """
    let script = """
      echo "$1" >$0/live_config
      exec /usr/sbin/sshd -D -e -f $0/live_config </dev/null >$0/log 2>&1
      """
    pid = Scratch.start("/bin/sh", ["-c", script, folder, configuration])
    let listening = ["-qs", "Server listening", "\(folder)/log"]
    for _ in 0..<1000 where Scratch.run("/bin/grep", listening) != 0 { usleep(10_000) }
  }

  deinit {
    kill(pid, SIGTERM)
    _ = Scratch.wait(pid)
  }

  /// The words behind ssh(1) that log `user` in by the key `key`, for a command or for `-N`.
  package func arguments(_ key: String, _ user: String, _ command: [String]) -> [String] {
    [
      "-F", "none", "-i", "\(folder)/\(key)", "-o", "IdentitiesOnly=yes", "-o",
      "IdentityAgent=none", "-o", "StrictHostKeyChecking=no", "-o",
      "UserKnownHostsFile=/dev/null",
      "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-n", "-p", "\(port)",
    ] + command.prefix(1).filter { $0 == "-N" } + ["\(user)@127.0.0.1"]
      + command.filter { $0 != "-N" }
  }
}
