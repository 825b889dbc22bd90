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

  /// Runs a program by setpriv(1) with these options, once the kernel shows what `isReady` wants.
  private func start(
    _ options: [String], _ words: [String], isReady: (Int32) -> Bool
  ) -> WaitingChild {
    WaitingChild("/usr/bin/setpriv", options + words, isReady: isReady)
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

  private func sleeper(uid: UInt32 = uid, groups: String) -> WaitingChild {
    start(
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
    let child = start(
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
    let shell = start(
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
    let child = start(["--nnp"], ["env", "-i", "LOGNAME=gwtoor", "/usr/bin/sleep", "600"]) {
      runsAs($0, 0)
    }
    #expect(
      stage.kind.residue(of: entry).map(\.text)
        == ["process \(child.pid) (sleep) of gwtoor still runs"])
  }

  @Test("logind's sessions of a uid are read, none where it knows none, and none that is gone")
  func sessions() throws {
    #expect(LoginSessions.of(uid: Self.uid).isEmpty)
    #expect(LoginSessions.of(pid: Int32.max) == nil)
    let stage = try AccountsStage(
      passwd: AccountsStage.passwd + "eve:x:\(Self.uid):\(Self.uid)::/:/bin/sh\n")
    let logind = "/run/systemd"
    let own = ["c2", "71"].map { "\(logind)/sessions/\($0)\(Self.uid)" }
    stage.shell(
      """
      mkdir -p \(logind)/users \(logind)/sessions
      printf 'UID=\(Self.uid)\\nSTATE=closing\\n' | tee \(own.joined(separator: " "))
      printf 'NAME=eve\\nSESSIONS=c2\(Self.uid) 71\(Self.uid) gone\(Self.uid)\\n' >\(logind)/users/\(Self.uid)
      """)
    defer {
      stage.shell(
        """
        rm \(logind)/users/\(Self.uid) \(own.joined(separator: " "))
        rmdir --ignore-fail-on-non-empty \(logind)/users \(logind)/sessions
        """)
    }
    let names = ["71\(Self.uid)", "c2\(Self.uid)"]
    #expect(LoginSessions.of(uid: Self.uid) == names)
    let eve = try #require(stage.state.sorted.first { $0.subject == "user:eve" })
    let residue = stage.kind.residue(of: eve)
    #expect(residue.map(\.text) == names.map { "session \($0) of eve is still open" })
    #expect(residue.map(\.sessions) == names.map { [$0] })
  }

  @Test("A file that is open, or runs, is told with the way it was opened")
  func file() throws {
    let scratch = Scratch()
    Scratch.call(scratch.bytes()) { chmod($0, 0o755) }
    let data = scratch.file("data", 0o666, text: "x")
    let other = scratch.file("other", 0o644)
    let asBob = ["--reuid", "\(Self.uid)", "--regid", "\(Self.uid)", "--clear-groups"]
    let holding = ["sh", "-c", "exec sleep 600 <\"$0/data\" 3>>\"$0/data\" 4<\"$0/other\""]
    let child = start(asBob, holding + [scratch.path]) { runsAs($0, Self.uid) }
    let status = try FileStatus.at(data)
    let file = FileResidue.File(device: status.device, inode: status.inode)
    let program = try FileStatus.at(Array("/usr/bin/sleep".utf8), follow: true)
    let sleep = FileResidue.File(device: program.device, inode: program.inode)
    let holders = FileResidue.holders(of: [file, sleep])
    #expect(holders.isWhole)
    #expect(holders.byFile[file] == [FileResidue.Holder(pid: child.pid, access: [.read, .write])])
    #expect(
      holders.byFile[sleep]?.contains(FileResidue.Holder(pid: child.pid, access: .execute)) == true)
    // Who may open it anew has nothing left over.
    #expect(FileResidue.residue(of: [file: "/srv/data"]).isEmpty)
    scratch.chmod("data", 0o644)
    #expect(FileResidue.residue(of: [file: "/srv/data"], access: .read).isEmpty)
    #expect(FileResidue.residue(of: [file: "/srv/data"]).count == 1)
    scratch.chmod("data", 0o600)
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

  @Test("A file's residue are those who may not open it now: by owner, list and groups")
  func allowed() throws {
    let scratch = Scratch()
    Scratch.call(scratch.bytes()) { chmod($0, 0o755) }
    let data = scratch.file("data", 0o666)
    func holder(_ options: [String]) -> WaitingChild {
      start(options, ["sh", "-c", "exec sleep 600 <\"$0/data\"", scratch.path]) {
        files.stat($0)?.comm == Array("sleep".utf8)
      }
    }
    func bob(_ groups: String) -> WaitingChild {
      holder(["--reuid", "\(Self.uid)", "--regid", "\(Self.uid)", groups])
    }
    let root = holder(["--nnp"])
    let (plain, member) = (bob("--clear-groups"), bob("--groups=\(Self.gid)"))
    let status = try FileStatus.at(data)
    let file = FileResidue.File(device: status.device, inode: status.inode)
    func left() -> [Int32] {
      FileResidue.residue(of: [file: "data"]).flatMap(\.processes).map(\.pid).sorted()
    }
    func set(_ program: String, _ words: String...) {
      #expect(Scratch.run(program, words + ["\(scratch.path)/data"]) == 0)
    }
    set("/bin/chmod", "640")
    #expect(left() == [plain.pid, member.pid].sorted())
    set("/bin/chgrp", "\(Self.gid)")
    #expect(left() == [plain.pid])
    set("/usr/bin/setfacl", "-m", "u:\(Self.uid):-")
    #expect(left() == [plain.pid, member.pid].sorted())
    set("/usr/bin/setfacl", "-b", "-m", "g:\(Self.uid):r")
    #expect(left() == [])
    set("/usr/bin/setfacl", "-m", "m::-")
    #expect(left() == [plain.pid, member.pid].sorted())
    set("/bin/chown", "\(Self.uid)")
    #expect(left() == [])
    withExtendedLifetime(root) {}
  }

  @Test("Setuid: who runs the file as another, not who runs it as themselves")
  func setuid() throws {
    let scratch = Scratch()
    Scratch.call(scratch.bytes()) { chmod($0, 0o755) }
    Scratch.run("/bin/cp", ["/usr/bin/sleep", "\(scratch.path)/sleep"])
    scratch.chmod("sleep", 0o4755)
    func runner(_ options: [String]) -> WaitingChild {
      start(options, ["\(scratch.path)/sleep", "600"]) {
        files.program($0).map { $0.inode } == (try? FileStatus.at(scratch.bytes("sleep")))?.inode
      }
    }
    let asRoot = runner(["--nnp"])
    let child = runner(["--reuid", "\(Self.uid)", "--regid", "\(Self.uid)", "--clear-groups"])
    try #require(files.credentials(child.pid)?.uids[1] == 0)
    scratch.chmod("sleep", 0o755)
    let status = try FileStatus.at(scratch.bytes("sleep"))
    let file = FileResidue.File(device: status.device, inode: status.inode)
    let residue = FileResidue.residue(of: [file: "/sleep"], changesIdentity: true)
    let pids = residue.flatMap(\.processes).map(\.pid)
    #expect(pids.contains(child.pid))
    // Below a login that is not root's, root's own is not told from what was made root.
    if files.loginUID(asRoot.pid) == nil { #expect(pids == [child.pid]) }
    #expect(FileResidue.residue(of: [file: "/sleep"]).isEmpty)
  }
}
