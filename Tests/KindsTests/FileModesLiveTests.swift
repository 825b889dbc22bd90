import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Sources
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root")) struct FileModesLiveTests {
  @Test("The baseline lists setuid, setgid and world-writable files, and reports nothing else")
  func standing() throws {
    let scratch = Scratch()
    scratch.folder("t")
    for (name, mode) in [("a", 0o644), ("b", 0o4755), ("c", 0o666), ("d", 0o2755)] {
      scratch.file("t/" + name, mode_t(mode))
    }
    scratch.folder("t/tmp", 0o1777)
    scratch.folder("t/shared", 0o2775)
    scratch.symlink("a", "t/link")
    let modes = FileModes(
      root: scratch.bytes(), trees: [Array("/t/".utf8), Array("/t/tmp".utf8)])
    var standing: [String: UInt16] = [:]
    modes.takeBaseline { standing[String(decoding: $0.path, as: UTF8.self)] = $0.gain.bits }
    #expect(standing == ["/t/b": 0o4000, "/t/c": 0o002, "/t/d": 0o2000, "/t/tmp": 0o002])
    var again = 0
    modes.rescan { _ in again += 1 }
    modes.takeBaseline { _ in again += 1 }
    #expect(again == 0)
    #expect(modes.count == 7)
  }

  @Test("A file put over another by rename counts against its predecessor")
  func replacedByRename() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    stage.scratch.file("t/f.new", 0o644)
    #expect(stage.look("f.new", .created).isEmpty)
    stage.scratch.rename("t/f.new", "t/f")
    #expect(stage.look("f.new", .movedOut).map(\.gone) == [true])
    let seen = stage.look("f", .movedIn)
    #expect(seen.map(\.before) == [0o640])
    #expect(seen.first?.gain.bits == 0o004)
    #expect(stage.restore(seen.first) == .restored(now: 0o640))
  }

  @Test("A file that was just made counts against the one it replaces, not against its own birth")
  func editedInPlace() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    stage.scratch.file("t/f.new", 0o600)
    #expect(stage.look("f.new", .created).isEmpty)
    let widened = stage.grant("f.new", 0o640, by: 2)
    #expect(widened?.gain.bits == 0o040)
    stage.scratch.rename("t/f.new", "t/f")
    _ = stage.look("f.new", .movedOut)
    let seen = stage.look("f", .movedIn)
    #expect(seen.map(\.replaced?.mode) == [0o640])
    #expect(seen.first?.isFresh == true)
    #expect(seen.first?.gain.isEmpty == true)
  }

  @Test("A file that takes the place of another and its inode number is compared with that one")
  func numberGivenAgain() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let number = try FileStatus.at(stage.scratch.bytes("t/f")).inode
    // ext4 gives the number at once, other file systems later or never.
    for _ in 0..<1000 {
      stage.scratch.remove("t/f")
      stage.scratch.file("t/f", 0o660)
      if try FileStatus.at(stage.scratch.bytes("t/f")).inode == number { break }
    }
    let seen = try #require(stage.look("f", .movedIn).first)
    #expect(seen.replaced?.mode == 0o640)
    #expect(seen.gain.bits == 0o020)
  }

  @Test("What a loaded baseline remembers of access that ended is news when it is there again")
  func staleBaseline() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let seen = try #require(stage.grant("f", 0o666))
    let saved = "\(stage.scratch.path)/baseline"
    try stage.modes.save(to: saved)
    let modes = FileModes(root: stage.scratch.bytes(), trees: [Array("/t".utf8)])
    #expect(try modes.load(from: saved))
    modes.forgetGain(of: seen.identity, before: 0o640, after: 0o666)
    var found: [FileObservation] = []
    modes.rescan { found.append($0) }
    #expect(found.map(\.before) == [0o640])
    #expect(found.first?.gain.bits == 0o026)
  }

  @Test("Born in the tree it is baseline, what is added later counts")
  func born() throws {
    let stage = try Stage { $0.file("t/f", 0o600) }
    stage.scratch.file("t/new", 0o644)
    #expect(stage.look("new", .created).isEmpty)
    #expect(stage.grant("new", 0o664, by: 2)?.gain.bits == 0o020)
    stage.scratch.remove("t/f")
    stage.scratch.file("t/f", 0o644)
    #expect(stage.look("f", [.deleted, .created]).isEmpty)
  }

  @Test("A folder that is moved in brings all that is below it")
  func movedIn() throws {
    let stage = try Stage {
      $0.folder("d")
      $0.folder("d/e")
      $0.file("d/e/f", 0o4755)
      $0.file("d/g", 0o602)
    }
    stage.scratch.rename("d", "t/d")
    let seen = stage.look("d", [.movedIn, .contents])
    #expect(
      Set(seen.map { String(decoding: $0.path, as: UTF8.self) }) == ["/t/d/e/f", "/t/d/g"])
    #expect(stage.grant("d/e/f", 0o4757)?.gain.bits == 0o002)
  }

  @Test("A chmod through a hard link outside is seen under the name inside")
  func linkOutside() throws {
    let stage = try Stage(watching: true) {
      $0.file("t/f", 0o640)
      $0.link("t/f", "alias")
    }
    stage.scratch.chmod("alias", 0o666)
    let seen = try stage.follow { !$0.isEmpty }
    #expect(seen.map(\.path) == [Array("/t/f".utf8)])
    #expect(seen.first?.before == 0o640)
    // The name that is remembered is gone: the other is found by a walk.
    stage.scratch.link("t/f", "t/g")
    stage.scratch.remove("t/f")
    stage.scratch.chmod("alias", 0o667)
    let again = try stage.follow { $0.contains { $0.path == Array("/t/g".utf8) } }
    #expect(again.contains { $0.gain.bits == 0o001 })
  }

  @Test("What changed while nobody looked is found after a restart, and new trees are standing")
  func restart() throws {
    let stage = try Stage {
      $0.file("t/f", 0o640)
      $0.file("t/g", 0o640)
      $0.folder("u")
      $0.file("u/s", 0o4755)
    }
    let saved = stage.scratch.path + "/baseline"
    try stage.modes.save(to: saved)
    stage.scratch.chmod("t/f", 0o666)
    stage.scratch.remove("t/g")
    stage.scratch.file("t/new", 0o4755)
    let modes = FileModes(
      root: stage.scratch.bytes(), trees: [Array("/t".utf8), Array("/u".utf8)])
    #expect(try modes.load(from: saved))
    var standing: [[UInt8]] = []
    var changed: [[UInt8]] = []
    modes.takeBaseline { standing.append($0.path) }
    modes.rescan { changed.append($0.path) }
    #expect(standing == [Array("/u/s".utf8)])
    #expect(Set(changed) == [Array("/t/f".utf8), Array("/t/new".utf8)])
    #expect(modes.count == 5)
    #expect(stage.scratch.mode("baseline") == 0o600)
  }

  @Test("A saved baseline that was changed or cut is refused; a missing one is none")
  func damage() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let saved = stage.scratch.path + "/baseline"
    #expect(try !FileModes(root: [], trees: []).load(from: saved))
    try stage.modes.save(to: saved)
    let bytes = try #require(try AtomicFile.read(Array(saved.utf8), limit: 1 << 20))
    func load(_ bytes: [UInt8]) throws {
      let file = try AtomicFile(replacing: Array(saved.utf8))
      try file.write(bytes)
      try file.commit()
      _ = try FileModes(root: [], trees: []).load(from: saved)
    }
    for at in stride(from: 0, to: bytes.count, by: 7) {
      var flipped = bytes
      flipped[at] ^= 0x10
      #expect(throws: FileBaselineError.self) { try load(flipped) }
      #expect(throws: FileBaselineError.self) { try load(Array(bytes[..<at])) }
    }
    try load(bytes)
  }

  @Test("What lies on a file system that is away for a while is not forgotten")
  func unmounted() throws {
    let other = Scratch(in: "/dev/shm")
    other.file("f", 0o640)
    let stage = try Stage { $0.folder("t/m") }
    let place = "\(stage.scratch.path)/t/m"
    try #require(Scratch.run("/bin/mount", ["--bind", other.path, place]) == 0)
    defer { Scratch.run("/bin/umount", ["-q", place]) }
    #expect(stage.rescan().isEmpty)
    try #require(Scratch.run("/bin/umount", [place]) == 0)
    other.chmod("f", 0o644)
    #expect(stage.rescan().isEmpty)
    try #require(Scratch.run("/bin/mount", ["--bind", other.path, place]) == 0)
    let seen = stage.rescan()
    #expect(seen.map(\.before) == [0o640])
    #expect(seen.first.map { stage.restore($0) } == .restored(now: 0o640))
    #expect(other.mode("f") == 0o640)
  }

  @Test("chmod -R over 10,000 files: each seen and each taken back, in time")
  func many() throws {
    let stage = try Stage(watching: true) { scratch in
      for folder in 0..<10 {
        scratch.folder("t/d\(folder)", 0o750)
        for file in 0..<1000 { scratch.file("t/d\(folder)/f\(file)", 0o640) }
      }
    }
    let child = Scratch.start("/bin/chmod", ["-R", "a+rwX", "\(stage.scratch.path)/t"])
    let seen = try stage.follow { $0.count >= 10_011 }
    let observed = SystemClock.up()
    _ = Scratch.wait(child)
    #expect(seen.count == 10_011)
    for grant in seen { if case .restored = stage.restore(grant) {} else { Issue.record("kept") } }
    let restored = SystemClock.up()
    // Under half a second on a quiet machine; the limit only keeps it from growing unseen.
    #expect(restored - observed < 10_000_000)
    #expect(stage.mode("d3/f7") == 0o640 && stage.mode("d9") == 0o750)
    // The echoes of our own changes are no news.
    #expect(try stage.follow { _ in stage.watch?.events ?? 0 >= 20_022 }.isEmpty)
  }
}
