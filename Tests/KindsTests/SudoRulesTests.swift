import ByteText
import Glibc
import Kinds
import Scratch
import Testing

/// What is a gain, and what it replaces, by the texts of sudoers before and after.
@Suite(.enabled(if: access("/usr/bin/cvtsudoers", X_OK) == 0 && geteuid() == 0, "needs sudo"))
struct SudoRulesTests {
  @Test(
    "Only what widens is a gain",
    arguments: [
      // before, after, values gained
      ("", "bob ALL=ALL", ["bob ALL=ALL"]),
      ("bob ALL=ALL", "bob ALL=NOPASSWD: ALL", ["bob ALL=NOPASSWD: ALL < bob ALL=ALL"]),
      ("bob ALL=NOPASSWD: ALL", "bob ALL=ALL", []),
      ("bob ALL=ALL", "bob ALL=/bin/id, /bin/ls -l", []),
      ("bob ALL=/bin/ls", "bob ALL=/bin/ls -l", []),
      ("bob ALL=/bin/ls -l", "bob ALL=/bin/ls", ["bob ALL=/bin/ls < bob ALL=/bin/ls -l"]),
      ("bob ALL=(ALL) ALL", "bob ALL=(alice) ALL", []),
      ("bob ALL=(alice) ALL", "bob ALL=ALL", ["bob ALL=ALL < bob ALL=(alice) ALL"]),
      ("bob ALL=(ALL) ALL", "bob ALL=(ALL:ALL) ALL", ["bob ALL=(ALL:ALL) ALL < bob ALL=(ALL) ALL"]),
      ("bob ALL=(ALL:ALL) ALL", "bob ALL=ALL", []),
      ("bob ALL=ALL", "bob web1=ALL", []),
      ("bob web1=ALL", "bob ALL=ALL", ["bob ALL=ALL < bob web1=ALL"]),
      ("bob ALL, !web1=ALL", "bob ALL=ALL", ["bob ALL=ALL < bob ALL, !web1=ALL"]),
      ("bob ALL=ALL, !/bin/sh", "bob ALL=ALL", ["bob ALL=ALL < bob ALL=ALL, !/bin/sh"]),
      ("bob ALL=ALL", "bob ALL=ALL, !/bin/sh", []),
      (
        "bob ALL=ALL, !/bin/sh", "bob ALL=!/bin/sh, ALL",
        ["bob ALL=!/bin/sh, ALL < bob ALL=ALL, !/bin/sh"]
      ),
      ("ALL, !bob ALL=ALL", "ALL ALL=ALL", ["ALL ALL=ALL < ALL, !bob ALL=ALL"]),
      ("ALL ALL=ALL", "ALL, !bob ALL=ALL", []),
      ("bob ALL=NOEXEC: /bin/a", "bob ALL=/bin/a", ["bob ALL=/bin/a < bob ALL=NOEXEC: /bin/a"]),
      ("bob ALL=/bin/a", "bob ALL=NOEXEC: /bin/a", []),
      ("bob ALL=/bin/a", "bob ALL=SETENV: /bin/a", ["bob ALL=SETENV: /bin/a < bob ALL=/bin/a"]),
      ("bob ALL=PASSWD: /bin/a", "bob ALL=/bin/a", ["bob ALL=/bin/a < bob ALL=PASSWD: /bin/a"]),
      ("bob ALL=/bin/a", "bob ALL=CWD=* /bin/a", ["bob ALL=CWD=* /bin/a < bob ALL=/bin/a"]),
      ("bob ALL=/bin/a", "bob ALL=TIMEOUT=5 /bin/a", []),
      ("bob ALL=/bin/a", "bob ALL=NOTAFTER=29990101000000Z /bin/a", []),
      ("bob ALL=/bin/a", "alice ALL=/bin/a", ["alice ALL=/bin/a"]),
      ("bob ALL=ALL", "#1001 ALL=ALL", ["#1001 ALL=ALL < bob ALL=ALL"]),
      ("bob ALL=/a\nbob ALL=ALL", "bob ALL=NOPASSWD: ALL", ["bob ALL=NOPASSWD: ALL < bob ALL=ALL"]),
      ("Defaults !authenticate", "Defaults:bob !authenticate", ["Defaults:bob !authenticate"]),
      ("", "Defaults !authenticate", ["Defaults !authenticate"]),
    ])
  func gains(_ before: String, _ after: String, _ expected: [String]) throws {
    let stage = SudoersStage()
    stage.put(before + "\n")
    try stage.look()
    stage.put(after + "\n")
    let gained = try stage.look().map { gain in
      gain.entry.value + (gain.former.map { " < " + $0.value } ?? "")
    }
    #expect(gained == expected)
  }

  @Test("A rule that moves to another file is no gain, and one that stands twice is")
  func moved() throws {
    let stage = SudoersStage()
    stage.put("bob ALL=ALL\n")
    try stage.look()
    stage.scratch.rename("etc/sudoers.d/x", "etc/sudoers.d/y")
    #expect(try stage.look().isEmpty)
    stage.put("bob ALL=ALL\n")
    #expect(try stage.look().map(\.entry.object) == ["sudoers:/etc/sudoers.d/x"])
  }

  @Test("A plan is one line")
  func plan() throws {
    let stage = SudoersStage()
    stage.put("bob ALL=ALL\n")
    try stage.look()
    stage.put("bob ALL=NOPASSWD: ALL\n")
    let gain = try #require(try stage.look().first)
    #expect(
      stage.kind.plan(gain)
        == "put 'bob ALL=ALL' in the place of 'bob ALL=NOPASSWD: ALL' in /etc/sudoers.d/x, "
        + "checked by visudo -c")
    #expect(
      stage.kind.plan(EntryGain(gain.entry))
        == "take 'bob ALL=NOPASSWD: ALL' out of /etc/sudoers.d/x, checked by visudo -c")
  }
}
