import Glibc
import Kinds
import LinuxKit
import Scratch
import Testing

/// What outlives a revocation, with real processes.
@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct ResidueLiveTests {
  /// Numbers that no account of a host has, nor another run of these tests.
  static let uid = 1_000_000 + UInt32(getpid()) * 4
  static let gid = uid + 1

  /// A child that waits for a signal; ended and reaped when the test lets go of it.
  final class Child {
    let pid: Int32

    /// Runs `program` by setpriv(1) with these options, once the kernel shows what `isReady` wants.
    init(_ options: [String], _ words: [String], isReady: (Int32) -> Bool) {
      pid = Scratch.start("/usr/bin/setpriv", options + words)
      var left = 4000
      while left > 0, !isReady(pid) {
        SystemClock.pause(milliseconds: 5)
        left -= 1
      }
    }

    deinit {
      kill(pid, SIGKILL)
      _ = Scratch.wait(pid)
    }
  }

  private let files = ProcessFiles()
  private let state = GroupState(
    memberships: [Membership(user: "bob", group: "bob", primary: true)],
    groups: ["docker": gid, "bob": uid, "other": Self.uid + 2],
    users: ["bob": GroupState.Account(uid: uid, gid: uid)])
  private let membership = Membership(user: "bob", group: "docker", primary: false)

  private func runsAs(_ pid: Int32, _ uid: UInt32) -> Bool {
    files.credentials(pid)?.uids == [uid, uid, uid, uid]
      && files.stat(pid)?.comm == Array("sleep".utf8)
  }

  private func sleeper(uid: UInt32 = uid, groups: String) -> Child {
    Child(
      ["--reuid", "\(uid)", "--regid", "\(Self.uid)", groups, "--reset-env"], ["sleep", "600"]
    ) { runsAs($0, uid) }
  }

  @Test("A process that still has the group is residue of its user's membership only")
  func group() throws {
    let child = sleeper(groups: "--groups=\(Self.gid)")
    let other = sleeper(groups: "--groups=\(Self.uid + 2)")
    let another = sleeper(uid: Self.uid + 3, groups: "--groups=\(Self.gid)")
    let residue = GroupResidue.residue(of: membership, state: state)
    #expect(residue.map(\.text) == ["process \(child.pid) (sleep) of bob still has group docker"])
    #expect(residue[0].processes.map(\.pid) == [child.pid])
    #expect(residue[0].processes.map(\.start) == [files.stat(child.pid)?.start])
    withExtendedLifetime((other, another)) {}
    var still = state
    still.memberships.insert(Membership(user: "bob", group: "docker", primary: true))
    #expect(GroupResidue.residue(of: membership, state: still).isEmpty)
    still.users["bob"] = nil
    #expect(GroupResidue.residue(of: membership, state: still).isEmpty)
  }

  @Test("The effective group counts like one of the list")
  func effective() throws {
    let child = Child(
      ["--reuid", "\(Self.uid)", "--regid", "\(Self.gid)", "--clear-groups"], ["sleep", "600"]
    ) { runsAs($0, Self.uid) }
    let residue = GroupResidue.residue(of: membership, state: state)
    #expect(residue.flatMap(\.processes).map(\.pid) == [child.pid])
  }

  @Test("Beyond 64 processes the rest are one line, and all are named to be ended")
  func many() throws {
    func sleepers(of shell: Int32) -> [Int32] {
      files.processes().filter { pid in
        files.stat(pid).map { $0.parent == shell && $0.comm == Array("sleep".utf8) } ?? false
      }
    }
    let shell = Child(
      ["--reuid", "\(Self.uid)", "--regid", "\(Self.uid)", "--groups=\(Self.gid)"],
      ["sh", "-c", "for number in $(seq 70); do sleep 600 & done; wait"]
    ) { sleepers(of: $0).count == 70 }
    let children = sleepers(of: shell.pid)
    defer { for child in children { kill(child, SIGKILL) } }
    let residue = GroupResidue.residue(of: membership, state: state)
    #expect(residue.count == 65)
    #expect(residue.last?.text == "and 7 more processes like it")
    #expect(Set(residue.flatMap(\.processes).map(\.pid)) == Set(children + [shell.pid]))
  }

  @Test("An account's processes, cron table, at jobs and lingering manager are told")
  func account() throws {
    let stage = try AccountsStage(
      passwd: AccountsStage.passwd + "eve:x:\(Self.uid):\(Self.uid)::/:/bin/sh\n")
    let eve = try #require(stage.state.sorted.first { $0.subject == "user:eve" })
    #expect(stage.kind.residue(of: eve).isEmpty)
    let child = sleeper(groups: "--clear-groups")
    stage.shell(
      """
      mkdir -p $0/var/spool/cron/crontabs $0/var/spool/cron/atjobs $0/var/lib/systemd/linger
      touch $0/var/spool/cron/crontabs/eve $0/var/lib/systemd/linger/eve
      touch $0/var/spool/cron/atjobs/a0001 $0/var/spool/cron/atjobs/a0002
      chown \(Self.uid) $0/var/spool/cron/atjobs/a0001
      """)
    #expect(
      stage.kind.residue(of: eve).map(\.text) == [
        "process \(child.pid) (sleep) of eve still runs",
        "cron table of eve: /var/spool/cron/crontabs/eve",
        "lingering user manager of eve: /var/lib/systemd/linger/eve",
        "at job of eve: /var/spool/cron/atjobs/a0001",
      ])
  }

  @Test("Of uid 0 only what says in its environment that it is the account's")
  func rootAccount() throws {
    let stage = try AccountsStage(passwd: AccountsStage.passwd + "gwtoor:x:0:0::/:/bin/sh\n")
    let entry = try #require(stage.state.sorted.first { $0.subject == "user:gwtoor" })
    let child = Child(["--nnp"], ["env", "-i", "LOGNAME=gwtoor", "/usr/bin/sleep", "600"]) {
      runsAs($0, 0)
    }
    #expect(
      stage.kind.residue(of: entry).map(\.text)
        == ["process \(child.pid) (sleep) of gwtoor still runs"])
  }

  @Test("logind's sessions of a uid are read, and none where it knows none")
  func sessions() throws {
    #expect(LoginSessions.of(uid: Self.uid).isEmpty)
    #expect(LoginSessions.of(pid: Int32.max) == nil)
    let stage = try AccountsStage(
      passwd: AccountsStage.passwd + "eve:x:\(Self.uid):\(Self.uid)::/:/bin/sh\n")
    let known = "/run/systemd/users/\(Self.uid)"
    stage.shell("mkdir -p /run/systemd/users; printf 'NAME=eve\\nSESSIONS=c2 71\\n' > \(known)")
    defer { stage.shell("rm \(known); rmdir --ignore-fail-on-non-empty /run/systemd/users") }
    #expect(LoginSessions.of(uid: Self.uid) == ["71", "c2"])
    let eve = try #require(stage.state.sorted.first { $0.subject == "user:eve" })
    let residue = stage.kind.residue(of: eve)
    #expect(
      residue.map(\.text) == ["session 71 of eve is still open", "session c2 of eve is still open"])
    #expect(residue.map(\.sessions) == [["71"], ["c2"]])
  }

  @Test("A file that is open, or runs, is told with the way it was opened")
  func file() throws {
    let scratch = Scratch()
    let data = scratch.file("data", text: "x")
    let other = scratch.file("other")
    let child = Child(
      ["--nnp"],
      ["sh", "-c", "exec sleep 600 <\"$0/data\" 3>>\"$0/data\" 4<\"$0/other\"", scratch.path]
    ) { runsAs($0, 0) }
    let status = try FileStatus.at(data)
    let file = FileResidue.File(device: status.device, inode: status.inode)
    let program = try FileStatus.at(Array("/usr/bin/sleep".utf8), follow: true)
    let sleep = FileResidue.File(device: program.device, inode: program.inode)
    let holders = FileResidue.holders(of: [file, sleep])
    #expect(holders.isWhole)
    #expect(holders.byFile[file] == [FileResidue.Holder(pid: child.pid, access: [.read, .write])])
    #expect(
      holders.byFile[sleep]?.contains(FileResidue.Holder(pid: child.pid, access: .execute)) == true)
    #expect(
      FileResidue.residue(of: [file: "/srv/data"]).map(\.text)
        == ["process \(child.pid) (sleep) still has /srv/data open (read write)"])
    #expect(FileResidue.residue(of: [file: "/srv/data"], access: .execute).isEmpty)
    #expect(!FileResidue.holders(of: [file], most: 1).isWhole)
    let second = try FileStatus.at(other)
    let unlinked = FileResidue.File(device: second.device, inode: second.inode)
    scratch.remove("other")
    #expect(FileResidue.holders(of: [unlinked]).byFile[unlinked]?.first?.access == .read)
    #expect(FileResidue.holders(of: []).byFile.isEmpty)
  }
}
