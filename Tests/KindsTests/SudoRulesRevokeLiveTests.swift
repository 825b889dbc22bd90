import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing

/// Taking rules out and putting them back, with the real cvtsudoers, visudo and sudo.
@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct SudoRulesRevokeLiveTests {
  @Test(
    "A gained rule is taken out, its former one put back, and every other byte kept",
    arguments: [
      // before, after, what is left
      ("# ours\n", "# ours\nbob ALL=(ALL:ALL) NOPASSWD: ALL\n", "# ours\n"),
      ("bob ALL=(ALL) ALL\n", "bob ALL=(ALL) NOPASSWD: ALL\n", "bob ALL=(ALL) ALL\n"),
      (
        "a ALL=/x\n\n  # note\nbob\tALL = ALL", "a ALL=/x\n\n  # note\nbob\tALL = NOPASSWD:ALL",
        "a ALL=/x\n\n  # note\nbob ALL=ALL"
      ),
      (
        "alice, carol ALL=/bin/a # why\n", "alice, bob, carol ALL=/bin/a # why\n",
        "alice ALL=/bin/a\ncarol ALL=/bin/a\n"
      ),
      (
        "User_Alias A = alice\nA ALL=/bin/a\nA ALL=(eve) /bin/b\n",
        "User_Alias A = alice, \\\n  bob\nA ALL=/bin/a\nA ALL=(eve) /bin/b\n",
        "User_Alias A = alice, \\\n  bob\nalice ALL=/bin/a\nalice ALL=(eve) /bin/b\n"
      ),
      (
        "Cmnd_Alias C = /bin/a\nbob ALL=C\n", "Cmnd_Alias C = /bin/a, /bin/sh\nbob ALL=C\n",
        "Cmnd_Alias C = /bin/a, /bin/sh\nbob ALL=/bin/a\n"
      ),
      (
        "bob ALL=/bin/a\n", "bob ALL=/bin/a : web1=\\\n  NOPASSWD: ALL\n",
        "bob ALL=/bin/a\n"
      ),
      (
        "bob ALL=ALL, !/bin/sh\n", "bob ALL=ALL\n", "bob ALL=ALL, !/bin/sh\n"
      ),
      (
        "alice ALL=NOTAFTER=29990101000000Z /bin/a\n",
        "alice, bob ALL=NOTAFTER=29990101000000Z /bin/a\n",
        "alice ALL=NOTAFTER=29990101000000Z /bin/a\n"
      ),
      (
        "Defaults env_keep += \"A B\", lecture\n",
        "Defaults env_keep += \"A B\", !authenticate, lecture\n",
        "Defaults env_keep += \"A B\", lecture\n"
      ),
      (
        "Defaults:alice !authenticate\n", "Defaults:alice,bob !authenticate\n",
        "Defaults:alice !authenticate\n"
      ),
      ("#1000 ALL=/x\n", "#1000 ALL=/x\n#1001 ALL=ALL\n", "#1000 ALL=/x\n"),
      (
        "bob ALL=/x\n", "bob ALL=/x\nbob ALL=ALL\n%wheel ALL=/x, NOPASSWD: ALL\nbob ALL=ALL\n",
        "bob ALL=/x\n"
      ),
    ])
  func undone(_ before: String, _ after: String, _ left: String) throws {
    let stage = SudoersStage()
    stage.put(before)
    try stage.look()
    stage.put(after)
    Scratch.run("/usr/sbin/setcap", ["-q", "cap_kill+ep", path(stage)])
    let gained = try stage.look()
    #expect(!gained.isEmpty)
    for gain in gained {
      #expect(stage.revoke(gain) == .done, "\(gain)")
      #expect(stage.revoke(gain) == .alreadyDone)
    }
    #expect(stage.content() == left)
    #expect(stage.scratch.mode("etc/sudoers.d/x") == 0o440)
    // An extended attribute that is easily seen.
    #expect(Scratch.run("/usr/sbin/setcap", ["-q", "-v", "cap_kill+ep", path(stage)]) == 0)
    #expect(stage.content("quarantine/g-1/sudoers-x") == after)
  }

  private func path(_ stage: SudoersStage) -> String { stage.scratch.path + "/etc/sudoers.d/x" }

  @Test("A file that holds nothing else goes, one with a comment stays, and both can come back")
  func emptied() throws {
    let stage = SudoersStage()
    try stage.look()
    for (text, left) in [
      ("bob ALL=ALL\n\n", nil), ("# by an agent\nbob ALL=ALL\n", "# by an agent\n"),
    ] {
      stage.put(text)
      let gain = try #require(try stage.look().first)
      #expect(stage.revoke(gain) == .done)
      #expect(stage.content() == left)
      #expect(stage.kind.restore(gain) == .done)
      #expect(stage.content() == (left ?? "") + "bob ALL=ALL\n")
      #expect(stage.scratch.mode("etc/sudoers.d/x") == 0o440)
      #expect(stage.kind.restore(gain) == .alreadyDone)
      #expect(stage.revoke(gain) == .done)
      try stage.look()
    }
  }

  @Test("A rule comes back in the place of the one before it")
  func restored() throws {
    let stage = SudoersStage()
    stage.put("bob ALL=ALL\n# end\n")
    try stage.look()
    stage.put("bob ALL=NOPASSWD: ALL\n# end\n")
    let gain = try #require(try stage.look().first)
    #expect(gain.former?.value == "bob ALL=ALL")
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == "bob ALL=ALL\n# end\n")
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content() == "bob ALL=NOPASSWD: ALL\n# end\n")
  }

  @Test("A native end is written, changed and taken away, and makes no other rule")
  func nativeExpiry() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob, alice ALL=(ALL) NOPASSWD: ALL\n")
    let gain = try #require(try stage.look().last)
    let end = try #require(Timestamp(rfc3339: "2999-11-26T12:00:00Z"))
    #expect(stage.kind.setNativeExpiry(gain.entry, until: end) == .done)
    #expect(
      stage.content()
        == "bob ALL=(ALL) NOTAFTER=29991126120000Z NOPASSWD: ALL\nalice ALL=(ALL) NOPASSWD: ALL\n")
    #expect(try stage.look().isEmpty)
    #expect(stage.kind.setNativeExpiry(gain.entry, until: end) == .alreadyDone)
    #expect(stage.kind.setNativeExpiry(gain.entry, until: nil) == .done)
    #expect(stage.content()?.contains("NOTAFTER") == false)
    let past = try #require(Timestamp(rfc3339: "2020-01-01T00:00:00Z"))
    #expect(stage.kind.setNativeExpiry(gain.entry, until: past) == .done)
    #expect(try stage.look().isEmpty)
    #expect(!stage.state.contains(gain.entry.key))
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == "alice ALL=(ALL) NOPASSWD: ALL\n")
    #expect(stage.kind.setNativeExpiry(gain.entry, until: end) == .alreadyDone)
    stage.put("Defaults !authenticate\n")
    let loosening = try #require(try stage.look().first)
    #expect(stage.kind.setNativeExpiry(loosening.entry, until: end) == .unsupported)
  }

  @Test("While visudo has the file, nothing is done; afterwards it is")
  func locked() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob ALL=ALL\n")
    let gain = try #require(try stage.look().first)
    // An editor that says it has begun, and waits to be told to end.
    stage.scratch.file(
      "editor", 0o755,
      text: "#!/bin/sh\ntouch \(stage.scratch.path)/begun\n"
        + "while [ ! -e \(stage.scratch.path)/end ]; do sleep 0.05; done\n")
    let visudo = Scratch.start(
      "/usr/bin/env", ["EDITOR=\(stage.scratch.path)/editor", "visudo", "-f", path(stage)])
    while stage.content("begun") == nil { SystemClock.pause(milliseconds: 10) }
    #expect(
      stage.revoke(gain)
        == .failed("lock: /etc/sudoers.d/x: visudo or another editor has it"))
    #expect(stage.content() == "bob ALL=ALL\n")
    stage.scratch.file("end")
    #expect(Scratch.wait(visudo) == 0)
    #expect(stage.revoke(gain) == .done)
  }

  @Test("A file swapped for a link or a FIFO is left alone, and so is what it leads to")
  func swapped() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob ALL=ALL\n")
    let gain = try #require(try stage.look().first)
    stage.scratch.rename("etc/sudoers.d/x", "etc/kept")
    stage.scratch.symlink(stage.scratch.path + "/etc/kept", "etc/sudoers.d/x")
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("a link was followed")
      return
    }
    #expect(stage.content("etc/kept") == "bob ALL=ALL\n")
    stage.scratch.remove("etc/sudoers.d/x")
    Scratch.run("/usr/bin/mkfifo", [path(stage)])
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("a FIFO was opened")
      return
    }
    stage.scratch.remove("etc/sudoers.d/x")
    #expect(stage.revoke(gain) == .alreadyDone)
  }

  @Test("A folder swapped for a link is not followed")
  func swappedFolder() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob ALL=ALL\n")
    let gain = try #require(try stage.look().first)
    stage.scratch.rename("etc/sudoers.d", "etc/moved")
    stage.scratch.symlink("moved", "etc/sudoers.d")
    guard case .drifted = stage.revoke(gain) else {
      Issue.record("a link was followed")
      return
    }
    #expect(stage.content("etc/moved/x") == "bob ALL=ALL\n")
    let moved = try #require(try stage.look().isEmpty ? stage.state.sorted.first : nil)
    #expect(moved.object == "sudoers:/etc/moved/x")
    #expect(stage.revoke(EntryGain(moved)) == .done)
  }

  @Test("On a full disk the file stays as it is")
  func fullDisk() throws {
    let stage = SudoersStage()
    try stage.look()
    let folder = stage.scratch.path + "/etc/sudoers.d"
    #expect(Scratch.run("/bin/mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]) == 0)
    defer { Scratch.run("/bin/umount", [folder]) }
    let text = String(repeating: "# filler\n", count: 900) + "bob ALL=ALL\n"
    stage.put(text)
    let gain = try #require(try stage.look().first)
    Scratch.run("/bin/sh", ["-c", "cat /dev/zero > \(folder)/fill.er 2>/dev/null"])
    guard case .failed(let words) = stage.revoke(gain) else {
      Issue.record("done on a full disk")
      return
    }
    #expect(words.contains("No space left"))
    #expect(stage.content() == text)
    stage.scratch.remove("etc/sudoers.d/fill.er")
    #expect(stage.revoke(gain) == .done)
  }

  @Test("A rule that another file's alias gives is found by that alias")
  func aliasElsewhere() throws {
    let stage = SudoersStage()
    stage.write("etc/sudoers.d/a", "User_Alias OPS = alice\n")
    stage.put("OPS ALL=ALL\n")
    try stage.look()
    stage.write("etc/sudoers.d/a", "User_Alias OPS = alice, bob\n")
    let gain = try #require(try stage.look().first)
    #expect(gain.entry.object == "sudoers:/etc/sudoers.d/x")
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == "alice ALL=ALL\n")
  }

  @Test("An escaped blank in a command's path is not written anew")
  func hiddenBlank() throws {
    let stage = SudoersStage()
    try stage.look()
    stage.put("bob, alice ALL=/bin/a\\ b c\n")
    let gain = try #require(try stage.look().first)
    guard case .impossible = stage.revoke(gain) else {
      Issue.record("a line was written that means something else")
      return
    }
    #expect(stage.content() == "bob, alice ALL=/bin/a\\ b c\n")
  }

  @Test("A ticket of a user, or of a member of a group, is told")
  func tickets() throws {
    let stage = SudoersStage()
    for folder in ["run", "run/sudo", "run/sudo/ts"] { stage.scratch.folder(folder) }
    stage.put("bob ALL=ALL\n%wheel ALL=ALL\nALL ALL=/bin/a\n")
    try stage.look()
    func told() -> [String] {
      stage.state.sorted.filter { $0.subject != "user:root" }
        .flatMap { stage.kind.residue(of: $0) }.map(\.text)
    }
    #expect(told().isEmpty)
    stage.scratch.file("run/sudo/ts/bob", 0o600)
    let ticket = "sudo ticket /run/sudo/ts/bob of bob; sudo -K, or its removal, ends it"
    #expect(told() == [ticket, ticket])
  }

  @Test("sudo itself, asked before and after")
  func sudo() throws {
    let user = "gw-sudo-test"
    Scratch.run("/usr/sbin/useradd", ["-M", "-s", "/bin/sh", user])
    let file = "/etc/sudoers.d/zz-\(user)"
    defer {
      unlink(file)
      Scratch.run("/usr/sbin/userdel", [user])
    }
    func allowed(_ command: String) -> Bool {
      let asUser = ["-u", user, "--", "sudo", "-n", command]
      return Scratch.run("/usr/sbin/runuser", asUser) == 0
    }
    let kind = SudoRules(root: [])
    let before = try kind.read(previous: nil)
    #expect(!allowed("/bin/true"))
    Scratch.run(
      "/bin/sh", ["-c", "echo '\(user) ALL=(ALL) NOPASSWD: ALL' > \(file); chmod 440 \(file)"])
    let after = try kind.read(previous: before)
    let gain = try #require(kind.difference(before, after).gained.first)
    #expect(gain.entry.subject == "user:\(user)")
    #expect(allowed("/bin/true"))
    let scratch = Scratch()
    let quarantine = Quarantine(directory: scratch.path + "/q", grant: "g-1")
    let end = Timestamp(microseconds: SystemClock.wall()) + TimeSpan(microseconds: 3_600_000_000)
    #expect(kind.setNativeExpiry(gain.entry, until: end) == .done)
    #expect(allowed("/bin/true"))
    #expect(
      kind.setNativeExpiry(gain.entry, until: end - TimeSpan(microseconds: 7_200_000_000)) == .done)
    #expect(!allowed("/bin/true"))
    #expect(kind.setNativeExpiry(gain.entry, until: nil) == .done)
    #expect(allowed("/bin/true"))
    // A child that outlives its rule.
    let child = Scratch.start(
      "/usr/sbin/runuser", ["-u", user, "--", "sudo", "-n", "/bin/sleep", "600"])
    var residue: [Residue] = []
    while residue.isEmpty {
      SystemClock.pause(milliseconds: 10)
      residue = kind.residue(of: gain.entry).filter { !$0.processes.isEmpty }
    }
    #expect(kind.revoke(gain, quarantine: quarantine) == .done)
    #expect(!allowed("/bin/true"))
    #expect(access(file, F_OK) != 0)
    residue = kind.residue(of: gain.entry).filter { $0.text.contains("(sleep)") }
    #expect(residue.count == 1)
    #expect(residue.first?.text.hasSuffix("(sleep) that \(user) runs by sudo") ?? false)
    for process in residue.flatMap(\.processes) { kill(process.pid, SIGTERM) }
    _ = Scratch.wait(child)
    #expect(kind.restore(gain) == .done)
    #expect(allowed("/bin/true"))
  }
}
