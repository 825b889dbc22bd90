import Glibc
import LinuxKit
import Scratch

/// The table: a row for each kind of grant, with what its real tool does and what is to come of it.
extension KindPlay {
  static let all = [
    groupMember, account, sudoRule, sshKey, fileMode, fileOwner, fileACL, fileCapability,
    polkitRule, postgresql,
  ]

  /// Kinds that are not played, and why.
  static let absent: [String: String] = {
    var reasons = [
      "connector:kubernetes":
        "told by a cluster's log: nothing here reads its state or takes it back"
    ]
    if PostgresServer.binaries == nil { reasons[postgresql.kind] = "needs postgresql" }
    return reasons
  }()

  static let playable = all.filter { absent[$0.kind] == nil }

  /// Account mallory, and the group held, of numbers that nobody else has.
  private static let (uid, gid) = (Stage.ownNumber(0), Stage.ownNumber(1))

  private static let mallory: @Sendable (Scratch) -> Void = { scratch in
    Stage.addAccount(scratch, "mallory", uid)
    Stage.addGroup(scratch, "held", gid)
  }

  // MARK: Accounts

  static let groupMember = KindPlay(
    kind: "group-member", prepare: mallory,
    act: "usermod --prefix $S/root -aG docker eve",
    grant: Expected(
      subject: "user:eve", object: "group:docker", right: "member", before: "absent",
      after: "member", severity: "critical"),
    look: "grep -h ^docker: root/etc/group root/etc/gshadow",
    before: "docker:x:999:\ndocker:!::\n", given: "docker:x:999:eve\ndocker:!::eve\n",
    lie: .tools(["/usr/sbin/usermod", "/usr/bin/gpasswd"]),
    residue: .live(
      Residue(act: "gpasswd --root $S/root -a mallory held", object: "group:held") { row in
        let holder = row.stage.holder(uid: uid, groups: gid)
        return (["process \(holder.pid) (sleep) of mallory still has group held"], [holder])
      }),
    drift: .live(
      Drift(
        line: "usermod --prefix $S/root -aG docker bob",
        look: "grep -h ^docker: root/etc/group root/etc/gshadow",
        kept: "docker:x:999:bob\ndocker:!::bob\n", isGrant: true)))

  static let account = KindPlay(
    kind: "account", prepare: mallory,
    act: "usermod --prefix $S/root -s /bin/bash nobody",
    grant: Expected(
      subject: "user:nobody", object: "account:nobody", right: "shell", before: nil, after: nil),
    look: "grep -h ^nobody: root/etc/passwd root/etc/shadow",
    before: "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\nnobody:*:1::::::\n",
    given: "nobody:x:65534:65534::/nonexistent:/bin/bash\nnobody:*:1::::::\n",
    lie: .tools(["/usr/sbin/usermod"]),
    residue: .live(
      Residue(
        act: "useradd --prefix $S/root -M -s /bin/bash -o -u \(uid) carol", object: "account:carol"
      ) { row in
        let holder = row.stage.holder(uid: uid)
        return (["process \(holder.pid) (sleep) of carol still runs"], [holder])
      }),
    drift: .live(
      Drift(
        line: "usermod --prefix $S/root -c 'of the shop' -d /srv/shop nobody",
        look: "grep ^nobody: root/etc/passwd",
        kept: "nobody:x:65534:65534:of the shop:/srv/shop:/usr/sbin/nologin\n")))

  // MARK: Files that are read whole

  /// As somebody at an editor does who adds a line.
  private static let furnished: @Sendable (Scratch) -> Void = { scratch in
    EngineLiveTests.furnish(scratch)
    scratch.file(
      "editor", 0o755,
      text: "#!/bin/sh\nfor file; do :; done\ncat \"$RULE\" >>\"$file\"\n")
    scratch.file("eve.rule", 0o644, text: "eve ALL=(ALL:ALL) NOPASSWD: ALL\n")
    scratch.file("bob.rule", 0o644, text: "bob ALL=(ALL:ALL) /bin/ls\n")
    scratch.file("mallory.rule", 0o644, text: "mallory ALL=(ALL:ALL) ALL\n")
  }

  private static func visudo(_ name: String) -> String {
    "RULE=$S/\(name).rule EDITOR=$S/editor visudo -f $S/root/etc/sudoers.d/x"
  }

  static let sudoRule = KindPlay(
    kind: "sudo-rule",
    prepare: { scratch in
      furnished(scratch)
      mallory(scratch)
      for folder in ["root/run", "root/run/sudo"] { scratch.folder(folder) }
    },
    act: visudo("eve"),
    grant: Expected(
      subject: "user:eve", object: "sudoers:/etc/sudoers.d/x", right: "NOPASSWD: ALL",
      before: "absent", after: nil),
    look: "cat root/etc/sudoers.d/x; cvtsudoers -e -f sudoers root/etc/sudoers.d/x",
    before: "# kept\n",
    given: "# kept\neve ALL=(ALL:ALL) NOPASSWD: ALL\neve ALL = (ALL : ALL) NOPASSWD: ALL\n",
    lie: .calls(["renameat", "renameat2"]),
    residue: .live(
      Residue(act: visudo("mallory"), object: "sudoers:/etc/sudoers.d/x") { row in
        let sudo = try SudoSession(row.stage, uid: uid)
        return (
          [
            "sudo ticket /run/sudo/ts/mallory of mallory",
            "process \(try sudo.running()) (sleep) that mallory runs by sudo",
          ], [sudo]
        )
      }),
    drift: .live(
      Drift(
        line: visudo("bob"), look: "cat root/etc/sudoers.d/x",
        kept: "# kept\nbob ALL=(ALL:ALL) /bin/ls\n", isGrant: true)))

