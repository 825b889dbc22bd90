import Dispatch
import Glibc
import Kinds
import LinuxKit
import Testing

/// The real tools on scratch roots that hold four files and no program.
@Suite(.enabled(if: geteuid() == 0, "needs root")) struct GroupMembersLiveTests {
  private final class Root {
    let path: String
    let kind: GroupMembers

    init(_ name: String = #function) {
      path = "/tmp/grantwatch-\(name.prefix { $0 != "(" })-\(getpid())"
      kind = GroupMembers(root: Array(path.utf8))
      shell("rm -rf $0; mkdir -p $0/etc")
      write(
        "passwd",
        "root:x:0:0:root:/root:/bin/bash\nalice:x:1001:1001::/home/alice:/bin/sh\n"
          + "bob:x:1002:1002::/home/bob:/bin/sh\n")
      write(
        "group",
        "root:x:0:\nsudo:x:27:alice\nqdocker:x:999:bob,alice,ghost\nadm:x:4:\n"
          + "alice:x:1001:\nbob:x:1002:\n+nis:::\n# note\n")
      write(
        "gshadow",
        "root:*::\nsudo:*::alice\nqdocker:!:alice:bob,alice,ghost\nadm:*::bob\nalice:!::\nbob:!::\n"
      )
      write("shadow", "root:*:1:0:9:7:::\nalice:$y$j9T$x$y:1:0:9:7:::\nbob:!:1:0:9:7:::\n")
      shell("cd $0/etc && chmod 640 shadow gshadow && chgrp 42 shadow gshadow")
    }

    deinit { shell("rm -rf $0") }

    @discardableResult func shell(_ script: String) -> String {
      let result = Spawn.runAndWait("/bin/sh", ["-c", script, path])
      return String(decoding: result.output + result.errors, as: UTF8.self)
    }

    func write(_ name: String, _ text: String) {
      _ = Spawn.runAndWait(
        "/bin/sh", ["-c", "cat > \"$0\"", "\(path)/etc/\(name)"], input: Array(text.utf8))
    }

    func content(_ name: String) -> String { shell("cat $0/etc/\(name)") }

    /// Owners and modes of the four files.
    func owners() -> String {
      shell("cd $0/etc && stat -c '%n %a %u:%g' group gshadow passwd shadow")
    }

    func revoke(_ membership: Membership, previousPrimary: String? = nil) async -> RevokeOutcome {
      await withCheckedContinuation { continuation in
        kind.revoke(
          membership, previousPrimary: previousPrimary, queue: DispatchQueue(label: "kind-test")
        ) { continuation.resume(returning: $0) }
      }
    }
  }

  @Test("A member is taken out of both files, and nothing else is touched")
  func member() async throws {
    let root = Root()
    let owners = root.owners()
    let group = root.content("group")
    let gshadow = root.content("gshadow")
    let bob = Membership(user: "bob", group: "qdocker", primary: false)
    #expect(try root.kind.read().memberships.contains(bob))
    #expect(
      root.kind.plan(bob) == "usermod --prefix \(root.path) -r -G qdocker -- bob")
    #expect(await root.revoke(bob) == .done)
    #expect(root.content("group") == group.replacing("bob,alice,ghost", with: "alice,ghost"))
    #expect(root.content("gshadow") == gshadow.replacing("bob,alice,ghost", with: "alice,ghost"))
    #expect(root.owners() == owners)
    #expect(await root.revoke(bob) == .alreadyGone)
  }

  @Test("A member without an account, and one of gshadow alone, are taken out too")
  func odd() async throws {
    let root = Root()
    let ghost = Membership(user: "ghost", group: "qdocker", primary: false)
    #expect(await root.revoke(ghost) == .done)
    let hidden = Membership(user: "bob", group: "adm", primary: false)
    #expect(try root.kind.read().memberships.contains(hidden))
    #expect(await root.revoke(hidden) == .done)
    #expect(root.content("gshadow").contains("adm:*::\n"))
  }

  @Test("What the real tools give is seen as a gain, and a primary group goes back")
  func tools() async throws {
    let root = Root()
    var before = try root.kind.read()
    func gained(_ script: String) throws -> [Membership] {
      root.shell(script)
      let now = try root.kind.read()
      defer { before = now }
      return GroupMembers.difference(before, now).gained
    }
    let bob = { Membership(user: "bob", group: $0, primary: false) }
    #expect(try gained("usermod --prefix $0 -aG sudo,adm bob") == [bob("sudo")])
    #expect(try gained("usermod --prefix $0 -aG sudo bob").isEmpty)
    #expect(try gained("gpasswd -Q $0 -d bob sudo; gpasswd -Q $0 -a bob root") == [bob("root")])
    #expect(try gained("useradd --prefix $0 -U dave").isEmpty)
    #expect(
      try gained("groupadd --prefix $0 ops; usermod --prefix $0 -aG ops dave")
        == [Membership(user: "dave", group: "ops", primary: false)])
    #expect(try gained("usermod -R $0 -l daniel dave; groupmod -R $0 -n ops2 ops").isEmpty)
    #expect(
      try gained("echo 'late:x:700:alice' >> $0/etc/group")
        == [Membership(user: "alice", group: "late", primary: false)])
    #expect(
      try gained("usermod -R $0 -g qdocker bob")
        == [Membership(user: "bob", group: "qdocker", primary: true)])
    let primary = Membership(user: "bob", group: "qdocker", primary: true)
    #expect(await root.revoke(primary, previousPrimary: "bob") == .done)
    #expect(root.content("passwd").contains("bob:x:1002:1002:"))
    #expect(try gained("groupmod -R $0 -o -g 27 bob").contains(bob("sudo")) == false)
  }

  @Test("Groups with one number share their members")
  func aliases() throws {
    let root = Root()
    let before = try root.kind.read()
    root.shell("gpasswd -Q $0 -a alice bob; groupmod -R $0 -o -g 999 bob")
    let gained = GroupMembers.difference(before, try root.kind.read()).gained
    #expect(gained.contains(Membership(user: "alice", group: "bob", primary: false)))
    #expect(gained.contains(Membership(user: "bob", group: "qdocker", primary: true)))
  }

  @Test("A revocation that cannot be is told in the tool's words")
  func failure() async throws {
    let root = Root()
    let bob = Membership(user: "bob", group: "qdocker", primary: false)
    root.shell("chattr +i $0/etc/group")
    defer { root.shell("chattr -i $0/etc/group") }
    let outcome = await root.revoke(bob)
    guard case .failed(let words) = outcome else {
      Issue.record("not failed: \(outcome)")
      return
    }
    #expect(words.contains("usermod"))
    let missing = Membership(user: "bob", group: "nothing", primary: false)
    #expect(await root.revoke(missing) == .alreadyGone)
  }

  @Test("Missing and half-written files are errors, not empty states")
  func torn() throws {
    let root = Root()
    root.shell("rm $0/etc/gshadow")
    _ = try root.kind.read()
    root.shell(": > $0/etc/group")
    #expect(throws: AccountFileError.self) { _ = try root.kind.read() }
    root.shell("rm $0/etc/group")
    #expect(throws: AccountFileError.self) { _ = try root.kind.read() }
  }
}
