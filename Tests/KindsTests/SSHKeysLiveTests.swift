import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing

/// The real sshd, ssh-keygen and ssh, on loopback with a configuration of their own.
@Suite(
  .enabled(if: geteuid() == 0 && SSHServer.isThere, "needs root and sshd"),
  .serialized)
struct SSHKeysLiveTests {
  /// An sshd that takes root's and games' keys from a scratch root, whose own configuration says the
  /// same in its own paths.
  private final class Server {
    let stage = KeyStage([])
    let daemon: SSHServer

    init(_ own: String = "AuthorizedKeysFile /keys/%u\n") throws {
      let path = stage.scratch.path
      stage.scratch.chmod("", 0o755)
      stage.scratch.folder("keys")
      stage.scratch.remove("etc/passwd")
      stage.scratch.file(
        "etc/passwd", 0o644,
        text: "root:x:0:0::/root:/bin/sh\ngames:x:5:60::/usr/games:/usr/sbin/nologin\n")
      stage.scratch.file("etc/ssh/sshd_config", 0o644, text: own)
      SSHServer.makeKeys(in: path)
      daemon = SSHServer(path, authorizedKeys: "\(path)/keys/%u")
    }

    func publicKey(_ name: String) -> String {
      (stage.content("\(name).pub") ?? "").filter { $0 != "\n" }
    }

    func login(_ key: String, _ user: String = "root") -> Bool {
      Spawn.runAndWait("/usr/bin/ssh", daemon.arguments(key, user, ["true"])).succeeded
    }

    func session(_ key: String, _ user: String, _ command: [String]) throws -> ChildProcess {
      try ChildProcess(
        "/usr/bin/ssh", daemon.arguments(key, user, command), log: "\(stage.scratch.path)/ssh.log")
    }
  }

