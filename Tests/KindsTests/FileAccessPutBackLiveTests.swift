import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Testing

/// What chown, setfacl and setcap gave: taken back, and put back on the very file.
@Suite(.enabled(if: geteuid() == 0, "needs root")) struct FileAccessPutBackLiveTests {
  private func output(_ program: String, _ arguments: String...) -> String {
    String(decoding: Spawn.runAndWait(program, arguments).output, as: UTF8.self)
  }

  private func path(_ stage: Stage, _ name: String) -> String { "\(stage.scratch.path)/t/\(name)" }

  /// Owner, mode, lists and capabilities of a file, or of all below a folder.
  private func all(_ stage: Stage, _ name: String) -> String {
    output("/usr/bin/getfacl", "-RnpP", path(stage, name))
      + output("/usr/sbin/getcap", "-r", path(stage, name))
  }

  private func setfacl(_ stage: Stage, _ arguments: String...) {
    Scratch.run(
      "/usr/bin/setfacl", arguments.dropLast() + [path(stage, arguments.last ?? "")])
  }

  private func chown(_ stage: Stage, _ owner: String, _ name: String) {
    Scratch.run("/bin/chown", [owner, path(stage, name)])
  }

  private func setcap(_ stage: Stage, _ text: String, _ name: String) {
    Scratch.run("/usr/sbin/setcap", ["-q", text, path(stage, name)])
  }

  /// What was observed of one file, to be taken and put back.
  private struct Given {
    let stage: Stage
    let seen: FileObservation
    var gains: [FileGain] { seen.ownGains }

    init?(_ stage: Stage, _ name: String) {
      guard let seen = stage.look(name).first, !seen.ownGains.isEmpty else { return nil }
      self.stage = stage
      self.seen = seen
    }

    func takeBack() {
      for gain in gains {
        _ = stage.modes.restore(
          object: seen.path, identity: seen.identity, gain, keeping: [], dryRun: false)
      }
    }

    /// Puts one of the gains back, beside those of `others`.
    func putBack(_ index: Int = 0, beside others: [FileGain] = [], group: UInt32? = nil)
      -> FileModes.Restored
    {
      stage.modes.putBack(
        object: seen.path, identity: seen.identity, gains[index], keeping: others, group: group)
    }
  }

  /// Takes back and puts back: as given, known, idempotent, and taken back once more.
  private func turnRound(
    _ stage: Stage, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let given = try #require(Given(stage, name), sourceLocation: sourceLocation)
    let after = all(stage, name)
    given.takeBack()
    let before = all(stage, name)
    #expect(before != after, sourceLocation: sourceLocation)
    let result = given.putBack()
    #expect(result.isRestored, "\(result)", sourceLocation: sourceLocation)
    #expect(all(stage, name) == after, sourceLocation: sourceLocation)
    // Our own doing is no news.
    #expect(stage.look(name).isEmpty, sourceLocation: sourceLocation)
    #expect(given.putBack().isAlreadyGone, sourceLocation: sourceLocation)
    given.takeBack()
    #expect(all(stage, name) == before, sourceLocation: sourceLocation)
  }

  @Test("chown, chgrp, setfacl, default lists and setcap: put back to the byte")
  func everyKind() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b", "c", "d", "e"] { scratch.file("t/\(name)", 0o640) }
      for name in ["x", "y", "z"] { scratch.folder("t/\(name)", 0o750) }
      Scratch.run("/usr/bin/setfacl", ["-m", "g:50:rwx,m::rwx", "\(scratch.path)/t/d"])
      Scratch.run("/usr/bin/setfacl", ["-m", "d:g:50:rx", "\(scratch.path)/t/y"])
      Scratch.run("/usr/bin/setfacl", ["-m", "u:1001:-", "\(scratch.path)/t/e"])
      scratch.chmod("t/e", 0o644)
      Scratch.run("/bin/cp", ["/bin/true", "\(scratch.path)/t/run"])
      Scratch.run("/bin/cp", ["/bin/true", "\(scratch.path)/t/net"])
      Scratch.run("/usr/sbin/setcap", ["-q", "cap_net_raw=ep", "\(scratch.path)/t/net"])
    }
    chown(stage, "1001", "a")
    try turnRound(stage, "a")
    chown(stage, ":50", "b")
    try turnRound(stage, "b")
    setfacl(stage, "-m", "u:1001:rw", "c")
    try turnRound(stage, "c")
    setfacl(stage, "-m", "u:1001:rw", "d")
    try turnRound(stage, "d")
    // An entry that had given less than everybody has.
    setfacl(stage, "-x", "u:1001", "e")
    try turnRound(stage, "e")
    setfacl(stage, "-m", "d:u:1001:rwx", "x")
    try turnRound(stage, "x")
    setfacl(stage, "-m", "d:u:1001:rwx", "y")
    try turnRound(stage, "y")
    setfacl(stage, "-m", "u:1001:rwx,d:u:1001:rwx", "z")
    try turnRound(stage, "z")
    setcap(stage, "cap_net_raw,cap_setuid=ep", "run")
    try turnRound(stage, "run")
    setcap(stage, "cap_net_raw,cap_sys_admin=ep", "net")
    try turnRound(stage, "net")
  }

  @Test("What one mask gave to several is put back together, and to none of them alone")
  func mask() throws {
    let stage = try Stage { $0.file("t/f", 0o660) }
    setfacl(stage, "-m", "u:1001:rw,m::r", "f")
    _ = stage.look("f")
    stage.scratch.chmod("t/f", 0o660)
    let given = try #require(Given(stage, "f"))
    let after = all(stage, "f")
    #expect(given.gains.map(\.who) == [.user(1001), .owningGroup])
    given.takeBack()
    let before = all(stage, "f")
    #expect(given.putBack(0).reason?.contains("others as well") == true)
    #expect(given.putBack(1).reason?.contains("others as well") == true)
    #expect(all(stage, "f") == before)
    #expect(given.putBack(0, beside: [given.gains[1]]).isRestored)
    #expect(given.putBack(1, beside: [given.gains[0]]).isAlreadyGone)
    #expect(all(stage, "f") == after)
    given.takeBack()
    #expect(all(stage, "f") == before)
  }

  @Test("Another's entry that came meanwhile stays, and its mask")
  func besideAnother() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    setfacl(stage, "-m", "u:1001:rw", "f")
    let given = try #require(Given(stage, "f"))
    given.takeBack()
    setfacl(stage, "-m", "u:1002:rwx", "f")
    let other = try #require(Given(stage, "f"))
    let between = all(stage, "f")
    #expect(given.putBack(beside: other.gains).isRestored)
    #expect(all(stage, "f").contains("user:1001:rw-\n"))
    _ = stage.modes.restore(
      object: given.seen.path, identity: given.seen.identity, given.gains[0],
      keeping: other.gains, dryRun: false)
    #expect(all(stage, "f") == between)
  }

  @Test(
    "What somebody changed since the revocation is left as it is",
    arguments: [
      (["setfacl -m u:1001:rw $0"], "setfacl -m u:1001:r $0", "access list changed"),
      (["setfacl -m u:1001:rw $0"], "setfacl -m u:1001:- $0", "access list changed"),
      (
        ["setfacl -m u:1001:rw $0"], "chmod g+rwx $0; setfacl -m u:1002:rwx,m::rx $0", "more now"
      ),
      (["chmod o+r $0", "setfacl -m u:1001:rw $0"], "chmod o-r $0", "more now"),
      (["setfacl -m d:u:1001:rwx $0"], "setfacl -m d:u:1001:rx $0", "access list changed"),
      (["chown 1001 $0"], "chown 1002 $0", "its owner is 1002 now, and was 0"),
      (["chgrp 50 $0"], "chgrp 29 $0", "its group is 29 now, and was 0"),
      (["chgrp 50 $0"], "chmod g+w $0", "more now"),
      (["chown 1001 $0"], "chmod u+s $0", "has setuid, setgid or capabilities now"),
      (["chown 1001 $0"], "setcap cap_chown=ep $0", "has setuid, setgid or capabilities now"),
      (["setcap cap_net_raw=ep $0"], "chmod o-x $0", "more now"),
      (
        ["setcap cap_chown=ep $0", "setcap cap_chown,cap_kill=ep $0"], "setcap -r $0",
        "its capabilities changed"
      ),
    ])
  func changed(given steps: [String], then later: String, reason: String) throws {
    let words = steps.joined() + later
    let stage = try Stage { scratch in
      if words.contains("d:u:") {
        scratch.folder("t/f", 0o750)
      } else {
        Scratch.run("/bin/cp", ["/bin/true", "\(scratch.path)/t/f"])
        scratch.chmod("t/f", words.contains("setcap") ? 0o755 : 0o640)
      }
    }
    func run(_ line: String) {
      Scratch.run("/bin/sh", ["-c", "PATH=$PATH:/usr/sbin; \(line)", path(stage, "f")])
    }
    for step in steps.dropLast() {
      run(step)
      _ = stage.look("f")
    }
    run(steps.last ?? "")
    let given = try #require(Given(stage, "f"))
    given.takeBack()
    run(later)
    let left = all(stage, "f")
    let result = given.putBack()
    #expect(result.reason?.contains(reason) == true, "\(result)")
    #expect(all(stage, "f") == left)
  }

  @Test(
    "Another file, a link or a FIFO under the name, and the file under another name: left alone")
  func replaced() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b", "c", "d", "e"] { scratch.file("t/\(name)", 0o640) }
      scratch.file("secret", 0o640)
    }
    var given: [String: Given] = [:]
    for name in ["a", "b", "c", "d", "e"] {
      setfacl(stage, "-m", "u:1001:rw", name)
      let one = try #require(Given(stage, name))
      one.takeBack()
      given[name] = one
    }
    stage.scratch.remove("t/a")
    stage.scratch.file("t/a", 0o640)
    stage.scratch.rename("t/b", "t/hidden")
    stage.scratch.symlink("../secret", "t/b")
    stage.scratch.rename("t/c", "t/moved")
    stage.scratch.remove("t/d")
    Scratch.run("/usr/bin/mkfifo", ["-m", "640", path(stage, "d")])
    stage.scratch.remove("t/e")
    for name in ["a", "b", "c", "d"] {
      #expect(given[name]?.putBack().reason != nil, "\(name)")
    }
    #expect(given["e"]?.putBack() == .alreadyGone(now: nil))
    #expect(!all(stage, "").contains("1001"))
    #expect(!output("/usr/bin/getfacl", "-np", "\(stage.scratch.path)/secret").contains("1001"))
  }

  @Test("The group's bits go to the group that had them only")
  func anotherGroup() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    chown(stage, ":50", "f")
    setfacl(stage, "-m", "u:1001:r", "f")
    _ = stage.look("f")
    setfacl(stage, "-m", "g::rw", "f")
    let given = try #require(Given(stage, "f"))
    let index = try #require(given.gains.firstIndex { $0.who == .owningGroup })
    given.takeBack()
    chown(stage, ":29", "f")
    #expect(given.putBack(index, group: 50).reason == "its group is 29 now, and was 50")
    chown(stage, ":50", "f")
    #expect(given.putBack(index, beside: given.gains, group: 50).isRestored)
  }

  @Test("An immutable file fails, with the kernel's reason")
  func immutable() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    chown(stage, "1001", "f")
    let given = try #require(Given(stage, "f"))
    given.takeBack()
    try #require(Scratch.run("/usr/bin/chattr", ["+i", path(stage, "f")]) == 0)
    defer { Scratch.run("/usr/bin/chattr", ["-i", path(stage, "f")]) }
    #expect(given.putBack().code == EPERM)
  }

  @Test("Modes: neither under another name, nor to another group")
  func modes() throws {
    let stage = try Stage { scratch in
      scratch.file("t/f", 0o600)
      scratch.file("t/g", 0o600)
    }
    let (f, g) = (stage.grant("f", 0o640), stage.grant("g", 0o604))
    _ = stage.restore(f)
    _ = stage.restore(g)
    func putBack(_ seen: FileObservation?, group: UInt32? = nil) throws -> FileModes.Restored {
      let seen = try #require(seen)
      return stage.modes.putBack(
        object: seen.path, identity: seen.identity, before: seen.before, after: seen.after,
        group: group)
    }
    chown(stage, ":29", "f")
    #expect(try putBack(f, group: 0).reason == "its group is 29 now, and was 0")
    #expect(try putBack(f, group: 29) == .restored(now: 0o640))
    stage.scratch.rename("t/g", "t/moved")
    #expect(try putBack(g).reason == "it does not stand under its name any more")
    stage.scratch.file("t/g", 0o600)
    #expect(try putBack(g).reason == "another file stands under its name")
    #expect(stage.mode("moved") == 0o600 && stage.mode("g") == 0o600)
  }
}

extension FileModes.Restored {
  fileprivate var isRestored: Bool { if case .restored = self { true } else { false } }

  fileprivate var isAlreadyGone: Bool { if case .alreadyGone(.some) = self { true } else { false } }

  fileprivate var reason: String? { if case .drifted(let why) = self { why } else { nil } }
}
