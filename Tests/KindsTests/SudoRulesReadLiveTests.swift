import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing

/// Reading with the real cvtsudoers.
@Suite(.enabled(if: geteuid() == 0, "needs root")) struct SudoRulesReadLiveTests {
  @Test(
    "What each line gives, to whom",
    arguments: [
      (
        "bob ALL=(ALL:ALL) NOPASSWD: ALL",
        ["user:bob|NOPASSWD: ALL|bob ALL=(ALL:ALL) NOPASSWD: ALL"]
      ),
      ("%wheel ALL=ALL", ["group:wheel|ALL|%wheel ALL=ALL"]),
      ("ALL ALL = NOPASSWD : /bin/id", ["everyone|NOPASSWD: /bin/id|ALL ALL=NOPASSWD: /bin/id"]),
      ("#1001 ALL=ALL", ["user:bob|ALL|#1001 ALL=ALL"]),
      ("#4711 ALL=ALL", ["user:#4711|ALL|#4711 ALL=ALL"]),
      ("%#10 ALL=ALL", ["group:wheel|ALL|%#10 ALL=ALL"]),
      ("+net ALL=ALL", ["netgroup:net|ALL|+net ALL=ALL"]),
      (
        "bob, alice web1=(alice) /usr/bin/id -u",
        [
          "user:alice|(alice) /usr/bin/id -u|alice web1=(alice) /usr/bin/id -u",
          "user:bob|(alice) /usr/bin/id -u|bob web1=(alice) /usr/bin/id -u",
        ]
      ),
      (
        "User_Alias A = bob, !carol\nHost_Alias H=web1, 10.0.0.0/8\nRunas_Alias R=root, %adm\n"
          + "Cmnd_Alias C = /bin/a, !/bin/sh\nA, !%ops H=(R:adm) C",
        [
          "user:bob|(root, %adm:adm) /bin/a, !/bin/sh|"
            + "bob, !%ops web1, 10.0.0.0/8=(root, %adm:adm) /bin/a, !/bin/sh"
        ]
      ),
      ("ALL, !bob ALL=ALL", ["everyone|ALL|ALL, !bob ALL=ALL"]),
      ("bob, !bob ALL=ALL", []),
      ("bob ALL=!ALL", []),
      (
        "bob ALL=ALL, NOPASSWD: /bin/a, PASSWD: !/bin/sh",
        [
          "user:bob|ALL, !/bin/sh|bob ALL=ALL, !/bin/sh",
          "user:bob|NOPASSWD: /bin/a, !/bin/sh|bob ALL=NOPASSWD: /bin/a, !/bin/sh",
        ]
      ),
      (
        "bob ALL=CWD=/tmp CHROOT=/x TIMEOUT=5m NOTBEFORE=20200101000000Z NOEXEC: /bin/a",
        ["user:bob|NOEXEC: /bin/a|bob ALL=CHROOT=/x CWD=/tmp TIMEOUT=300 NOEXEC: /bin/a"]
      ),
      ("bob ALL=ROLE=r TYPE=t /bin/a", ["user:bob|/bin/a|bob ALL=ROLE=r TYPE=t /bin/a"]),
      ("bob ALL=(:adm) /bin/a", ["user:bob|(:adm) /bin/a|bob ALL=(:adm) /bin/a"]),
      ("bob ALL=() /bin/a", ["user:bob|() /bin/a|bob ALL=() /bin/a"]),
      (
        #"bob ALL=/bin/a\,b c\,d "", ^/bin/(x|y)$ ^a\,[0-9]+$"#,
        [
          #"user:bob|/bin/a\\,b c\\,d "", ^/bin/(x|y)$ ^a\\,[0-9]+$|"#
            + #"bob ALL=/bin/a\\,b c\\,d "", ^/bin/(x|y)$ ^a\\,[0-9]+$"#
        ]
      ),
      (
        "bob ALL=sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /bin/ls -l",
        [
          "user:bob|sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /bin/ls -l|"
            + "bob ALL=sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== /bin/ls -l"
        ]
      ),
      (#""Domain Users" ALL=ALL"#, [#"user:Domain Users|ALL|"Domain Users" ALL=ALL"#]),
      (#"%domain\ admins ALL=ALL"#, [#"group:domain admins|ALL|"%domain admins" ALL=ALL"#]),
      ("Defaults !authenticate", ["everyone|NOPASSWD (Defaults)|Defaults !authenticate"]),
      (
        "Defaults:bob, %wheel lecture, !authenticate",
        [
          "group:wheel|NOPASSWD (Defaults)|Defaults:%wheel !authenticate",
          "user:bob|NOPASSWD (Defaults)|Defaults:bob !authenticate",
        ]
      ),
      (
        "Defaults!/bin/a !authenticate",
        ["everyone|NOPASSWD (Defaults!/bin/a)|Defaults!/bin/a !authenticate"]
      ),
      (
        "Defaults>root ! authenticate",
        ["everyone|NOPASSWD (Defaults>root)|Defaults>root !authenticate"]
      ),
      (
        "Defaults exempt_group = ops",
        ["group:ops|NOPASSWD (Defaults)|Defaults exempt_group=ops"]
      ),
      ("Defaults authenticate\nDefaults env_reset", []),
      ("bob ALL=NOTAFTER=20200101000000Z ALL", []),
      (
        "bob ALL=NOTAFTER=29991231235959Z NOPASSWD: ALL",
        ["user:bob|NOPASSWD: ALL|bob ALL=NOPASSWD: ALL"]
      ),
      (
        "bob ALL=\\\n  ALL # why \\\nalice ALL=ALL",
        [
          "user:alice|ALL|alice ALL=ALL", "user:bob|ALL|bob ALL=ALL",
        ]
      ),
    ])
  func lines(_ text: String, _ expected: [String]) throws {
    let stage = SudoersStage()
    stage.put(text + "\n")
    let state = try stage.kind.read(previous: nil)
    #expect(state.problems.isEmpty)
    let found = state.sorted.filter { $0.subject != "user:root" }
    #expect(found.map { "\($0.subject)|\($0.right)|\($0.value)" } == expected)
    #expect(found.allSatisfy { $0.object == "sudoers:/etc/sudoers.d/x" })
  }

  @Test("Every rule's own text is read back as the same rule")
  func roundTrip() throws {
    let stage = SudoersStage()
    stage.put(
      #"""
      a\\b, c\"d, "e f", %g\ h, %:nu, "%:x y", %:#3, "+q q" ALL, !web\ 1=(root, "a b", #5, %g:#7, x) ALL
      bob 10.0.0.0/255.0.0.0, +nh, ::1, fe80::/10=INTERCEPT: NOLOG_INPUT: NOMAIL: FOLLOW: SETENV: /x
      bob ALL=sudoedit /etc/motd, list, /bin/dir/, /usr/bin/[a-z]* \*\?a b\\c \=d\:e, !/bin/x ""
      bob ALL=sha224:0GomF8mNN3wlDt1HD9XldjJ3SNgpFdbjO1+NsQ== !/bin/y, /bin/z
      """# + "\n")
    let first = try stage.kind.read(previous: nil)
    #expect(first.problems.isEmpty)
    let values = first.sorted.map(\.value)
    let text = values.compactMap(unescaped).map { String(decoding: $0, as: UTF8.self) }
    stage.put("")
    stage.write("etc/sudoers", text.joined(separator: "\n") + "\n")
    let second = try stage.kind.read(previous: nil)
    #expect(second.problems.isEmpty)
    #expect(second.sorted.map(\.value).sorted() == values.sorted())
    #expect(second.sorted.map(\.subject).sorted() == first.sorted.map(\.subject).sorted())
  }

  @Test("Includes are followed as sudo does, below the root alone")
  func includes() throws {
    let stage = SudoersStage(
      "@include sudoers.local\n#include \"/etc/with blank\"\n#includedir /etc/sudoers.d\n"
        + "@include /etc/host-%h\n@include /etc/missing\n#1001 ALL=/bin/main\n# include x\n")
    let host = HostName.current.prefix { $0 != "." }
    stage.write("etc/sudoers.local", "a ALL=ALL\n@include sudoers.deep\n")
    stage.write("etc/sudoers.deep", "deep ALL=ALL\n@include /etc/sudoers\n")
    stage.write("etc/with blank", "b ALL=ALL\n")
    stage.write("etc/host-\(host)", "c ALL=ALL\n")
    stage.put("d ALL=ALL\n")
    stage.write("etc/sudoers.d/x.bak", "e ALL=ALL\n")
    stage.write("etc/sudoers.d/x~", "f ALL=ALL\n")
    stage.scratch.symlink("/etc/sudoers.target", "etc/sudoers.d/link")
    stage.write("etc/sudoers.target", "g ALL=ALL\n")
    Scratch.run("/usr/bin/mkfifo", [stage.scratch.path + "/etc/sudoers.d/fifo"])
    let state = try stage.kind.read(previous: nil)
    #expect(state.problems.isEmpty)
    let places = state.sorted.map { "\($0.subject) \($0.object.dropFirst(8))" }
    #expect(
      places == [
        "user:a /etc/sudoers.local", "user:b /etc/with blank", "user:bob /etc/sudoers",
        "user:c /etc/host-\(host)", "user:d /etc/sudoers.d/x", "user:deep /etc/sudoers.deep",
        "user:g /etc/sudoers.target",
      ])
    let watched = stage.kind.watchedPaths()
    for name in ["sudoers", "sudoers.d", "missing", "sudoers.d/x", "sudoers.target"] {
      #expect(watched.contains(stage.scratch.bytes("etc/\(name)")))
    }
  }

  @Test("Of a broken file the good lines count, as for sudo, and what was known before")
  func broken() throws {
    let stage = SudoersStage()
    stage.put("bob ALL=ALL\nalice ALL=/bin/a\n")
    try stage.look()
    stage.put(
      "alice ALL=/bin/a\nbob ALL=(((\nmallory ALL=NOPASSWD: ALL\neve ALL=/bin/e : web1=\n@@\n")
    let gained = try stage.look()
    #expect(gained.map(\.entry.subject) == ["user:eve", "user:mallory"])
    #expect(stage.state.sorted.contains { $0.subject == "user:bob" })
    #expect(stage.state.problems.count == 1)
    #expect(stage.state.problems.first?.hasPrefix("read: /etc/sudoers.d/x: stdin:") ?? false)
  }

  @Test("What sudo refuses, and what is gone, is kept as known")
  func unreadable() throws {
    let stage = SudoersStage()
    stage.put("bob ALL=ALL\n")
    try stage.look()
    stage.scratch.chmod("etc/sudoers.d/x", 0o666)
    #expect(try stage.look().isEmpty)
    #expect(stage.state.count == 2)
    #expect(
      stage.state.problems == ["read: /etc/sudoers.d/x: sudo refuses it: not root's alone to write"]
    )
    stage.scratch.remove("etc/sudoers")
    #expect(try stage.look().isEmpty)
    #expect(stage.state.count == 2)
    #expect(stage.state.problems.count == 1)
    let empty = SudoersStage()
    empty.scratch.remove("etc/sudoers")
    #expect(try empty.kind.read(previous: nil) == EntryState())
  }

  @Test("Hostile bytes are told, escaped, or said to be a problem")
  func hostile() throws {
    let stage = SudoersStage()
    var seed: UInt64 = 42
    func random(_ below: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % below
    }
    let sample =
      Array(
        #"bob, %g ALL=(root:x) NOPASSWD: /bin/a\,b "c", !/x # y\"#.utf8) + [0x0a]
    for _ in 0..<60 {
      var bytes = sample + sample
      for _ in 0..<(1 + random(6)) {
        let at = random(bytes.count)
        switch random(3) {
        case 0: bytes[at] = UInt8(random(256))
        case 1: bytes.remove(at: at)
        default: bytes.insert(contentsOf: sample[..<random(sample.count)], at: at)
        }
      }
      try SmallFile.replace(stage.scratch.path + "/etc/sudoers.d/x", with: bytes)
      let state = try stage.kind.read(previous: nil)
      for entry in state.sorted {
        #expect(!(entry.value + entry.right + entry.subject).utf8.contains { $0 < 0x20 })
      }
    }
    stage.scratch.remove("etc/sudoers.d/x")
    try SmallFile.replace(
      stage.scratch.path + "/etc/sudoers.d/x", with: [0xff, 0xc3] + Array(" ALL=ALL\n".utf8))
    #expect(try stage.rules() == [#"user:\xff\xc3 \xff\xc3 ALL=ALL"#])
  }

  @Test("Who may become root by a rule")
  func waysIn() throws {
    let stage = SudoersStage()
    stage.put(
      "bob ALL=(bob) ALL\n%wheel ALL=ALL\neve ALL=(ALL) NOPASSWD: ALL, !/bin/sh\njim ALL=/bin/a\n"
        + "kim ALL=(:adm) ALL\nlea ALL=(ALL, !root) ALL\n")
    let state = try stage.kind.read(previous: nil)
    #expect(SudoRules.subjectsAsRoot(state) == ["group:wheel", "user:eve", "user:root"])
  }

  @Test("Two thousand rules in a hundred files, read twice")
  func many() throws {
    let stage = SudoersStage()
    for file in 0..<100 {
      let rules = (0..<20).map { "u\(file)-\($0) ALL=(ALL) NOPASSWD: /bin/a, /bin/b\n" }
      stage.write("etc/sudoers.d/f\(file)", rules.joined())
    }
    try stage.look()
    #expect(stage.state.count == 2001)
    #expect(try stage.look().isEmpty)
  }

  @Test("A rule behind twenty thousand broken lines is seen all the same")
  func rubbish() throws {
    let stage = SudoersStage()
    stage.put(String(repeating: "bob ALL=((\n", count: 20_000) + "eve ALL=ALL\n")
    let gained = try stage.look()
    #expect(gained.map(\.entry.subject) == ["user:eve", "user:root"])
    #expect(stage.state.problems.count == 1)
  }
}
