import ByteText
import Glibc
import Kinds
import LinuxKit
import Testing

/// The real useradd, usermod, passwd, chage and chsh below scratch roots.
@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct AccountsLiveTests {
  struct Cell: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// Makes what the act starts from.
    var before = ":"
    var act: String
    var gains: [String]
    /// The lines of passwd and shadow afterwards; nil for the very ones from before.
    var after: [String]?
    /// Whether what was taken out can be put back.
    var restores = true
  }

  static let cells: [Cell] = [
    Cell(
      testDescription: "login shell by usermod", act: "usermod --prefix $0 -s /bin/sh bob",
      gains: ["bob shell: login shell"]),
    Cell(
      testDescription: "unlocked by usermod", act: "usermod --prefix $0 -U bob",
      gains: ["bob login: password"]),
    Cell(
      testDescription: "unlocked by passwd", act: "passwd -R $0 -u bob",
      gains: ["bob login: password"]),
    Cell(
      testDescription: "password set by usermod", before: "usermod --prefix $0 -p '!' bob",
      act: "usermod --prefix $0 -p '$6$a$b' bob", gains: ["bob login: password"],
      after: ["bob:x:1002:1002::/home/bob:/usr/sbin/nologin", "bob:!$6$a$b:"]),
    Cell(
      testDescription: "password removed", before: "usermod --prefix $0 -U bob",
      act: "passwd -R $0 -d bob", gains: ["bob login: no password"],
      after: ["bob:x:1002:1002::/home/bob:/usr/sbin/nologin", "bob:!:"], restores: false),
    Cell(
      testDescription: "end lifted by usermod",
      before: "usermod --prefix $0 -e 2001-02-03 -s /bin/sh -U bob",
      act: "usermod --prefix $0 -e '' bob",
      gains: ["bob login: login shell", "bob login: password"]),
    Cell(
      testDescription: "end lifted by chage",
      before: "chage -R $0 -E 11000 bob; usermod --prefix $0 -U bob",
      act: "chage -R $0 -E -1 bob", gains: ["bob login: password"]),
    Cell(
      testDescription: "end lifted and unlocked", before: "chage -R $0 -E 11000 bob",
      act: "chage -R $0 -E 99999 bob; usermod --prefix $0 -U bob", gains: ["bob login: password"]),
    Cell(
      testDescription: "uid 0", act: "usermod --prefix $0 -o -u 0 bob", gains: ["bob root: uid 0"]),
    Cell(
      testDescription: "uid 0, a shell and unlocked",
      act: "usermod -R $0 -o -u 0 -s /bin/bash -U bob",
      gains: ["bob root: login shell", "bob root: password", "bob root: uid 0"]),
    Cell(
      testDescription: "new account", act: "useradd --prefix $0 -u 1005 -M -s /bin/sh eve",
      gains: ["eve login: login shell"],
      after: ["eve:x:1005:", "eve:!:"]),
    Cell(
      testDescription: "new account with a password",
      act: "useradd --prefix $0 -u 1005 -M -s /bin/sh -p '$6$a$b' eve",
      gains: ["eve login: login shell", "eve login: password"],
      after: ["eve:x:1005:", "eve:!$6$a$b:"]),
    Cell(
      testDescription: "new root",
      act: "useradd --prefix $0 -o -u 0 -N -M -s /bin/sh -p '$6$a$b' eve",
      gains: ["eve root: login shell", "eve root: password", "eve root: uid 0"],
      after: ["eve:x:0:100::/home/eve:/usr/sbin/nologin", "eve:!$6$a$b:"]),
    Cell(
      testDescription: "new system account",
      act: "useradd --prefix $0 -r -M -s /usr/sbin/nologin eve",
      gains: [], after: nil),
    Cell(
      testDescription: "password in passwd", act: "sed -i 's/^bob:x:/bob::/' $0/etc/passwd",
      gains: ["bob login: no password", "bob login: password"],
      after: ["bob:!:1002:1002::/home/bob:/usr/sbin/nologin", "bob:!$y$j9T$secret$y:"],
      restores: false),
  ]

  @Test("Seen, revoked, looked at again, put back", arguments: cells)
  func cell(_ cell: Cell) throws {
    let stage = try AccountsStage()
    _ = try stage.look(after: cell.before)
    let user = cell.act.contains("eve") ? "eve" : "bob"
    let before = stage.line(user)
    let others = stage.line("alice") + stage.line("root")
    let difference = try stage.look(after: cell.act)
    #expect(difference.gains == cell.gains)
    for gain in difference.gained {
      #expect(
        stage.kind.plan(gain).contains("--prefix \(stage.path)") || gain.entry.value == "uid 0")
      let outcome = stage.revoke(gain)
      #expect(outcome == .done || outcome == .alreadyDone)
      #expect(stage.revoke(gain) == .alreadyDone)
    }
    let again = try stage.look()
    #expect(again.gained.isEmpty)
    let taken = Set(difference.gained.map(\.entry.value))
    #expect(taken.isSubset(of: again.lost.map(\.value)))
    for (line, wanted) in zip(stage.line(user), cell.after ?? before) where !cell.gains.isEmpty {
      #expect(cell.after == nil ? line == wanted : line.hasPrefix(wanted))
    }
    #expect(stage.line("alice") + stage.line("root") == others)
    if !cell.gains.isEmpty {
      let kept = stage.shell("cat $0/quarantine/g-1/*")
      #expect(kept.contains("\(user):"))
      #expect(!kept.contains("secret") && !kept.contains("$6$"))
    }
    for gain in difference.gained {
      let outcome = stage.kind.restore(gain)
      if cell.restores {
        #expect(outcome == .done || outcome == .alreadyDone)
      } else {
        guard case .impossible = outcome else {
          Issue.record("put back: \(outcome)")
          continue
        }
      }
    }
    if cell.restores {
      #expect(try stage.look().gained.map(\.entry.key) == difference.gained.map(\.entry.key))
    }
  }

  @Test("useradd seen between its two files: both looks are taken back")
  func twoLooks() throws {
    let stage = try AccountsStage()
    let shadow = stage.content("shadow")
    stage.shell("useradd --prefix $0 -u 1005 -M -s /bin/sh -p '$6$a$b' eve")
    let whole = stage.content("shadow")
    stage.write("shadow", shadow)
    let first = try stage.look()
    stage.write("shadow", whole)
    let second = try stage.look()
    #expect(first.gains == ["eve login: login shell"])
    #expect(second.gains == ["eve login: password"])
    let entries = (first.gained + second.gained).map(\.entry)
    let end = try #require(Timestamp(rfc3339: "2099-01-01T12:00:00Z"))
    #expect(stage.kind.setNativeExpiry(entries, until: end) == .done)
    #expect(stage.line("eve")[1].hasSuffix("::47118:"))
    #expect(stage.kind.setNativeExpiry([entries[1]], until: nil) == .unsupported)
    #expect(stage.revoke(first.gained[0]) == .done)
    #expect(stage.revoke(second.gained[0]) == .alreadyDone)
    #expect(try stage.look().gained.isEmpty)
  }

  @Test("A shell that begins with a combining mark is told whole and taken back")
  func combiningMark() throws {
    let stage = try AccountsStage()
    let before = stage.line("bob")
    let act = "sed -i 's,^\\(bob:.*\\):.*,\\1:\u{65b}/bin/sh,' $0/etc/passwd"
    let gain = try #require(try stage.look(after: act).gained.first)
    #expect(gain.entry.right == "shell")
    #expect(stage.revoke(gain) == .done)
    #expect(stage.line("bob") == before)
  }

  @Test("An agent's later change of shell or password shelters nothing")
  func shelter() throws {
    let stage = try AccountsStage()
    let gained = try stage.look(after: "usermod --prefix $0 -s /bin/sh -U bob").gained
    #expect(gained.count == 2)
    #expect(try stage.look(after: "usermod --prefix $0 -s /bin/dash bob") == EntryDifference())
    let open = try stage.look(after: "passwd -R $0 -d bob")
    #expect(open.gains == ["bob login: no password"] && open.lost.isEmpty)
    let closed = try stage.look(after: "usermod --prefix $0 -p '$6$a$b' bob")
    #expect(closed.gains.isEmpty && closed.losses == ["bob login: no password"])
    for gain in gained { #expect(stage.revoke(gain) == .done) }
    #expect(stage.line("bob")[0].hasSuffix(":/usr/sbin/nologin"))
    #expect(stage.line("bob")[1].hasPrefix("bob:!$6"))
  }

  @Test("One change takes several values away: each of them is taken back, and can be put back")
  func severalValues() throws {
    let stage = try AccountsStage()
    let gained = try stage.look(
      after: "useradd --prefix $0 -u 1005 -M -s /bin/sh -p '$6$a$b' eve"
    ).gained
    let line = stage.line("eve")
    let quarantine = Quarantine(directory: "\(stage.path)/quarantine", grant: "g-1")
    let tasks = gained.map { EntryRevocation($0, quarantine: quarantine) }
    #expect(stage.kind.revoke(tasks) == [.done, .done])
    #expect(stage.kind.revoke(tasks) == [.alreadyDone, .alreadyDone])
    for gain in gained { #expect(stage.kind.restore(gain) == .done) }
    #expect(stage.line("eve") == line)
    // What somebody else took is not taken back.
    stage.shell("usermod --prefix $0 -L eve")
    let outcomes = stage.kind.revoke(tasks)
    for (gain, outcome) in zip(gained, outcomes) {
      #expect(outcome == (gain.entry.value == "password" ? .alreadyDone : .done))
    }
  }

  @Test("Another's change is kept: only what was given goes")
  func others() throws {
    let stage = try AccountsStage()
    let gain = try stage.look(after: "usermod --prefix $0 -s /bin/sh bob").gained[0]
    stage.shell("usermod --prefix $0 -U -c Robert -e 2099-01-01 bob")
    #expect(stage.revoke(gain) == .done)
    #expect(
      stage.line("bob") == [
        "bob:x:1002:1002:Robert:/home/bob:/usr/sbin/nologin", "bob:$y$j9T$secret$y:1:0:9:7::47117:",
      ])
  }

  @Test("Another account under the name is left alone, and so is root")
  func drift() throws {
    let stage = try AccountsStage()
    let gain = try stage.look(after: "usermod --prefix $0 -s /bin/sh bob").gained[0]
    stage.shell("userdel --prefix $0 bob; useradd --prefix $0 -u 1007 -M -s /bin/sh bob")
    let lines = stage.line("bob")
    #expect(stage.revoke(gain) == .drifted("account:bob: its uid was 1002 and is 1007"))
    #expect(stage.kind.restore(gain) == .alreadyDone)
    stage.shell("usermod --prefix $0 -s /bin/false bob")
    #expect(stage.kind.restore(gain) == .drifted("account:bob: its uid was 1002 and is 1007"))
    stage.shell("usermod --prefix $0 -s /bin/sh bob")
    #expect(stage.line("bob") == lines)
    stage.shell("userdel --prefix $0 bob")
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.kind.restore(gain) == .drifted("account:bob: there is no such account"))

    let root = try stage.look(after: "usermod --prefix $0 -p '$6$a$b' root").gained[0]
    #expect(stage.revoke(root) == .impossible("change: account:root: root itself is left alone"))
    #expect(stage.line("root")[1].hasPrefix("root:$6$a$b:"))
  }

  @Test("A grant on what then became root is taken back still")
  func becameRoot() throws {
    let stage = try AccountsStage()
    let shell = try stage.look(after: "usermod --prefix $0 -s /bin/sh bob").gained[0]
    let root = try stage.look(after: "usermod --prefix $0 -o -u 0 bob").gained[0]
    #expect(stage.revoke(shell) == .done)
    #expect(stage.revoke(root) == .done)
    #expect(stage.line("bob")[0] == "bob:x:1002:1002::/home/bob:/usr/sbin/nologin")
  }

  @Test("A shell given by chsh, which wants PAM, is seen and taken back")
  func chsh() throws {
    let stage = try AccountsStage()
    _ = try stage.look(after: "chage -R $0 -M -1 root")
    stage.shellOnHost("chsh -s /bin/sh bob")
    let difference = try stage.look()
    #expect(difference.gains == ["bob shell: login shell"])
    for gain in difference.gained { #expect(stage.revoke(gain) == .done) }
  }

  @Test("On the host a uid is put back by vipw: usermod refuses while any process has uid 0")
  func host() throws {
    let stage = try AccountsStage()
    let gain = try stage.look(after: "usermod --prefix $0 -o -u 0 bob").gained[0]
    let plan = Accounts(root: []).plan(gain)
    #expect(
      plan == #"VISUAL='sed -Ei "s/^([[:blank:]]*bob:[^:]*):0+:/\\1:1002:/"' vipw -q"#)
    #expect(stage.shellOnHost("usermod -u 1002 bob").contains("currently used by process"))
    // vipw(8) takes a file for unchanged whose time is that of this second.
    stage.shell("touch -d '1 hour ago' $0/etc/passwd")
    stage.shellOnHost(plan.replacing("\\\\", with: "\\"))
    #expect(stage.content("passwd") == AccountsStage.passwd)
    let odd = AccessEntry(
      subject: "user:a.b", object: "account:a.b", right: "root", value: "uid 0",
      detail: gain.entry.detail)
    #expect(Accounts(root: []).plan(EntryGain(odd)) == "usermod -o -u 1002 -- a.b")
  }

  @Test("A tool that fails is told in its words, and what stands stays")
  func failure() throws {
    let stage = try AccountsStage()
    let gain = try stage.look(after: "usermod --prefix $0 -s /bin/sh bob").gained[0]
    stage.shell("chattr +i $0/etc/passwd")
    defer { stage.shell("chattr -i $0/etc/passwd") }
    guard case .failed(let words) = stage.revoke(gain) else {
      Issue.record("not failed")
      return
    }
    #expect(words.contains("usermod"))
    #expect(try stage.look() == EntryDifference())
  }

  @Test("An account that was there at the start is shut as little as ends the access")
  func standing() throws {
    let stage = try AccountsStage(
      passwd: AccountsStage.passwd + "toor:x:0:0::/root:/bin/sh\n",
      shadow: AccountsStage.shadow + "toor:$6$a$b:1::::::\n")
    for entry in stage.state.sorted where entry.subject == "user:toor" && entry.value != "known" {
      let outcome = stage.revoke(EntryGain(entry))
      #expect(outcome == .done || outcome == .alreadyDone)
    }
    #expect(
      stage.line("toor") == ["toor:x:0:0::/root:/usr/sbin/nologin", "toor:!$6$a$b:1:::::1:"])
  }

  @Test("chage ends an account that the grant created, at its deadline or the next midnight")
  func nativeExpiry() throws {
    let stage = try AccountsStage()
    let day: Int64 = 86_400_000_000
    let gained = try stage.look(
      after:
        "useradd --prefix $0 -u 1005 -M -s /bin/sh -e 2099-01-01 eve; usermod --prefix $0 -U bob"
    )
    .gained
    let eve = try #require(gained.first { $0.entry.subject == "user:eve" }).entry
    let bob = try #require(gained.first { $0.entry.subject == "user:bob" }).entry
    func set(_ until: Int64?) -> EntryOutcome {
      stage.kind.setNativeExpiry(eve, until: until.map { Timestamp(microseconds: $0) })
    }
    #expect(set(30_000 * day + 1) == .done)
    #expect(stage.line("eve")[1].hasSuffix(":30001:"))
    #expect(set(30_000 * day + 1) == .alreadyDone)
    #expect(set(30_000 * day) == .done)
    #expect(stage.line("eve")[1].hasSuffix(":30000:"))
    #expect(try stage.look() == EntryDifference())
    #expect(set(60_000 * day) == .done)
    #expect(stage.line("eve")[1].hasSuffix(":47117:"))
    #expect(set(-1) == .done)
    #expect(try stage.look().losses == ["eve shell: login shell"])
    #expect(set(nil) == .done)
    #expect(stage.line("eve")[1].hasSuffix(":47117:"))
    #expect(stage.kind.setNativeExpiry(bob, until: Timestamp(microseconds: day)) == .unsupported)
  }
}
