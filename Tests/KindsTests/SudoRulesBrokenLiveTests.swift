import ByteText
import Glibc
import Kinds
import LinuxKit
import Scratch
import Testing

/// Rules in files that visudo refuses, which sudo goes on to honour: a broken line shelters none.
@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct SudoRulesBrokenLiveTests {
  @Test(
    "A rule beside a broken line is taken out, and every other byte kept",
    arguments: [
      // before, after, what is left
      ("", "bob ALL=NOPASSWD: ALL\n@@\n", "@@\n"),
      ("", "@@\n# why\n\nbob ALL=NOPASSWD: ALL", "@@\n# why\n\n"),
      ("", "Defaults nosuch\nbob ALL=ALL\n", "Defaults nosuch\n"),
      ("", "Defaults nosuch, !authenticate\n", "Defaults nosuch\n"),
      ("", "eve ALL=/bin/e : web1=\n@@\n", "@@\n"),
      ("", "bob ALL=/bin/a\\\n : web1=((\n\\\n", "\\\n"),
      ("bob ALL=((\n", "bob ALL=((\n\tbob ALL = \\\n  ALL\r\n", "bob ALL=((\n"),
      (
        "alice ALL=/bin/a\n", "alice, bob ALL=/bin/a # why\n  bob ALL=((\n# c\n",
        "alice ALL=/bin/a\n  bob ALL=((\n# c\n"
      ),
      ("bob ALL=ALL\n", "bob ALL=NOPASSWD: ALL\n((\n", "bob ALL=ALL\n((\n"),
      ("User_Alias A = alice\nA ALL=/x\n((", "User_Alias A = alice, bob\nA ALL=/x\n((", nil),
      ("alice ALL=/x : a=((\n", "alice ALL=/x : a=((\nbob ALL=ALL\n", "alice ALL=/x : a=((\n"),
      (
        "", "alice ALL=/x : (( \\\nbob ALL=ALL\n\"\n",
        "\"\n"
      ),
    ] as [(String, String, String?)])
  func undone(_ before: String, _ after: String, _ left: String?) throws {
    let stage = SudoersStage()
    stage.put(before)
    try stage.look()
    stage.put(after)
    let gained = try stage.look()
    #expect(!gained.isEmpty)
    for gain in gained {
      #expect(stage.revoke(gain) == .done, "\(gain)")
      #expect(stage.revoke(gain) == .alreadyDone)
    }
    let kept = left ?? after.replacing("A ALL=/x", with: "alice ALL=/x")
    #expect(stage.content() == kept)
    #expect(stage.scratch.mode("etc/sudoers.d/x") == 0o440)
    #expect(stage.content("quarantine/g-1/sudoers-x") == after)
    // It is gone for the next look too, and news when it comes again.
    #expect(try stage.look().isEmpty)
    #expect(gained.allSatisfy { !stage.state.contains($0.entry.key) })
    stage.put(after)
    #expect(try stage.look().map(\.entry) == gained.map(\.entry))
  }

  @Test("A file that is broken by what is left of it stays; one of blanks goes")
  func nothingLeft() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob ALL=/x : a=((\n\n")
    let gain = try #require(try stage.look().first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == nil)
  }

  @Test("A rule that was gone before the agent came is not put back with a broken file's other")
  func goneBefore() throws {
    let stage = SudoersStage()
    stage.put("bob ALL=ALL\n")
    try stage.look()
    stage.put("((\n")
    #expect(try stage.look().isEmpty)
    stage.put("((\nbob ALL=NOPASSWD: ALL\n")
    let gain = try #require(try stage.look().first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == "((\n")
  }

  @Test("Options that sudo does not know hide no rule and no alias")
  func unknownOptions() throws {
    let stage = SudoersStage()
    stage.put("Defaults nosuch\nUser_Alias A = bob\nA ALL=ALL\n")
    #expect(try stage.rules() == ["user:bob bob ALL=ALL"])
    #expect(try stage.kind.read(previous: nil).problems.isEmpty)
  }

  @Test("A file that visudo refuses gets no rule and no end")
  func onlyTakenOut() throws {
    let stage = SudoersStage()
    for broken in ["Defaults nosuch\n", "((\n"] {
      stage.put(broken)
      try stage.look()
      stage.put(broken + "bob ALL=ALL\n")
      let gain = try #require(try stage.look().first)
      let end = Timestamp(microseconds: SystemClock.wall())
      guard case .failed(let words) = stage.kind.setNativeExpiry(gain.entry, until: end) else {
        Issue.record("written without visudo's consent")
        return
      }
      #expect(words.contains("visudo: "))
      #expect(stage.revoke(gain) == .done)
      guard case .failed = stage.kind.restore(gain) else {
        Issue.record("put back without visudo's consent")
        return
      }
      #expect(stage.content() == broken)
      try stage.look()
    }
  }

  @Test("Neither thousands of broken lines nor a list without end shelters a rule")
  func rubbish() throws {
    let stage = SudoersStage()
    try stage.look()
    let broken = (0..<5000).map { "u\($0) ALL=((:x:y\n" }.joined()
    stage.put(broken + "bob ALL=NOPASSWD: ALL\n")
    var gain = try #require(try stage.look().first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == broken)
    try stage.look()
    let names = (0..<100).map { "n\($0)" }.joined(separator: ", ")
    let long =
      "User_Alias N = \(names)\nUser_Alias M = \(Array(repeating: "N", count: 50).joined(separator: ","))\n"
      + "M ALL=/bin/a\n"
    stage.put(long + "bob ALL=ALL\n")
    gain = try #require(try stage.look().first { $0.entry.subject == "user:bob" })
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == long)
  }

  @Test("A rule of the main file is gone though a drop-in is broken")
  func main() throws {
    let stage = SudoersStage()
    let main = try #require(stage.content("etc/sudoers"))
    stage.put("((\n")
    try stage.look()
    stage.write("etc/sudoers", main + "bob ALL=ALL\n")
    let gain = try #require(try stage.look().first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.content("etc/sudoers") == main)
    stage.write("etc/sudoers", "((\n" + main + "bob ALL=ALL\n")
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content("etc/sudoers") == "((\n" + main)
  }

  @Test("A broken file swapped for a link or a FIFO is left alone")
  func swapped() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob ALL=ALL\n((\n")
    let gain = try #require(try stage.look().first)
    stage.scratch.rename("etc/sudoers.d/x", "etc/kept")
    stage.scratch.symlink(stage.scratch.path + "/etc/kept", "etc/sudoers.d/x")
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("a link was followed")
      return
    }
    #expect(stage.content("etc/kept") == "bob ALL=ALL\n((\n")
    stage.scratch.remove("etc/sudoers.d/x")
    Scratch.run("/usr/bin/mkfifo", [stage.scratch.path + "/etc/sudoers.d/x"])
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("a FIFO was opened")
      return
    }
  }

  @Test(
    "sudo itself honours the rule before and not after",
    arguments: [
      "USER ALL=(ALL) NOPASSWD: ALL\n@@\n", "((\nUSER ALL=(ALL) NOPASSWD: ALL\n",
      "Defaults nosuch\nUSER ALL=(ALL) NOPASSWD: ALL\n",
      "USER ALL=(ALL) NOPASSWD: ALL\nbob ALL=\"\n",
      "USER ALL=(ALL) ALL\nDefaults nosuch, !authenticate\n",
      "User_Alias GWT = USER : Y = ((\nGWT ALL=(ALL) NOPASSWD: ALL\n",
    ])
  func sudo(_ text: String) throws {
    let user = "gw-sudo-broken"
    Scratch.run("/usr/sbin/useradd", ["-M", "-s", "/bin/sh", user])
    let file = "/etc/sudoers.d/zz-\(user)"
    defer {
      unlink(file)
      Scratch.run("/usr/sbin/userdel", [user])
    }
    func allowed() -> Bool {
      Scratch.run("/usr/sbin/runuser", ["-u", user, "--", "sudo", "-n", "/bin/true"]) == 0
    }
    let kind = SudoRules(root: [])
    let before = try kind.read(previous: nil)
    #expect(!allowed())
    Scratch().file(Array(file.utf8), 0o440, text: text.replacing("USER", with: user))
    #expect(allowed())
    let gained = kind.difference(before, try kind.read(previous: before)).gained
    #expect(!gained.isEmpty)
    let scratch = Scratch()
    for gain in gained {
      let quarantine = Quarantine(directory: scratch.path + "/q", grant: "g-1")
      #expect(kind.revoke(gain, quarantine: quarantine) == .done)
    }
    #expect(!allowed())
  }
}