  private static let keys = "root/home/bob/.ssh/authorized_keys"

  static let sshKey = KindPlay(
    kind: "ssh-key",
    prepare: { scratch in
      furnished(scratch)
      scratch.file("key.pub", 0o644, text: EngineLiveTests.key + "\n")
      scratch.folder("sshd")
      if SSHServer.isThere { SSHServer.makeKeys(in: "\(scratch.path)/sshd") }
      // An account that the host has as well.
      let games = "echo 'games:x:5:60::/home/games:/bin/sh' >>$0/root/etc/passwd"
      Scratch.run("/bin/sh", ["-c", games, scratch.path])
      // The way to the account's host: ssh-copy-id's own script, run here.
      scratch.folder("way")
      scratch.file(
        "way/ssh", 0o755, text: "#!/bin/sh\nfor script; do :; done\nexec sh -c \"$script\"\n")
    },
    act: "HOME=$S/root/home/bob PATH=$S/way:$PATH ssh-copy-id -f -i $S/key.pub bob@here",
    grant: Expected(
      subject: "key:SHA256:", object: "account:bob", right: "login", before: "absent", after: nil),
    look: "cat \(keys); ssh-keygen -lf \(keys) | cut -d' ' -f 3-",
    before: "# kept\n", given: "# kept\n\(EngineLiveTests.key)\neve (ED25519)\n",
    lie: .calls(["renameat", "renameat2"]),
    residue: SSHServer.isThere
      ? .live(
        Residue(
          act: "mkdir -p $S/root/home/games/.ssh;"
            + " cat $S/sshd/one.pub >>$S/root/home/games/.ssh/authorized_keys",
          object: "account:games", hold: holdSSHSession)) : .none("needs sshd"),
    drift: .live(
      Drift(
        line: "echo 'restrict \(EngineLiveTests.key.replacing("IOMq", with: "IOMr"))' >>$S/\(keys)",
        look: "cat \(keys)",
        kept: "# kept\nrestrict \(EngineLiveTests.key.replacing("IOMq", with: "IOMr"))\n",
        isGrant: true)))

  private static let rules = "root/etc/polkit-1/rules.d/9.rules"

  static let polkitRule = KindPlay(
    kind: "polkit-rule",
    prepare: { scratch in
      furnished(scratch)
      for result in ["YES", "AUTH_SELF_KEEP", "NO"] {
        scratch.file(
          "\(result).rules", 0o644,
          text: "polkit.addRule(function(a, s) { return polkit.Result.\(result); });\n")
      }
    },
    act: "install -m 644 $S/YES.rules $S/\(rules)",
    grant: Expected(
      subject: "everyone", object: "polkit:/etc/polkit-1/rules.d/9.rules", right: "rules",
      before: "absent", after: nil),
    look: "cat root/etc/polkit-1/rules.d/*", before: "",
    given: "polkit.addRule(function(a, s) { return polkit.Result.YES; });\n",
    lie: .calls(["unlinkat"]),
    residue: access(polkitd, X_OK) == 0
      ? .live(
        Residue(
          act: "install -m 644 $S/AUTH_SELF_KEEP.rules $S/\(rules)",
          object: "polkit:/etc/polkit-1/rules.d/9.rules",
          onHost: [
            "passwd", "shadow", "group", "gshadow", "sudoers", "sudoers.d", "polkit-1/rules.d",
          ],
          hold: holdAuthorizations)) : .none("needs polkitd"),
    drift: .live(
      Drift(
        line: "cat $S/NO.rules >$S/\(rules)", look: "cat \(rules)",
        kept: "polkit.addRule(function(a, s) { return polkit.Result.NO; });\n", isGrant: true)))

  // MARK: Files of a watched tree

  private static func ofFiles(
    _ kind: String, act: String, _ grant: Expected, look: String, before: String, given: String,
    lie: [String], residue: Residue, file: (source: String, mode: String) = ("/dev/null", "640")
  ) -> KindPlay {
    KindPlay(
      kind: kind,
      prepare: { scratch in
        mallory(scratch)
        for name in ["root/srv/a", "target"] {
          Scratch.run(
            "/usr/bin/install", ["-m", file.mode, file.source, "\(scratch.path)/\(name)"])
        }
      },
      act: "\(act) $D/a", grant: grant,
      look: "\(look) root/srv/a", before: before, given: given, lie: .calls(lie),
      residue: .live(residue),
      // What stands in its place now has the same; a link is never followed.
      drift: .live(
        Drift(
          line: "\(act) $S/target; mv $D/a $S/moved; ln -s $S/target $D/a",
          look: "readlink root/srv/a | xargs basename; \(look) target",
          kept: "target\n" + given.replacing("root/srv/a", with: "target"), state: "drifted",
          evidence: "link")))
  }

