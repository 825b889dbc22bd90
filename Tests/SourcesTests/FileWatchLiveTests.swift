import Glibc
import LinuxKit
import Scratch
import Sources
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct FileWatchLiveTests {
  /// Reads until `done` says that enough was seen, for at most ten seconds. Names outside the trees
  /// may be those of other tests: they are left out unless asked for.
  private func signals(
    _ watch: FileWatch, outside: Bool = false, until done: ([FileSignal]) -> Bool
  ) throws -> [FileSignal] {
    var all: [FileSignal] = []
    let end = SystemClock.up() + 10_000_000
    while SystemClock.up() < end {
      while try watch.read() {
        watch.signals { if outside || $0.outside == nil { all.append($0) } }
      }
      if done(all) { break }
      var waiting = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&waiting, 1, 100)
    }
    return all
  }

  private func pidfds() -> Set<Int32> {
    Set(
      (0..<1024).filter { number in
        guard let path = try? pathOf(descriptor: number) else { return false }
        return path.suffix(7).elementsEqual("[pidfd]".utf8)
      })
  }

  /// Other tests hold some for a moment; one that leaked stays for good.
  private func noPidfdStaysOpen() -> Bool {
    var open = pidfds()
    let end = SystemClock.up() + 10_000_000
    while !open.isEmpty, SystemClock.up() < end {
      usleep(1000)
      open.formIntersection(pidfds())
    }
    return open.isEmpty
  }

  @Test("A chmod by another program is told with its pid; nothing outside the tree is")
  func attributes() throws {
    let scratch = Scratch()
    scratch.folder("in")
    scratch.folder("out")
    scratch.file("in/f")
    scratch.file("out/f")
    let watch = try FileWatch(trees: [scratch.bytes("in/")], files: [])
    #expect(watch.unmarked.isEmpty)
    Scratch.run("/bin/chmod", ["666", "\(scratch.path)/out/f"])
    let child = Scratch.start("/bin/chmod", ["666", "\(scratch.path)/in/f"])
    _ = Scratch.wait(child)
    let told = try signals(watch) { !$0.isEmpty }
    #expect(told.map(\.path) == [scratch.bytes("in/f")])
    #expect(told.first?.pid == child)
    #expect(told.first?.alive == false)
    #expect(told.first?.changes == .attributes)
  }

  @Test("A process that still runs is alive, and no pidfd is left open")
  func alive() throws {
    let scratch = Scratch()
    scratch.file("f")
    let watch = try FileWatch(trees: [scratch.bytes()], files: [])
    for round in 0..<600 { scratch.file("n\(round)") }
    scratch.chmod("f", 0o660)
    let told = try signals(watch) { told in
      told.contains { $0.pid == getpid() && $0.path.suffix(2) == Array("/f".utf8) }
    }
    let unseen = told.filter { $0.pid == getpid() && !$0.alive }
    #expect(unseen.isEmpty)
    // Read and never asked for: closed by the next read.
    scratch.chmod("f", 0o600)
    _ = try watch.read()
    _ = try watch.read()
    #expect(noPidfdStaysOpen())
  }

  @Test("Created, moved, replaced and deleted names, a folder moved in with its contents")
  func names() throws {
    let scratch = Scratch()
    scratch.folder("tree")
    scratch.folder("dir")
    scratch.file("dir/x")
    scratch.file("new")
    let watch = try FileWatch(trees: [scratch.bytes("tree")], files: [])
    scratch.file("tree/f", 0o4755)
    scratch.rename("new", "tree/f")
    scratch.rename("dir", "tree/dir")
    scratch.file("tree/gone")
    scratch.remove("tree/gone")
    let told = try signals(watch) { $0.contains { $0.changes.contains(.deleted) } }
    func changes(_ name: String) -> FileChanges {
      told.filter { $0.path == scratch.bytes(name) }.reduce([]) { $0.union($1.changes) }
    }
    #expect(changes("tree/f").isSuperset(of: [.created, .movedIn]))
    #expect(changes("tree/dir") == [.movedIn, .contents])
    #expect(changes("tree/gone").isSuperset(of: [.created, .deleted]))
  }

  @Test("A single file is told when it is written or replaced by rename, its neighbours are not")
  func singleFiles() throws {
    let scratch = Scratch()
    scratch.file("group", text: "a")
    scratch.symlink(scratch.path, "etc")
    defer { scratch.remove("etc") }
    let named = Array("\(scratch.path)/etc/group".utf8)
    let watch = try FileWatch(trees: [], files: [named])
    scratch.file("other", text: "x")
    scratch.file("group", text: "ab")
    var told = try signals(watch) { $0.contains { $0.changes.contains(.written) } }
    #expect(Set(told.map(\.path)) == [named])
    scratch.file("group+", text: "abc")
    scratch.rename("group+", "group")
    told = try signals(watch) { $0.contains { $0.changes.contains(.movedIn) } }
    #expect(Set(told.map(\.path)) == [named])
  }

  @Test("A hard link outside is told with its status")
  func hardLink() throws {
    let scratch = Scratch()
    scratch.folder("tree")
    scratch.file("tree/f")
    scratch.link("tree/f", "alias")
    let watch = try FileWatch(trees: [scratch.bytes("tree")], files: [])
    scratch.chmod("alias", 0o666)
    let all = try signals(watch, outside: true) {
      $0.contains { $0.path == scratch.bytes("alias") }
    }
    let told = all.first { $0.path == scratch.bytes("alias") }
    #expect(told?.outside?.inode == (try FileStatus.at(scratch.bytes("tree/f")).inode))
  }

  @Test("A tree that is not there yet is a finding, and is picked up when it appears")
  func missing() throws {
    let scratch = Scratch()
    let watch = try FileWatch(trees: [scratch.bytes("a/b")], files: [])
    #expect(watch.unmarked.map(\.path) == [scratch.bytes("a/b")])
    scratch.folder("a")
    _ = try signals(watch) { _ in watch.events > 0 }
    scratch.folder("a/b")
    scratch.file("a/b/f", 0o666)
    let told = try signals(watch) { $0.contains { $0.path == scratch.bytes("a/b") } }
    #expect(told.contains { $0.changes.contains(.contents) })
    #expect(watch.unmarked.isEmpty)
    scratch.chmod("a/b/f", 0o600)
    let more = try signals(watch) { $0.contains { $0.path == scratch.bytes("a/b/f") } }
    #expect(!more.isEmpty)
  }

  @Test("Odd names and long paths arrive byte by byte")
  func oddNames() throws {
    let scratch = Scratch()
    let watch = try FileWatch(trees: [scratch.bytes()], files: [])
    let names: [[UInt8]] = [
      Array("a\nb".utf8), [0xff, 0xfe, 0x20], [UInt8](repeating: 0x78, count: 255),
    ]
    var folder = scratch.bytes()
    while folder.count < 3500 {
      folder += [0x2f] + [UInt8](repeating: 0x64, count: 200)
      Scratch.call(folder) { mkdir($0, 0o755) }
    }
    for name in names { scratch.file(folder + [0x2f] + name, 0o666) }
    let paths = Set(names.map { folder + [0x2f] + $0 })
    let told = try signals(watch) { told in paths.isSubset(of: told.map(\.path)) }
    let missing = paths.subtracting(told.map(\.path)).count
    #expect(missing == 0)
  }

  @Test("A file system of its own below the tree is watched too, the kernel's views are not")
  func mounts() throws {
    let scratch = Scratch()
    scratch.folder("own")
    try #require(Scratch.run("/bin/mount", ["-t", "tmpfs", "none", "\(scratch.path)/own"]) == 0)
    defer { Scratch.run("/bin/umount", ["-q", "\(scratch.path)/own"]) }
    scratch.file("own/f")
    let watch = try FileWatch(trees: [scratch.bytes()], files: [])
    scratch.chmod("own/f", 0o666)
    let told = try signals(watch) { !$0.isEmpty }
    #expect(told.map(\.path) == [scratch.bytes("own/f")])
    scratch.folder("later")
    try #require(Scratch.run("/bin/mount", ["-t", "tmpfs", "none", "\(scratch.path)/later"]) == 0)
    defer { Scratch.run("/bin/umount", ["\(scratch.path)/later"]) }
    #expect(watch.refresh())
    scratch.file("later/f")
    let later = try signals(watch) { $0.contains { $0.path == scratch.bytes("later/f") } }
    #expect(!later.isEmpty)
    // A watched file system can be taken away at any time.
    #expect(Scratch.run("/bin/umount", ["\(scratch.path)/own"]) == 0)
  }

  @Test("A file system that can be watched in no way is a finding")
  func unwatchable() throws {
    let scratch = Scratch()
    for name in ["low", "up", "work", "all"] { scratch.folder(name) }
    let path = scratch.path
    let options = "lowerdir=\(path)/low,upperdir=\(path)/up,workdir=\(path)/work"
    try #require(
      Scratch.run("/bin/mount", ["-t", "overlay", "-o", options, "none", "\(path)/all"]) == 0)
    defer { Scratch.run("/bin/umount", ["\(path)/all"]) }
    let watch = try FileWatch(trees: [scratch.bytes("all")], files: [])
    #expect(watch.unmarked.map(\.path) == [scratch.bytes("all")])
    #expect(watch.unmarked.first?.error.code == EOPNOTSUPP)
  }

  @Test(
    "Where a file system cannot be marked as a whole its folders are, new ones too",
    .enabled(if: access("/sbin/mkfs.btrfs", X_OK) == 0, "needs mkfs.btrfs"))
  func folderByFolder() throws {
    let scratch = Scratch()
    let path = scratch.path
    scratch.folder("top")
    try #require(Scratch.run("/usr/bin/truncate", ["-s", "160M", "\(path)/disk"]) == 0)
    try #require(Scratch.run("/sbin/mkfs.btrfs", ["-q", "\(path)/disk"]) == 0)
    try #require(Scratch.run("/bin/mount", ["-o", "loop", "\(path)/disk", "\(path)/top"]) == 0)
    defer { Scratch.run("/bin/umount", ["\(path)/top"]) }
    Scratch.run("/bin/btrfs", ["-q", "subvolume", "create", "\(path)/top/sub"])
    scratch.folder("top/sub/d")
    scratch.file("top/sub/d/f")
    let watch = try FileWatch(trees: [scratch.bytes("top/sub")], files: [])
    #expect(watch.unmarked.isEmpty)
    scratch.chmod("top/sub/d/f", 0o666)
    let told = try signals(watch) { $0.contains { $0.path == scratch.bytes("top/sub/d/f") } }
    #expect(told.contains { $0.changes == .attributes })
    scratch.folder("top/sub/d/new")
    let folder = try signals(watch) { $0.contains { $0.path == scratch.bytes("top/sub/d/new") } }
    #expect(folder.contains { $0.changes.contains(.contents) })
    scratch.file("top/sub/d/new/g", 0o666)
    let inside = try signals(watch) { $0.contains { $0.path == scratch.bytes("top/sub/d/new/g") } }
    #expect(!inside.isEmpty)
  }
}
