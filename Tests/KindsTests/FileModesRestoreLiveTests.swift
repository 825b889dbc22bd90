import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Sources
import Testing

/// Law 3 on real files.
@Suite(.enabled(if: geteuid() == 0)) struct FileModesRestoreLiveTests {
  @Test(
    "640, 666, 667: taken back in either order it ends as before both", arguments: [true, false])
  func twoGrants(firstFirst: Bool) throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let first = stage.grant("f", 0o666)
    let second = stage.grant("f", 0o667)
    #expect(first?.before == 0o640 && first?.gain.bits == 0o026)
    #expect(second?.before == 0o666 && second?.gain.bits == 0o001)
    for grant in firstFirst ? [first, second] : [second, first] { _ = stage.restore(grant) }
    #expect(stage.mode("f") == 0o640)
    #expect(stage.look("f").isEmpty)
    #expect(stage.restore(first) == .alreadyGone(now: 0o640))
  }

  @Test("Another's narrowing, and what is to be kept, stays")
  func narrowing() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let grant = stage.grant("f", 0o666)
    stage.scratch.chmod("t/f", 0o404)
    let narrowed = stage.look("f").first
    #expect(narrowed?.narrowed == true)
    #expect(stage.restore(grant) == .restored(now: 0o400))
    let again = stage.grant("f", 0o766)
    #expect(stage.restore(again, keeping: 0o044) == .restored(now: 0o444))
  }

  @Test("With the access go the owner's bits that the same act added, and no others")
  func ownersBits() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let grant = stage.grant("f", 0o777)
    #expect(grant?.gain.bits == 0o037)
    #expect(stage.restore(grant) == .restored(now: 0o640))
    let second = stage.grant("f", 0o666)
    stage.scratch.chmod("t/f", 0o766)
    #expect(stage.restore(second) == .restored(now: 0o740))
  }

  @Test("Dry, nothing changes, and the outcome is told")
  func dry() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let grant = stage.grant("f", 0o666)
    #expect(stage.restore(grant, dryRun: true) == .restored(now: 0o640))
    #expect(stage.mode("f") == 0o666)
  }

  @Test("A deleted file is already gone")
  func deleted() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let grant = stage.grant("f", 0o666)
    stage.scratch.remove("t/f")
    #expect(stage.restore(grant) == .alreadyGone(now: nil))
    #expect(stage.modes.current(path: Array("/t/f".utf8), identity: grant?.identity) == .gone)
    let gone = stage.look("f", .deleted)
    #expect(gone.map(\.gone) == [true])
  }

  @Test("Another file or a link in the place of a deleted one is left alone")
  func replaced() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let grant = stage.grant("f", 0o666)
    stage.scratch.file("secret", 0o666)
    stage.scratch.remove("t/f")
    stage.scratch.file("t/f", 0o666)
    #expect(stage.restore(grant).isDrifted)
    #expect(stage.mode("f") == 0o666)
    stage.scratch.remove("t/f")
    stage.scratch.symlink("../secret", "t/f")
    #expect(stage.restore(grant).isDrifted)
    #expect(stage.scratch.mode("secret") == 0o666)
  }

  @Test("Moved away with a link in its place: taken back from the file, and drifted")
  func swapped() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let grant = stage.grant("f", 0o666)
    stage.scratch.file("secret", 0o666)
    stage.scratch.rename("t/f", "t/hidden")
    stage.scratch.symlink("../secret", "t/f")
    #expect(stage.restore(grant).isDrifted)
    #expect(stage.mode("hidden") == 0o640)
    #expect(stage.scratch.mode("secret") == 0o666)
  }

  @Test("Moved with nothing in its place, or below a folder that was renamed: taken back")
  func moved() throws {
    let stage = try Stage {
      $0.folder("t/a")
      $0.file("t/a/f", 0o640)
      $0.file("t/a/g", 0o640)
    }
    let (f, g) = (stage.grant("a/f", 0o666), stage.grant("a/g", 0o606))
    stage.scratch.rename("t/a/f", "t/moved")
    stage.scratch.rename("t/a", "t/b")
    #expect(
      stage.modes.current(path: Array("/t/a/g".utf8), identity: g?.identity)
        == .there(mode: 0o606, isDirectory: false, elsewhere: true))
    #expect(stage.restore(f) == .restored(now: 0o640))
    #expect(stage.restore(g) == .restored(now: 0o600))
    #expect(stage.mode("moved") == 0o640)
  }

  @Test("A folder above swapped for a link is not followed")
  func folderSwapped() throws {
    let stage = try Stage {
      $0.folder("t/a")
      $0.file("t/a/f", 0o640)
      $0.folder("other")
      $0.file("other/f", 0o666)
    }
    let grant = stage.grant("a/f", 0o666)
    stage.scratch.remove("t/a/f")
    stage.scratch.remove("t/a")
    stage.scratch.symlink("../other", "t/a")
    #expect(stage.restore(grant).isDrifted)
    #expect(stage.scratch.mode("other/f") == 0o666)
    #expect(stage.look("a/f").isEmpty)
  }

  @Test("By one name given, by the other too: a hard link is one file")
  func hardLink() throws {
    let stage = try Stage {
      $0.file("t/f", 0o640)
      $0.link("t/f", "t/g")
    }
    let grant = stage.grant("g", 0o666)
    #expect(stage.look("f").isEmpty)
    stage.scratch.remove("t/g")
    #expect(stage.restore(grant) == .restored(now: 0o640))
    #expect(stage.mode("f") == 0o640)
  }

  @Test("An immutable file and a read-only mount fail, with the kernel's reason")
  func immutable() throws {
    let stage = try Stage { $0.file("t/f", 0o640) }
    let path = stage.scratch.path
    let grant = stage.grant("f", 0o666)
    try #require(Scratch.run("/usr/bin/chattr", ["+i", "\(path)/t/f"]) == 0)
    #expect(stage.restore(grant).code == EPERM)
    Scratch.run("/usr/bin/chattr", ["-i", "\(path)/t/f"])
    #expect(stage.restore(grant) == .restored(now: 0o640))

    let small = Scratch()
    try #require(Scratch.run("/bin/mount", ["-t", "tmpfs", "none", small.path]) == 0)
    defer { Scratch.run("/bin/umount", ["-l", small.path]) }
    let mounted = try Stage(in: small.path) { $0.file("t/f", 0o640) }
    let other = mounted.grant("f", 0o666)
    Scratch.run("/bin/mount", ["-o", "remount,ro", small.path])
    #expect(mounted.restore(other).code == EROFS)
    Scratch.run("/bin/mount", ["-o", "remount,rw", small.path])
    #expect(mounted.restore(other) == .restored(now: 0o640))
  }

  @Test("Setuid, setgid and sticky are taken back; setgid on a folder is none")
  func special() throws {
    let stage = try Stage {
      $0.file("t/f", 0o755)
      $0.folder("t/d", 0o1777)
      $0.folder("t/e", 0o755)
    }
    #expect(stage.restore(stage.grant("f", 0o6755)) == .restored(now: 0o755))
    let sticky = stage.grant("d", 0o777)
    #expect(sticky?.gain.stickyTaken == true)
    #expect(stage.restore(sticky) == .restored(now: 0o1777))
    #expect(stage.grant("e", 0o2755) == nil)
    #expect(stage.restore(stage.grant("e", 0o2777)) == .restored(now: 0o2755))
  }

  @Test("A new setuid file loses setuid and nothing else")
  func new() throws {
    let stage = try Stage()
    stage.scratch.file("t/f", 0o4757)
    let grant = stage.look("f", .created).first
    #expect(grant?.before == nil && grant?.gain.bits == 0o4002)
    #expect(stage.restore(grant) == .restored(now: 0o755))
  }

  @Test("FIFOs, sockets and odd names are treated as any file")
  func odd() throws {
    let deep = [UInt8](repeating: UInt8(ascii: "d"), count: 200)
    var long = Array("/t".utf8)
    while long.count < 3800 { long += [0x2f] + deep }
    let names: [[UInt8]] = [
      Array("/t/a\nb".utf8), Array("/t/".utf8) + [0xff, 0xfe],
      Array("/t/".utf8) + [UInt8](repeating: 0x78, count: 255),
      long + Array("/f".utf8),
    ]
    let stage = try Stage { scratch in
      Scratch.run("/usr/bin/mkfifo", ["-m", "600", "\(scratch.path)/t/fifo"])
      var folder = scratch.bytes("t")
      while folder.count - scratch.bytes().count < 3800 {
        folder += [0x2f] + deep
        Scratch.call(folder) { mkdir($0, 0o755) }
      }
      for name in names { scratch.file(scratch.bytes() + name, 0o640) }
    }
    #expect(stage.restore(stage.grant("fifo", 0o666)) == .restored(now: 0o600))
    for name in names {
      let path = stage.scratch.bytes() + name
      Scratch.call(path) { chmod($0, 0o666) }
      let grant = stage.look(path).first
      #expect(grant?.path == name)
      #expect(stage.restore(grant) == .restored(now: 0o640))
    }
  }
}
