import Glibc
import LinuxKit
import Scratch
import Sources
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct FolderWatchLiveTests {
  /// Reads until all names were told, for at most ten seconds; each once, in order.
  private func names(_ watch: FolderWatch, until wanted: Set<String>) throws -> [FolderSignal] {
    var all: [FolderSignal] = []
    let end = SystemClock.up() + 10_000_000
    func told() -> Set<String> { Set(all.map { String(decoding: $0.name, as: UTF8.self) }) }
    while SystemClock.up() < end, !told().isSuperset(of: wanted) {
      while try watch.read() { watch.signals { if !all.contains($0) { all.append($0) } } }
      var waiting = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&waiting, 1, 100)
    }
    #expect(told() == wanted)
    return all
  }

  @Test("What is written, made and moved in is told with its pid; what lies elsewhere is not")
  func told() throws {
    let scratch = Scratch()
    for folder in ["flat", "flat/below", "deep", "deep/below", "other"] { scratch.folder(folder) }
    scratch.file("flat/old", text: "x")
    let watch = try FolderWatch([
      .init(path: scratch.bytes("flat"), isDeep: false),
      .init(path: scratch.bytes("deep"), isDeep: true),
    ])
    let line = """
      cd \(scratch.path); echo x >other/a; echo x >flat/below/b; echo y >>flat/old; echo x >flat/new
      mv other/a flat/moved; ln -s x deep/link; echo x >deep/below/c; chmod 600 flat/old
      """
    let child = Scratch.start("/bin/sh", ["-c", line])
    _ = Scratch.wait(child)
    let all = try names(watch, until: ["old", "new", "moved", "link", "below/c"])
    #expect(all.first { $0.name == Array("new".utf8) }?.pid == child)
    #expect(all.first { $0.name == Array("below/c".utf8) }?.folder == scratch.bytes("deep"))
    #expect(watch.losses == 0)
  }

  @Test("A folder that comes later is watched, with what came before its mark")
  func appearing() throws {
    let scratch = Scratch()
    let watch = try FolderWatch([.init(path: scratch.bytes("a/b/deep"), isDeep: true)])
    Scratch.run(
      "/bin/sh",
      [
        "-c",
        "cd \(scratch.path); mkdir -p a/b/deep/x.d; echo x >a/b/deep/f; echo x >a/b/deep/x.d/g",
      ])
    _ = try names(watch, until: ["f", "x.d/g"])
    Scratch.run("/bin/sh", ["-c", "cd \(scratch.path)/a/b/deep; mkdir y.d; echo x >y.d/h"])
    _ = try names(watch, until: ["y.d/h"])
  }

  @Test("Two names for one folder are both told")
  func linked() throws {
    let scratch = Scratch()
    scratch.folder("real")
    Scratch.run("/bin/ln", ["-s", "real", "\(scratch.path)/link"])
    let watch = try FolderWatch([
      .init(path: scratch.bytes("real"), isDeep: false),
      .init(path: scratch.bytes("link"), isDeep: false),
    ])
    Scratch.run("/bin/touch", ["\(scratch.path)/real/f"])
    let all = try names(watch, until: ["f"])
    #expect(Set(all.map(\.folder)) == [scratch.bytes("real"), scratch.bytes("link")])
  }
}
