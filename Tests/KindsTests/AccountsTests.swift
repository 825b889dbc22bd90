import ByteText
import Grants
import Kinds
import LinuxKit
import Testing

@Suite struct AccountsTests {
  struct Change: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var from: String = ""
    var to: String = ""
    var file = "passwd"
    var gains: [String]
  }

  static let today = SystemClock.wall() / 86_400_000_000
  static let bobLocked = "bob:!$y$j9T$secret$y:1:0:9:7:::"
  static let alice = "alice:$y$j9T$secret$x:1:0:9:7:::"
  static let bob = "bob:x:1002:1002::/home/bob:/usr/sbin/nologin"

  static let changes: [Change] = [
    Change(
      "a shell", bob, "bob:x:1002:1002::/home/bob:/bin/bash", gains: ["bob shell: login shell"]),
    Change("an empty shell", bob, "bob:x:1002:1002::/home/bob:", gains: ["bob shell: login shell"]),
    Change("no shell field", bob, "bob:x:1002:1002", gains: ["bob shell: login shell"]),
    Change("false for nologin", bob, "bob:x:1002:1002::/home/bob:/bin/false", gains: []),
    Change(
      "a shell longer than paths may be", bob, bob + String(repeating: "x", count: 5000), gains: []),
    Change("another shell", ":/bin/sh\n", ":/bin/bash\n", gains: []),
    Change("no shell any more", ":/bin/sh\n", ":/bin/false\n", gains: []),
    Change("uid 0", "bob:x:1002", "bob:x:0", gains: ["bob root: uid 0"]),
    Change("uid 00", "bob:x:1002", "bob:x:00", gains: ["bob root: uid 0"]),
    Change("another uid", "bob:x:1002", "bob:x:1003", gains: []),
    Change(
      "uid 0 and a shell", bob, "bob:x:0:0::/home/bob:/bin/sh",
      gains: ["bob root: login shell", "bob root: uid 0"]),
    Change(
      "unlocked", bobLocked, "bob:$y$j9T$secret$y:1:0:9:7:::", file: "shadow",
      gains: ["bob login: password"]),
    Change("more locks", bobLocked, "bob:!!$y$j9T$secret$y:1:0:9:7:::", file: "shadow", gains: []),
    Change("a star", bobLocked, "bob:*:1:0:9:7:::", file: "shadow", gains: []),
    Change("another hash", alice, "alice:$6$a$b:1:0:9:7:::", file: "shadow", gains: []),
    Change("locked", alice, "alice:!$y$j9T$secret$x:1:0:9:7:::", file: "shadow", gains: []),
    Change(
      "a removed password", alice, "alice::1:0:9:7:::", file: "shadow",
      gains: ["alice login: no password"]),
    Change(
      "a removed lock and password", bobLocked, "bob::1:0:9:7:::", file: "shadow",
      gains: ["bob login: no password", "bob login: password"]),
    Change("no x in passwd", "alice:x:", "alice::", gains: ["alice login: no password"]),
    Change("a hash in passwd", "bob:x:", "bob:$1$a$b:", gains: ["bob login: password"]),
    Change(
      "an end in the past", alice, "alice:$y$j9T$secret$x:1:0:9:7::1:", file: "shadow", gains: []),
    Change(
      "unlocked, but ended", bobLocked, "bob:$y$j9T$secret$y:1:0:9:7::\(today):", file: "shadow",
      gains: []),
    Change(
      "unlocked, ending", bobLocked, "bob:$y$j9T$secret$y:1:0:9:7::\(today + 1):", file: "shadow",
      gains: ["bob login: password"]),
    Change(
      "root's password", "root:*:", "root:$6$a$b:", file: "shadow",
      gains: ["root login: password"]),
    Change(
      "a new account", "bob:x", "eve:x:1005:1005::/home/eve:/bin/bash\nbob:x",
      gains: ["eve login: login shell"]),
    Change(
      "a new account without a shell", "bob:x", "eve:x:1005:1005::/:/usr/sbin/nologin\nbob:x",
      gains: []),
    Change(
      "a new account with uid 0", "bob:x", "eve:x:0:0::/:/usr/sbin/nologin\nbob:x",
      gains: ["eve root: uid 0"]),
    Change(
      "another name for alice", "bob:x", "eve:x:1001:1001::/home/alice:/bin/sh\nbob:x",
      gains: ["eve login: login shell"]),
    Change("a second line for a name", "bob:x", "alice:x:0:0::/:/bin/sh\nbob:x", gains: []),
    Change(
      "an earlier line for a name", "root:", "bob:x:0:0::/:/bin/sh\nroot:",
      gains: ["bob root: login shell", "bob root: uid 0"]),
  ]

  @Test("What widens access is a gain, with its right", arguments: changes)
  func table(_ change: Change) throws {
    let stage = try AccountsStage()
    let before = stage.content(change.file)
    let after = before.replacing(change.from, with: change.to)
    #expect(after != before)
    stage.write(change.file, after)
    #expect(try stage.look().gains == change.gains)
    #expect(try stage.look() == EntryDifference())
  }

  @Test("No hash leaves: not in values, details or problems")
  func noHash() throws {
    let stage = try AccountsStage()
    for entry in stage.state.sorted { #expect(!"\(entry)".contains("secret")) }
    stage.write("shadow", stage.content("shadow").replacing("bob:!", with: "bob:"))
    for gain in try stage.look().gained { #expect(!"\(gain)".contains("secret")) }
  }

  @Test("A lifted end gives back all that the account had")
  func lifted() throws {
    let stage = try AccountsStage(
      passwd: "toor:x:0:0::/root:/bin/sh\n", shadow: "toor:$6$a$b:1:::::1:\n")
    #expect(stage.state.sorted.map(\.value) == ["known"])
    stage.write("shadow", "toor:$6$a$b:1::::::\n")
    #expect(
      try stage.look().gains == [
        "toor root: login shell", "toor root: password", "toor root: uid 0",
      ])
  }

  @Test("The end of an account that comes by itself is a loss, and a clock set back no gain")
  func clock() throws {
    let stage = try AccountsStage(
      passwd: "eve:x:1005:1005::/:/bin/sh\n", shadow: "eve:$6$a$b:1:::::20000:\n")
    func state(onDay day: Int64) throws -> EntryState {
      let kind = Accounts(root: Array(stage.path.utf8)) {
        Timestamp(microseconds: day * 86_400_000_000 + 5)
      }
      return try kind.read(previous: nil)
    }
    let last = try state(onDay: 19_999)
    let first = try state(onDay: 20_000)
    #expect(
      stage.kind.difference(last, first).losses == [
        "eve shell: login shell", "eve login: password",
      ])
    #expect(stage.kind.difference(first, last) == EntryDifference())
  }

  @Test("A rename that keeps the number carries the entries on")
  func renamed() throws {
    let stage = try AccountsStage()
    stage.write("passwd", stage.content("passwd").replacing("alice:x", with: "ann:x"))
    stage.write("shadow", stage.content("shadow").replacing("alice:", with: "ann:"))
    let difference = try stage.look()
    #expect(difference.gained.isEmpty && difference.lost.isEmpty)
    #expect(difference.moved.allSatisfy { $0.from.subject == "user:alice" })
    #expect(difference.moved.allSatisfy { $0.to.subject == "user:ann" })
    #expect(difference.moved.map(\.to.value) == ["known", "login shell", "password"])
  }

  @Test("A later day of expiry is told, and put back alone")
  func laterEnd() throws {
    let shadow = AccountsStage.shadow.replacing("x:1:0:9:7:::", with: "x:1:0:9:7::40000:")
    let stage = try AccountsStage(shadow: shadow)
    stage.write("shadow", shadow.replacing("40000", with: "39000"))
    #expect(try stage.look() == EntryDifference())
    stage.write("shadow", shadow.replacing("40000", with: ""))
    let difference = try stage.look()
    #expect(difference.gained.isEmpty && difference.lost.isEmpty)
    let gain = try #require(difference.prolonged.first)
    #expect(difference.prolonged.count == 1 && gain.isLonger)
    #expect(gain.entry.subject == "user:alice" && gain.entry.right == "login")
    #expect(stage.kind.textWithEnd(gain.entry) == "expires never")
    #expect(gain.former.map(stage.kind.textWithEnd) == "expires 2076-10-11")
    #expect(stage.kind.plan(gain).contains("-e 2076-10-11"))
  }

  @Test("An account that nobody can get into gains nothing by a later end")
  func laterEndOfNothing() throws {
    let shadow = AccountsStage.shadow.replacing("y:1::::::", with: "y:1:::::40000:")
    let stage = try AccountsStage(shadow: shadow)
    stage.write("shadow", shadow.replacing("40000", with: ""))
    #expect(try stage.look() == EntryDifference())
  }

  @Test("A password that was locked is told as what was before")
  func lockedFormer() throws {
    let stage = try AccountsStage()
    stage.write("shadow", stage.content("shadow").replacing("bob:!$y$j9T$secret$y", with: "bob:"))
    let formers = try stage.look().gained.map { $0.former?.value }
    #expect(formers == ["locked password", "locked password"])
  }

  @Test("A former password is told with the gain")
  func former() throws {
    let stage = try AccountsStage()
    stage.write("shadow", stage.content("shadow").replacing("$y$j9T$secret$x", with: ""))
    #expect(try stage.look().gained.first?.former?.value == "password")
  }

  @Test("Hostile lines neither trap nor count")
  func hostile() throws {
    let odd = "a\u{1b}[1m b"
    let stage = try AccountsStage(
      passwd: """
        :x:0:0::/:/bin/sh
        +eve:x:0:0::/:/bin/sh
        -eve
        #x:x:0:0::/:/bin/sh
        big:x:99999999999999999999:0::/:/bin/sh
        neg:x:-1:0::/:/bin/sh
        cut:x
        ::::::
        \(String(repeating: "n", count: 300)):x:0:0::/:/bin/sh
        \(odd):x:1009:1009::/:/bin/a b\t$(x) was new
          blank:x:1010:1010::/:/bin/sh:more:fields

        """,
      shadow: "eve\n::\n\(odd)::x:y:z:::99999999999999999999:\nblank:$6:1:::::-5:\n:\n")
    #expect(stage.state.problems.count == 1)
    let subjects = Set(stage.state.sorted.map(\.subject))
    #expect(subjects == ["user:a\\x1b[1m b", "user:blank"])
    stage.write("passwd", stage.content("passwd").replacing("/bin/a b", with: "/bin/false"))
    stage.write("passwd", stage.content("passwd").replacing("\t$(x) was new", with: ""))
    #expect(try stage.look().losses == ["a\\x1b[1m b shell: login shell"])
    let entry = AccessEntry(
      subject: "user:bob", object: "account:bob", right: "login", value: "password",
      detail: "uid=1 password=usable expires=never shell=\\x was")
    #expect(stage.kind.residue(of: entry).isEmpty)
    #expect(stage.kind.setNativeExpiry(entry, until: nil) == .unsupported)
    guard case .impossible = stage.revoke(EntryGain(entry)) else {
      Issue.record("acted on a detail that says nothing")
      return
    }
  }

  @Test("A file that is missing, empty or half written is an error, and a vanished shadow too")
  func torn() throws {
    let stage = try AccountsStage()
    stage.shell("rm $0/etc/shadow")
    #expect(throws: EntryKindError.self) { try stage.look() }
    #expect(throws: Never.self) { try stage.kind.read(previous: nil) }
    stage.shell(": > $0/etc/shadow")
    #expect(throws: EntryKindError.self) { try stage.look() }
    stage.write("shadow", AccountsStage.shadow)
    stage.write("passwd", AccountsStage.passwd + "half")
    #expect(throws: EntryKindError.torn("\(stage.path)/etc/passwd")) { try stage.look() }
    stage.shell("rm $0/etc/passwd")
    #expect(throws: EntryKindError.self) { try stage.look() }
  }

  @Test("Standing are other roots and accounts without a password")
  func standing() throws {
    let stage = try AccountsStage(
      passwd: AccountsStage.passwd + "toor:x:0:0::/:/bin/sh\nopen::1009:1009::/:/bin/sh\n")
    #expect(
      stage.state.sorted.filter { stage.kind.isStanding($0) }.map { "\($0.subject) \($0.value)" }
        == ["user:open no password", "user:toor uid 0"])
  }
}

extension AccountsTests.Change {
  init(_ name: String, _ from: String, _ to: String, file: String = "passwd", gains: [String]) {
    self.init(testDescription: name, from: from, to: to, file: file, gains: gains)
  }
}
