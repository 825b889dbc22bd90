import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing

/// Files of keys below a scratch root, without sshd.
@Suite struct SSHKeysTests {
  private let one = KeyStage.key(1)
  private let two = KeyStage.key(2)

  @Test func aKeyIsAnEntryByItsFingerprintAndOptions() {
    let stage = KeyStage()
    stage.write(
      "# mine\n\n\(one) bob@home\n  FROM=\"10.0.0.0/8\",command=\"a \\\"b\\\" c\" \(two)\n")
    stage.look()
    let entries = stage.state.sorted.sorted { $0.value < $1.value }
    #expect(entries.map(\.subject) == [KeyStage.subject(1), KeyStage.subject(2)])
    #expect(entries.map(\.object) == ["account:bob", "account:bob"])
    #expect(entries.map(\.right) == ["login", "login"])
    #expect(
      entries.map(\.value) == [
        "login", "login from=\"10.0.0.0/8\",command=\"a \\\\\"b\\\\\" c\"",
      ])
    #expect(entries[0].detail == "/home/bob/.ssh/authorized_keys\t\(one) bob@home")
  }

  @Test func commentsAndFilesAreNoPartOfIt() {
    let stage = KeyStage()
    stage.write("\(one) bob@home\n")
    stage.look()
    stage.write("")
    stage.write("\(one) other\n", "home/bob/.ssh/authorized_keys2")
    #expect(stage.look() == EntryDifference())
    stage.write("\(one)\n")
    #expect(stage.look() == EntryDifference())
    #expect(stage.state.count == 1)
  }

  /// Before, after; what was gained: nothing, or the new options with or without a former line.
  @Test(arguments: [
    ("", "from=\"10.0.0.1\"", "narrower"), ("from=\"10.0.0.1\"", "", "wider"),
    ("", "command=\"x\"", "narrower"), ("command=\"x\"", "", "wider"),
    ("command=\"x\"", "command=\"y\"", "wider"), ("restrict", "", "wider"),
    ("restrict", "restrict,pty", "wider"), ("restrict,pty", "restrict", "narrower"),
    ("", "no-pty", "narrower"), ("no-pty", "pty", "wider"), ("pty", "", "narrower"),
    ("from=\"a,b\"", "from=\"a\"", "narrower"), ("from=\"a\"", "from=\"a,b\"", "wider"),
    ("from=\"*,!a\"", "from=\"*\"", "wider"), ("from=\"a,b\"", "from=\"a,!b\"", "wider"),
    ("permitopen=\"a:1\"", "permitopen=\"a:1\",permitopen=\"b:1\"", "wider"),
    ("permitopen=\"a:1\",permitopen=\"b:1\"", "permitopen=\"b:1\"", "narrower"),
    ("", "cert-authority", "wider"), ("cert-authority", "", "wider"),
    ("cert-authority", "cert-authority,principals=\"root\"", "wider"),
    ("", "environment=\"A=b\"", "wider"), ("", "no-touch-required", "wider"),
    ("no-touch-required", "", "narrower"), ("", "verify-required", "narrower"),
    ("verify-required", "", "wider"), ("", "some-new-option", "wider"),
    ("restrict,command=\"x\"", "command=\"x\"", "wider"),
    ("restrict", "RESTRICT", "same"), ("", "expiry-time=\"29990101Z\"", "same"),
  ])
  func optionsThatLoosenAreAGain(_ before: String, _ after: String, _ expected: String) throws {
    let stage = KeyStage()
    func line(_ options: String) -> String { options.isEmpty ? one : "\(options) \(one)" }
    stage.write(line(before) + "\n")
    stage.look()
    let old = try #require(stage.state.sorted.first)
    stage.write(line(after) + "\n")
    let difference = stage.look()
    let new = try #require(stage.state.sorted.first)
    switch expected {
    case "wider":
      #expect(difference.gained == [EntryGain(new, former: old)])
      #expect(difference.lost == [old])
    case "narrower":
      #expect(
        difference
          == EntryDifference(moved: [EntryMove(from: old.key, to: new.key, detail: new.detail)]))
    default: #expect(difference == EntryDifference())
    }
  }

  @Test func aNarrowerLineBesideAWiderOneIsAGain() {
    let stage = KeyStage()
    stage.write("\(one)\n")
    stage.look()
    stage.write("\(one)\nrestrict \(one)\n")
    #expect(stage.look().gained.map(\.entry.value) == ["login restrict"])
  }

  @Test func revocationTakesOutTheLineAndNothingElse() throws {
    let stage = KeyStage()
    let rest = "# caf\u{e9} \r\n\(two)\n\n  \nbroken line\n"
    stage.write(rest)
    stage.scratch.chmod("home/bob/\(KeyStage.keys)", 0o640)
    stage.look()
    stage.write("\(one) evil\n" + rest + "\(one)")
    stage.scratch.chmod("home/bob/\(KeyStage.keys)", 0o640)
    stage.write("\(one)\r\n", "home/bob/.ssh/authorized_keys2")
    let gain = try #require(stage.look().gained.first)
    #expect(stage.kind.plan(gain).hasPrefix("take the line of SHA256:"))
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == rest)
    #expect(stage.scratch.mode("home/bob/\(KeyStage.keys)") == 0o640)
    #expect(stage.content("home/bob/.ssh/authorized_keys2") == "")
    #expect(stage.content("state/q/g-1/bob-authorized_keys") == "\(one) evil\n\(one)")
    #expect(stage.look().lost == [gain.entry])
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content() == rest + "\(one) evil\n")
    #expect(stage.kind.restore(gain) == .alreadyDone)
  }

  @Test func looserOptionsGetTheirFormerLineBack() throws {
    let stage = KeyStage()
    let former = "\(two)\nfrom=\"10.0.0.1\" \(one) a b\n"
    stage.write(former)
    stage.look()
    stage.write("\(two)\n\(one) c\n")
    let gain = try #require(stage.look().gained.first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == former)
    stage.look()
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content() == "\(two)\n\(one) c\n")
  }

  @Test func nativeExpiryIsWrittenMovedAndTakenAway() throws {
    let stage = KeyStage()
    stage.write("\(one) x\n\(two)\n  restrict \(one)\n")
    stage.look()
    let before = stage.state
    let (plain, limited) = try #require(
      {
        let found = before.sorted.filter { $0.subject == KeyStage.subject(1) }
        return found.count == 2 ? (found[0], found[1]) : nil
      }())
    let until = try #require(Timestamp(rfc3339: "2998-03-04T05:06:07.800Z"))
    #expect(stage.kind.setNativeExpiry(plain, until: until) == .done)
    #expect(stage.kind.setNativeExpiry(limited, until: until) == .done)
    let option = "expiry-time=\"29980304050607Z\""
    #expect(stage.content() == "\(option) \(one) x\n\(two)\n  \(option),restrict \(one)\n")
    #expect(stage.look() == EntryDifference())
    #expect(stage.kind.setNativeExpiry(plain, until: until) == .alreadyDone)
    let past = Timestamp(microseconds: 0)
    #expect(stage.kind.setNativeExpiry(limited, until: past) == .done)
    #expect(stage.look().lost.map(\.key) == [limited.key])
    #expect(stage.kind.setNativeExpiry(limited, until: nil) == .done)
    #expect(stage.kind.setNativeExpiry(plain, until: nil) == .done)
    #expect(stage.content() == "\(one) x\n\(two)\n  restrict \(one)\n")
    #expect(stage.kind.setNativeExpiry(plain, until: nil) == .alreadyDone)
  }

  @Test(arguments: [
    ("20200101", false), ("20200101Z", false), ("202001010203", false),
    ("20200101020304Z", false), ("20200101020304utc", false), ("29990101", true),
    ("299901010203", true), ("29990101020304Z", true),
  ])
  func keysWhoseEndHasPassedLetNobodyIn(_ end: String, _ isEntry: Bool) {
    let stage = KeyStage()
    stage.write("expiry-time=\"\(end)\",expiry-time=\"29990101Z\" \(one)\n")
    stage.look()
    #expect(stage.state.count == (isEntry ? 1 : 0))
  }

  /// What is no key, and what is one all the same.
  @Test func hostileLinesDoNotTrap() {
    let stage = KeyStage()
    let key = Array(one.utf8)
    let refused: [[UInt8]] = [
      Array("\(one.dropLast(3))\n".utf8), Array("ssh-ed25519 !!!!\n".utf8),
      Array("ssh-ed25519\n".utf8), Array("ssh-ed25519 AAAA\n".utf8), Array("ssh-rsa\(one)\n".utf8),
      Array("command=\"open \(one)\n".utf8), Array("from= \(one)\n".utf8),
      Array(",restrict \(one)\n".utf8), Array("restrict, \(one)\n".utf8),
      [0] + key + [0x0a], Array("restrict\0 \(one)\n".utf8), Array("#".utf8) + key + [0x0a],
      [0x0c] + key + [0x0a], [UInt8](repeating: 0xff, count: 5000) + [0x0a], [0x0d, 0x0a],
      Array("ssh-ed25519 \(String(repeating: "A", count: 200_000))\n".utf8),
      Array((String(repeating: "\"", count: 99_999) + " \(one)\n").utf8),
    ]
    stage.write(refused.flatMap { $0 })
    stage.look()
    #expect(stage.state == EntryState())
    let long = "command=\"\(String(repeating: "\u{e9}", count: 50_000))\""
    let taken: [[UInt8]] = [
      key + [0, 0xff, 0x0a], [0x09] + Array("restrict  ".utf8) + key + [0x0d, 0x0a],
      Array("\(long) ".utf8) + key + [0x0a], Array("command=\"\u{1b}[2J\" ".utf8) + key,
    ]
    stage.write(taken.flatMap { $0 })
    stage.look()
    #expect(stage.state.count == 4)
    for entry in stage.state.entries.values {
      #expect(entry.value.utf8.count <= 4096)
      #expect(!entry.value.utf8.contains { $0 < 0x20 } && entry.detail.utf8.count <= 64 << 10)
    }
    for entry in stage.state.sorted { #expect(stage.revoke(EntryGain(entry)) == .done) }
    #expect(stage.content() == "")
  }

  /// ssh-keygen reads a line that sshd reads otherwise: that must not keep the other one in place.
  @Test func aLineThatSSHKeygenRefusesShieldsNone() throws {
    let stage = KeyStage()
    let long = "command=\"\(String(repeating: "x", count: 100_000))\""
    stage.write("\(one)\n\(long) \(one)\n\(two)\n")
    stage.look()
    let entry = try #require(
      stage.state.sorted.first { $0.subject == KeyStage.subject(1) && $0.value == "login" })
    #expect(stage.revoke(EntryGain(entry)) == .done)
    #expect(stage.content() == "\(long) \(one)\n\(two)\n")
  }

  @Test func aFileBeyondItsLimitKeepsWhatWasKnown() throws {
    let stage = KeyStage()
    stage.write("\(one)\n")
    stage.look()
    let entry = try #require(stage.state.sorted.first)
    let padding = String(repeating: "#" + String(repeating: "x", count: 1023) + "\n", count: 1100)
    stage.write(padding + "\(one)\n")
    let difference = stage.look()
    #expect(difference.lost.isEmpty)
    #expect(difference.gained.map(\.entry.value) == ["keys in a file of more than 1 MiB"])
    #expect(stage.state.problems.count == 1)
    #expect(stage.revoke(EntryGain(entry)) == .done)
    #expect(stage.content() == padding)
  }

  @Test func mutatedFilesNeverTrap() {
    let stage = KeyStage()
    let whole = Array("from=\"a,!b\",command=\"x \\\"y\\\"\" \(one) c\nrestrict \(two)\n".utf8)
    var random: UInt64 = 0x9e37_79b9_7f4a_7c15
    func next(_ below: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % below
    }
    for _ in 0..<100 {
      var bytes = whole
      for _ in 0...next(4) {
        bytes[next(bytes.count)] = [0, 9, 10, 13, 32, 34, 44, 61, 92, 255, 65][next(11)]
      }
      stage.write(bytes)
      stage.look()
      for entry in stage.state.sorted { #expect(stage.revoke(EntryGain(entry)) == .done) }
      stage.look()
      #expect(stage.state.count == 0)
    }
  }

  @Test func aLinkOutOfTheHomeIsNeverWrittenThrough() throws {
    let stage = KeyStage(["bob", "carol"])
    let carols = "home/carol/\(KeyStage.keys)"
    stage.write("\(one)\n", carols)
    stage.look()
    stage.scratch.symlink("/home/carol/\(KeyStage.keys)", "home/bob/\(KeyStage.keys)")
    let gain = try #require(stage.look().gained.first)
    #expect(gain.entry.object == "account:bob")
    guard case .failed(let reason) = stage.revoke(gain) else {
      Issue.record("not refused")
      return
    }
    #expect(reason.contains("home/bob"))
    #expect(stage.content(carols) == "\(one)\n")
  }

  @Test func aLinkWithinTheHomeIsEditedWhereItLeads() throws {
    let stage = KeyStage()
    stage.look()
    stage.scratch.remove("home/bob/.ssh")
    stage.scratch.folder("home/bob/dotfiles")
    stage.scratch.symlink("dotfiles", "home/bob/.ssh")
    stage.write("\(two)\n\(one)\n", "home/bob/dotfiles/authorized_keys")
    let gain = try #require(stage.look().gained.first { $0.entry.subject == KeyStage.subject(1) })
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content("home/bob/dotfiles/authorized_keys") == "\(two)\n")
  }

  @Test func aHomeMayBeReachedThroughLinks() throws {
    let stage = KeyStage()
    stage.look()
    stage.scratch.folder("data")
    stage.scratch.rename("home", "data/home")
    stage.scratch.symlink("/data/home", "home")
    stage.write("\(one)\n", "data/home/bob/\(KeyStage.keys)")
    let gain = try #require(stage.look().gained.first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content("data/home/bob/\(KeyStage.keys)") == "")
    #expect(stage.kind.restore(gain) == .done)
  }

  @Test func aPipeInItsPlaceBlocksNobody() throws {
    let stage = KeyStage()
    stage.look()
    stage.write("\(one)\n")
    let gain = try #require(stage.look().gained.first)
    stage.scratch.remove("home/bob/\(KeyStage.keys)")
    Scratch.call(stage.scratch.bytes("home/bob/\(KeyStage.keys)")) { mkfifo($0, 0o600) }
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.look().lost == [gain.entry])
    #expect(stage.state.problems.isEmpty)
  }

  @Test func restoreMakesFolderAndFileAgain() throws {
    let stage = KeyStage()
    stage.look()
    stage.write("\(one) bob\n")
    let gain = try #require(stage.look().gained.first)
    #expect(stage.revoke(gain) == .done)
    Scratch.run("/bin/rm", ["-r", "\(stage.scratch.path)/home/bob/.ssh"])
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content() == "\(one) bob\n")
    #expect(stage.scratch.mode("home/bob/\(KeyStage.keys)") == 0o600)
    #expect(stage.scratch.mode("home/bob/.ssh") == 0o700)
  }

  @Test func watchedIsWhatExistsOrCould() {
    let stage = KeyStage(["bob", "carol"])
    stage.look()
    let watched = stage.kind.watchedPaths()
    for name in [
      "etc/passwd", "etc/ssh/sshd_config", "etc/ssh/sshd_config.d", "home/bob/\(KeyStage.keys)",
      "home/carol/.ssh/authorized_keys2",
    ] {
      #expect(watched.contains(stage.scratch.bytes(name)))
    }
  }

  @Test func waysInAreKeysThatGiveAShell() {
    let stage = KeyStage(["bob", "carol", "dave"])
    stage.write("\(one)\n")
    stage.write("command=\"x\" \(one)\n", "home/carol/\(KeyStage.keys)")
    stage.look()
    #expect(
      stage.kind.accountsWithUsableKey(in: stage.state) == (getuid() == 0 ? ["bob"] : ["bob"]))
    #expect(
      stage.kind.rootAccountsWithUsableKey(in: stage.state) == (getuid() == 0 ? ["bob"] : []))
  }
}