  private static func opened(_ access: String) -> Hold {
    { row in
      let holder = row.stage.holder(uid: uid, "exec sleep 600 <$0/a")
      return (["process \(holder.pid) (sleep) still has /srv/a open (\(access))"], [holder])
    }
  }

  static let fileMode = ofFiles(
    "file-mode", act: "chmod 666",
    Expected(
      subject: "everyone", object: "file:/srv/a", right: "read write", before: "0640",
      after: "0666"),
    look: "stat -c %a", before: "640\n", given: "666\n",
    lie: ["chmod", "fchmod", "fchmodat", "fchmodat2"],
    residue: Residue(object: "file:/srv/a", hold: opened("read")))

  static let fileOwner = ofFiles(
    "file-owner", act: "chown \(uid)",
    Expected(
      subject: "user:mallory", object: "file:/srv/a", right: "read write", before: "root:root",
      after: "mallory:root"),
    look: "stat -c %u:%g:%a", before: "0:0:640\n", given: "\(uid):0:640\n",
    lie: ["chown", "fchown", "lchown", "fchownat"],
    residue: Residue(object: "file:/srv/a", hold: opened("read")))

  static let fileACL = ofFiles(
    "file-acl", act: "setfacl -m u:\(uid):r",
    Expected(
      subject: "user:mallory", object: "file:/srv/a", right: "read", before: nil,
      after: "user:mallory:r--,mask::r--"),
    look: "getfacl -cn", before: "user::rw-\ngroup::r--\nother::---\n\n",
    given: "user::rw-\nuser:\(uid):r--\ngroup::r--\nmask::r--\nother::---\n\n",
    lie: ["setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"],
    residue: Residue(object: "file:/srv/a", hold: opened("read")))

  static let fileCapability = ofFiles(
    "file-capability", act: "setcap cap_net_raw=ep",
    Expected(
      subject: "everyone", object: "file:/srv/a", right: "cap_net_raw=ep", before: nil,
      after: "cap_net_raw=ep"),
    look: "getcap", before: "", given: "root/srv/a cap_net_raw=ep\n",
    lie: ["setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"],
    residue: Residue(
      object: "file:/srv/a",
      hold: { row in
        let holder = row.stage.holder(uid: uid, "exec $0/a 600", name: "a")
        return (["process \(holder.pid) (a) still runs /srv/a with cap_net_raw"], [holder])
      }), file: ("/usr/bin/sleep", "755"))

  // MARK: Another program's

  private static let psql = "psql -XAtq -h $S/pg -d postgres"

  /// A session that stays, as agents have one.
  private static func session(_ statement: String) -> String {
    "mkfifo $S/out/sql; \(psql) -U dba_bot <$S/out/sql & exec 8>$S/out/sql;"
      + " echo '\(statement);' >&8"
  }

  private static let privileges =
    "\(psql) -U postgres -c \"SELECT relacl FROM pg_class WHERE oid = 't1'::regclass\""

  static let postgresql = KindPlay(
    kind: "connector:postgresql",
    prepare: PostgresServer.describe,
    act: session("GRANT SELECT ON t1 TO app"),
    grant: Expected(
      subject: "role:app", object: "postgresql:postgres/table/public.t1", right: "SELECT",
      before: "absent", after: nil),
    cause: Cause(
      agent: "dba", loginUID: nil, evidence: "role dba_bot, backend "),
    look: privileges, before: "{postgres=arwdDxt/postgres,boss=a/postgres}\n",
    given: "{postgres=arwdDxt/postgres,boss=a/postgres,app=r/postgres}\n",
    lie: .mechanism(
      """
      \(psql) -U postgres -c "CREATE FUNCTION again() RETURNS event_trigger LANGUAGE plpgsql AS \
      'BEGIN EXECUTE ''GRANT SELECT ON t1 TO app''; END'" -c "CREATE EVENT TRIGGER again ON \
      ddl_command_end WHEN TAG IN ('REVOKE') EXECUTE FUNCTION again()"
      """, mended: "\(psql) -U postgres -c 'DROP EVENT TRIGGER again'"),
    residue: .live(
      Residue(
        act: session("GRANT boss TO app"), object: "postgresql:role/boss", hold: holdBackend)),
    drift: .live(
      Drift(
        line: "\(psql) -U postgres"
          + " -c 'DROP TABLE t1; CREATE TABLE t1 (a int); GRANT SELECT ON t1 TO app'",
        look: privileges, kept: "{postgres=arwdDxt/postgres,app=r/postgres}\n", state: "drifted")),
    again: "\(psql) -U postgres -c 'GRANT SELECT ON t1 TO app'")
}