  @Test func aKeyLetsInUntilItIsTakenOut() throws {
    let server = try Server()
    let stage = server.stage
    stage.write("\(server.publicKey("two"))\n", "keys/root")
    stage.look()
    #expect(stage.state.problems == [])
    #expect(stage.state.count == 1)
    stage.write("\(server.publicKey("two"))\n\(server.publicKey("one"))\n", "keys/root")
    let gain = try #require(stage.look().gained.first)
    let printed = Spawn.runAndWait(
      "/usr/bin/ssh-keygen", ["-l", "-f", "\(stage.scratch.path)/one.pub"])
    #expect(
      String(decoding: printed.output, as: UTF8.self).contains(
        " \(gain.entry.subject.dropFirst("key:".count)) "))
    #expect(server.login("one"))
    #expect(stage.revoke(gain) == .done)
    #expect(!server.login("one"))
    #expect(server.login("two"))
    #expect(stage.kind.restore(gain) == .done)
    #expect(server.login("one"))
  }

  @Test func nativeExpiryEndsIt() throws {
    let server = try Server()
    let stage = server.stage
    stage.look()
    stage.write("\(server.publicKey("one"))\n", "keys/root")
    let gain = try #require(stage.look().gained.first)
    let now = SystemClock.wall()
    let soon = Timestamp(microseconds: now + 600_000_000)
    #expect(stage.kind.setNativeExpiry(gain.entry, until: soon) == .done)
    #expect(server.login("one"))
    #expect(
      stage.kind.setNativeExpiry(
        gain.entry, until: Timestamp(microseconds: now - 2_000_000)) == .done)
    #expect(!server.login("one"))
    #expect(stage.look().lost.map(\.key) == [gain.entry.key])
    #expect(stage.kind.setNativeExpiry(gain.entry, until: nil) == .done)
    #expect(server.login("one"))
  }

  @Test(arguments: [("root", ["sleep", "60"]), ("games", ["-N"])])
  func sessionsOfTheKeyAreItsResidue(_ user: String, _ command: [String]) throws {
    let server = try Server()
    let stage = server.stage
    stage.look()
    stage.write("\(server.publicKey("one"))\n", "keys/\(user)")
    stage.scratch.chmod("keys/\(user)", 0o644)
    let gain = try #require(stage.look().gained.first)
    let client = try server.session("one", user, command)
    defer {
      client.signal(SIGTERM)
      client.wait()
    }
    let files = ProcessFiles()
    var residue: [Residue] = []
    for _ in 0..<1000 {
      if let pid = files.processes().first(where: { files.stat($0)?.parent == server.daemon.pid }),
        let start = files.stat(pid)?.start
      {
        stage.kind.noteLogin(
          key: String(gain.entry.subject.dropFirst("key:".count)), pid: pid, start: start)
        residue = stage.kind.residue(of: gain.entry)
        if !residue.isEmpty { break }
      }
      SystemClock.pause(milliseconds: 10)
    }
    #expect(residue.count == 1)
    #expect(residue.first?.text.contains("logged in with this key") == true)
    #expect(residue.first?.processes.count == (user == "root" ? 1 : 2))
    var other = gain.entry
    other.subject = "key:SHA256:other"
    #expect(stage.kind.residue(of: other).isEmpty)
  }

  @Test func sshdSaysWhereKeysAre() throws {
    let server = try Server(
      "Include sshd_config.d/*.conf\nTrustedUserCAKeys /ca.pub\n"
        + "Match User games\n  AuthorizedKeysFile /special/%u-%U /%%\n")
    let stage = server.stage
    stage.scratch.folder("etc/ssh/sshd_config.d")
    stage.scratch.file(
      "etc/ssh/sshd_config.d/own.conf", 0o644, text: "AuthorizedKeysFile %h/k /etc/k/%u\n")
    stage.scratch.folder("special")
    stage.scratch.folder("root")
    stage.write("\(server.publicKey("one"))\n", "root/k")
    stage.write("\(server.publicKey("two"))\n", "special/games-5")
    stage.write("# ours\n\(server.publicKey("one"))\n", "ca.pub")
    stage.look()
    #expect(stage.state.problems == [])
    #expect(
      stage.state.sorted.map { "\($0.object) \($0.value)" }.sorted() == [
        "account:* login cert-authority", "account:games login", "account:root login",
      ])
    stage.write("AuthorizedKeysFile none\n", "etc/ssh/sshd_config.d/own.conf")
    #expect(stage.look().lost.map(\.object) == ["account:root"])
    stage.write("Nonsense yes\n", "etc/ssh/sshd_config.d/own.conf")
    #expect(stage.look() == EntryDifference())
    #expect(stage.state.problems.first?.contains("Nonsense") == true)
  }

  @Test func swappedWhileItIsTakenOutNothingElseIsWritten() throws {
    let stage = KeyStage()
    stage.scratch.file("victim", 0o600, text: "\(KeyStage.key(1))\nprecious\n")
    stage.look()
    stage.write("\(KeyStage.key(1))\n")
    let gain = try #require(stage.look().gained.first)
    let path = stage.scratch.path
    let script = """
      cd '\(path)/home/bob' || exit 1
      while [ ! -e '\(path)/stop' ]; do
        ln -sfn ../../victim .ssh/authorized_keys; rm -f .ssh/authorized_keys
        mkfifo .ssh/authorized_keys; rm -f .ssh/authorized_keys
        printf '%s\\n' '\(KeyStage.key(1))' > .ssh/authorized_keys
        mv .ssh .gone; ln -s ../.. .ssh; rm .ssh; mv .gone .ssh
      done
      """
    let swapper = Scratch.start("/bin/sh", ["-c", script])
    for _ in 0..<200 { _ = stage.revoke(gain) }
    stage.scratch.file("stop")
    #expect(Scratch.wait(swapper) == 0)
    #expect(stage.content("victim") == "\(KeyStage.key(1))\nprecious\n")
    stage.write("\(KeyStage.key(1))\n")
    #expect(stage.revoke(gain) == .done)
  }
}
