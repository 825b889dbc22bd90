import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Sources
import Testing

/// Owners, access lists and capabilities, given with the real tools and taken back from real files.
@Suite(.enabled(if: geteuid() == 0, "needs root")) struct FileAccessLiveTests {
  private func gains(_ seen: [FileObservation]) -> [FileGain] {
    seen.flatMap { $0.gains(beside: $0.replaced) }
  }

  private func setfacl(_ stage: Stage, _ arguments: String...) {
    Scratch.run(
      "/usr/bin/setfacl", arguments.dropLast() + ["\(stage.scratch.path)/t/\(arguments.last ?? "")"]
    )
  }

  private func restore(
    _ stage: Stage, _ seen: FileObservation, _ gain: FileGain, keeping: [FileGain] = [],
    dryRun: Bool = false
  ) -> FileModes.Restored {
    stage.modes.restore(
      object: seen.path, identity: seen.identity, gain, keeping: keeping, dryRun: dryRun)
  }

  /// What a tool prints of a file.
  private func output(_ program: String, _ arguments: String...) -> String {
    String(decoding: Spawn.runAndWait(program, arguments).output, as: UTF8.self)
  }

  private func acl(_ stage: Stage, _ name: String) -> String {
    output("/usr/bin/getfacl", "-cnp", "\(stage.scratch.path)/t/\(name)")
  }

  private let names = AccessNames(user: { "\($0)" }, group: { "\($0)" })

  @Test("setfacl -m: told as getfacl prints it; taken back, list, mask and the mode's group bits")
  func entry() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let before = acl(stage, "f")
    setfacl(stage, "-m", "u:1001:rwx", "f")
    #expect(stage.mode("f") == 0o670)
    let seen = try #require(stage.look("f").first)
    // The mask is no widening of the file's group.
    #expect(seen.gain.isEmpty)
    let gain = try #require(seen.ownGains.first)
    #expect(seen.ownGains.count == 1 && gain.right == "read write execute")
    let access = try #require(seen.access)
    #expect(gain.after(access, names) == "user:1001:rwx,mask::rwx")
    #expect(restore(stage, seen, gain, dryRun: true) == .restored(now: 0o640))
    #expect(stage.mode("f") == 0o670)
    #expect(restore(stage, seen, gain) == .restored(now: 0o640))
    #expect(acl(stage, "f") == before)
    #expect(stage.look("f").isEmpty)
    #expect(restore(stage, seen, gain) == .alreadyGone(now: 0o640))
    // Given again it is news again.
    setfacl(stage, "-m", "u:1001:rwx", "f")
    #expect(stage.look("f").first?.ownGains == [gain])
  }

  @Test("An entry among others: these and their mask stay to the byte")
  func amongOthers() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    setfacl(stage, "-m", "u:1001:rw,g:50:rwx,m::r", "f")
    _ = stage.look("f")
    let before = acl(stage, "f")
    setfacl(stage, "-m", "u:1002:rw", "f")
    let seen = try #require(stage.look("f").first)
    // setfacl has computed the mask anew: all that stand behind it have gained.
    #expect(Set(seen.ownGains.map(\.who)) == [.user(1001), .user(1002), .group(50)])
    for gain in seen.ownGains { _ = restore(stage, seen, gain) }
    #expect(acl(stage, "f") == before)
    #expect(stage.mode("f") == 0o640)
  }

  @Test("chmod g+w on a file with a list is a wider mask, taken back as one")
  func mask() throws {
    let stage = try Stage { $0.file("t/f", 0o660) }
    setfacl(stage, "-m", "u:1001:rw,m::r", "f")
    _ = stage.look("f")
    let before = acl(stage, "f")
    stage.scratch.chmod("t/f", 0o660)
    let seen = try #require(stage.look("f").first)
    #expect(seen.gain.isEmpty)
    #expect(seen.ownGains.map(\.who) == [.user(1001), .owningGroup])
    for gain in seen.ownGains { _ = restore(stage, seen, gain) }
    #expect(acl(stage, "f") == before)
  }

  @Test("A list and others' bits in one go are two kinds, each taken back by itself")
  func both() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let before = acl(stage, "f")
    setfacl(stage, "-m", "u:1001:rw,o::r", "f")
    let seen = try #require(stage.look("f").first)
    #expect(seen.gain.bits == 0o004)
    #expect(stage.restore(seen) == .restored(now: 0o660))
    #expect(acl(stage, "f").contains("user:1001:rw-"))
    _ = restore(stage, seen, try #require(seen.ownGains.first))
    #expect(acl(stage, "f") == before)
  }

  @Test("Others' bits, and the group's of before a list, go without touching the list")
  func modeBesideList() throws {
    let stage = try Stage { $0.file("t/f", 0o600) }
    let grant = try #require(stage.grant("f", 0o664))
    setfacl(stage, "-m", "u:1001:rw", "f")
    _ = stage.look("f")
    _ = stage.restore(grant)
    let left = acl(stage, "f")
    #expect(left.contains("user:1001:rw-") && left.contains("group::---"))
    #expect(left.contains("mask::rw-") && left.contains("other::---"))
  }

  @Test("A folder's default list goes as it came, and -R over a tree is seen file by file")
  func defaultList() throws {
    let stage = try Stage(watching: true) { scratch in
      scratch.folder("t/d", 0o750)
      for index in 0..<20 { scratch.file("t/d/f\(index)", 0o640) }
    }
    let before = output("/usr/bin/getfacl", "-RcnP", stage.scratch.path + "/t")
    setfacl(stage, "-R", "-m", "u:1001:rwX,d:u:1001:rwX", "d")
    let seen = try stage.follow { $0.count >= 21 }
    #expect(seen.count == 21 && gains(seen).count == 21)
    for one in seen { for gain in one.ownGains { _ = restore(stage, one, gain) } }
    #expect(output("/usr/bin/getfacl", "-RcnP", stage.scratch.path + "/t") == before)
  }

  @Test("chown and chgrp: told apart, given back, and no setuid that was set meanwhile outlives it")
  func owner() throws {
    let stage = try Stage { $0.file("t/f", 0o755) }
    let path = "\(stage.scratch.path)/t/f"
    Scratch.run("/bin/chown", ["1001:50", path])
    let seen = try #require(stage.look("f").first)
    #expect(seen.ownGains.map(\.who) == [.user(1001)])
    #expect(seen.ownGains.first?.after(try #require(seen.access), names) == "1001:50")
    #expect(seen.ownGains.first?.before(seen.former, names) == "0:0")
    stage.scratch.chmod("t/f", 0o4750)
    _ = stage.look("f")
    let gain = try #require(seen.ownGains.first)
    #expect(restore(stage, seen, gain) == .restored(now: 0o750))
    #expect(output("/usr/bin/stat", "-c", "%u:%g %a", path) == "0:50 750\n")
    #expect(restore(stage, seen, gain) == .alreadyGone(now: 0o750))
    Scratch.run("/bin/chgrp", ["29", path])
    let grouped = try #require(stage.look("f").first)
    #expect(grouped.ownGains.map(\.right) == ["read execute"])
    Scratch.run("/bin/chown", ["0:0", path])
    #expect(stage.look("f").first?.ownGains == [])
    #expect(
      restore(stage, grouped, try #require(grouped.ownGains.first)) == .alreadyGone(now: 0o750))
  }

  @Test("Capabilities: as getcap prints them, put back to what they were or taken off")
  func capabilities() throws {
    let stage = try Stage { scratch in
      Scratch.run("/bin/cp", ["/bin/true", "\(scratch.path)/t/f"])
      scratch.chmod("t/f", 0o755)
    }
    let path = "\(stage.scratch.path)/t/f"
    for text in [
      "cap_net_raw=ep", "cap_setuid=p", "=ep", "cap_chown=eip", "cap_chown=ip cap_net_raw=i",
      "=eip cap_chown=ep",
    ] {
      Scratch.run("/usr/sbin/setcap", ["-q", text, path])
      let seen = try #require(stage.look("f").first, "\(text)")
      let gain = try #require(seen.ownGains.first)
      let printed = output("/usr/sbin/getcap", path)
      #expect(printed == "\(path) \(gain.after(try #require(seen.access), names) ?? "")\n")
      #expect(restore(stage, seen, gain) == .restored(now: 0o755))
      #expect(output("/usr/sbin/getcap", path) == "")
      #expect(stage.look("f").isEmpty)
    }
    Scratch.run("/usr/sbin/setcap", ["cap_net_raw=ep", path])
    _ = stage.look("f")
    Scratch.run("/usr/sbin/setcap", ["cap_net_raw,cap_sys_admin=ep", path])
    let seen = try #require(stage.look("f").first)
    #expect(seen.ownGains.map(\.right) == ["cap_sys_admin=ep"])
    _ = restore(stage, seen, try #require(seen.ownGains.first))
    #expect(output("/usr/sbin/getcap", path) == "\(path) cap_net_raw=ep\n")
  }

  @Test("Swapped for a link or a FIFO between compare and undo: not followed, not touched")
  func swapped() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    stage.scratch.file("secret", 0o640)
    Scratch.run("/usr/bin/setfacl", ["-m", "u:1001:rw", "\(stage.scratch.path)/secret"])
    setfacl(stage, "-m", "u:1001:rw", "f")
    let seen = try #require(stage.look("f").first)
    let gain = try #require(seen.ownGains.first)
    stage.scratch.rename("t/f", "t/hidden")
    stage.scratch.symlink("../secret", "t/f")
    #expect(restore(stage, seen, gain).isDrifted)
    #expect(stage.mode("hidden") == 0o640)
    #expect(output("/usr/bin/getfacl", "-cnp", "\(stage.scratch.path)/secret").contains("1001:rw"))
    setfacl(stage, "-m", "u:1001:rw", "hidden")
    stage.scratch.remove("t/hidden")
    stage.scratch.remove("t/f")
    Scratch.run("/usr/bin/mkfifo", ["-m", "600", "\(stage.scratch.path)/t/f"])
    setfacl(stage, "-m", "u:1001:rw", "f")
    #expect(restore(stage, seen, gain).isDrifted)
    #expect(acl(stage, "f").contains("user:1001:rw"))
  }

  @Test("Changed by another between compare and undo: the other's change stays")
  func changedMeanwhile() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    setfacl(stage, "-m", "u:1001:rwx", "f")
    let seen = try #require(stage.look("f").first)
    let gain = try #require(seen.ownGains.first)
    setfacl(stage, "-m", "u:1001:rx,g:50:r", "f")
    let other = try #require(stage.look("f").first?.ownGains.first)
    #expect(other.who == .group(50))
    #expect(restore(stage, seen, gain, keeping: [other]) == .restored(now: 0o640))
    let left = acl(stage, "f")
    #expect(!left.contains("user:1001") && left.contains("group:50:r--"))
  }

  @Test("What its maker does to a new file is part of making it; what another does is a grant")
  func makers() throws {
    let stage = try Stage(watching: true)
    let path = stage.scratch.path
    Scratch.run(
      "/usr/bin/install", ["-o", "1001", "-g", "50", "-m", "640", "/dev/null", "\(path)/t/a"])
    Scratch.run("/bin/cp", ["/bin/true", "\(path)/t/b"])
    #expect(try stage.follow { _ in stage.modes.count == 3 }.isEmpty)
    Scratch.run("/bin/chown", ["1001", "\(path)/t/b"])
    let seen = try stage.follow { !gains($0).isEmpty }
    #expect(seen.filter { !$0.ownGains.isEmpty }.map(\.path) == [Array("/t/b".utf8)])
  }

  /// As mkstemp(3) and dpkg(1) do it: closed at first.
  @Test("A new file that its own process opens up is no grant; one in another's place is")
  func madeClosed() throws {
    let stage = try Stage(watching: true) {
      $0.file("t/closed", 0o600, text: "secret\n")
      $0.file("t/mark", 0o640)
    }
    let scratch = stage.scratch
    let mark = Array("/t/mark".utf8)
    var marks = 0
    /// What is seen of an act, once all of it was.
    func seen(_ act: () -> Void) throws -> [FileObservation] {
      act()
      marks += 1
      scratch.chmod("t/mark", marks % 2 == 1 ? 0o660 : 0o640)
      return try stage.follow { $0.contains { $0.path == mark } }.filter { $0.path != mark }
    }
    func make(_ name: String) throws {
      #expect(try seen { scratch.file("t/" + name, 0o600) }.isEmpty)
    }
    try make("new")
    #expect(try seen { scratch.chmod("t/new", 0o644) }.allSatisfy(\.gain.isEmpty))
    scratch.rename("t/new", "t/other")
    #expect(try seen { scratch.chmod("t/other", 0o664) }.allSatisfy(\.gain.isEmpty))
    // Which is one for a file that is made so at once, too.
    #expect(try seen { scratch.chmod("t/other", 0o666) }.last?.gain.rights == [.write])
    try make("swapped")
    #expect(try seen { scratch.rename("t/swapped", "t/closed") }.allSatisfy(\.gain.isEmpty))
    let opened = try seen { scratch.chmod("t/closed", 0o644) }
    #expect(opened.last?.gain.rights == [.read] && opened.last?.before == 0o600)
    try make("anothers")
    let given = try seen { Scratch.run("/bin/chmod", ["644", scratch.path + "/t/anothers"]) }
    #expect(given.last?.gain.rights == [.read])
  }

  @Test("A copy put in the place of a file counts beside that one; sed -i gives nothing")
  func replaced() throws {
    let stage = try Stage(watching: true) { scratch in
      scratch.file("t/f", 0o640, text: "a\n")
      scratch.file("t/g", 0o640)
      Scratch.run("/bin/chown", ["1001:50", "\(scratch.path)/t/f"])
      Scratch.run("/usr/bin/setfacl", ["-m", "u:1002:r", "\(scratch.path)/t/f"])
    }
    let path = stage.scratch.path
    Scratch.run("/bin/sed", ["-i", "s/a/b/", "\(path)/t/f"])
    Scratch.run("/usr/bin/install", ["-o", "1001", "-m", "640", "/dev/null", "\(path)/t/new"])
    stage.scratch.rename("t/new", "t/g")
    let seen = try stage.follow { !gains($0).isEmpty }
    let given = seen.filter { !$0.gains(beside: $0.replaced).isEmpty }
    #expect(given.map(\.path) == [Array("/t/g".utf8)])
    #expect(given.first?.gains(beside: given.first?.replaced).map(\.who) == [.user(1001)])
  }

  @Test("A link outside the trees tells of owners and lists too")
  func linkOutside() throws {
    let stage = try Stage(watching: true) {
      $0.file("t/f", 0o640)
      $0.link("t/f", "alias")
    }
    Scratch.run("/usr/bin/setfacl", ["-m", "u:1001:rw", "\(stage.scratch.path)/alias"])
    let seen = try stage.follow { !gains($0).isEmpty }
    #expect(gains(seen).map(\.who) == [.user(1001)])
    Scratch.run("/bin/chown", ["1001", "\(stage.scratch.path)/alias"])
    #expect(try stage.follow { !gains($0).isEmpty }.flatMap(\.ownGains).map(\.kind) == [.fileOwner])
  }

  @Test("What changed while nobody looked is found after a restart; standing are capabilities")
  func restart() throws {
    let stage = try Stage { scratch in
      for name in ["f", "g", "h"] { scratch.file("t/\(name)", 0o640) }
      Scratch.run("/usr/bin/setfacl", ["-m", "u:1001:r", "\(scratch.path)/t/g"])
    }
    let path = stage.scratch.path
    let saved = path + "/baseline"
    setfacl(stage, "-m", "u:1001:rw", "h")
    let ended = try #require(stage.look("h").first)
    try stage.modes.save(to: saved)
    Scratch.run("/bin/chown", ["1001", "\(path)/t/f"])
    setfacl(stage, "-m", "u:1002:r", "g")
    Scratch.run("/bin/cp", ["/bin/true", "\(path)/t/c"])
    Scratch.run("/usr/sbin/setcap", ["cap_net_raw=ep", "\(path)/t/c"])
    let modes = FileModes(root: stage.scratch.bytes(), trees: [Array("/t".utf8)])
    #expect(try modes.load(from: saved))
    modes.forgetGain(of: ended.identity, try #require(ended.ownGains.first))
    var found: [String: [FileGain]] = [:]
    modes.rescan { found[String(decoding: $0.path, as: UTF8.self)] = $0.ownGains }
    #expect(found["/t/f"]?.map(\.who) == [.user(1001)])
    #expect(found["/t/g"]?.map(\.who) == [.user(1002)])
    #expect(found["/t/h"] == ended.ownGains)
    #expect(found["/t/c"]?.map(\.right) == ["cap_net_raw=ep"])
    var standing: [FileGain] = []
    FileModes(root: stage.scratch.bytes(), trees: [Array("/t".utf8)])
      .takeBaseline { standing += $0.ownGains }
    #expect(standing.map(\.right) == ["cap_net_raw=ep"])
  }

  @Test(
    "Lists that no two files share come up against a limit of memory, and are told all the same")
  func manyLists() throws {
    let stage = try Stage { scratch in
      for index in 0..<300 { scratch.file("t/f\(index)", 0o640) }
    }
    for round in 0..<20 {
      for index in 0..<300 {
        Scratch.call(stage.scratch.bytes("t/f\(index)")) { path in
          chown(path, UInt32(100_000 + round * 300 + index), 0)
        }
        #expect(stage.look("f\(index)").first?.ownGains.count == 1)
      }
    }
    #expect(stage.modes.records < 5000)
  }
}
