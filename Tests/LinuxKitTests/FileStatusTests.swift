import Dispatch
import Glibc
import LinuxKit
import Scratch
import Testing

@Suite struct FileStatusTests {
  @Test("Mode, type and links are read, a link is not followed, a missing file is ENOENT")
  func status() throws {
    let scratch = Scratch()
    let path = scratch.file("f", 0o4751)
    scratch.link("f", "g")
    scratch.symlink("f", "s")
    let status = try FileStatus.at(path)
    #expect(status.mode == 0o4751)
    #expect(status.type == .regular)
    #expect(status.links == 2)
    #expect(status.birth > 0)
    #expect(try FileStatus.at(scratch.bytes("s")).type == .link)
    #expect(try FileStatus.at(scratch.bytes("s"), follow: true).inode == status.inode)
    #expect(throws: SystemError.self) { try FileStatus.at(scratch.bytes("none")) }
    #expect(throws: SystemError(EINVAL, "read status", "f\\x00")) {
      try FileStatus.at([0x66, 0])
    }
  }

  @Test(
    "Nothing is opened over a link or out of the folder, long paths are; without openat2 too",
    arguments: [false, true])
  func safeOpen(folderByFolder: Bool) throws {
    let scratch = Scratch()
    scratch.folder("real")
    scratch.file("real/f")
    scratch.symlink("real", "alias")
    scratch.symlink("real/f", "last")
    let root = try SafeOpen.directory(scratch.bytes())
    func code(_ path: String) -> Int32 {
      do throws(SystemError) {
        let file = try SafeOpen.open(
          beneath: root.raw, Array(path.utf8), folderByFolder: folderByFolder)
        return file.raw >= 0 ? 0 : -1
      } catch { return error.code }
    }
    #expect(code("real/f") == 0)
    #expect(code("alias/f") == ELOOP)
    #expect(code("../x") == EXDEV)
    #expect(code("/etc/passwd") == EXDEV)
    #expect(code("none") == ENOENT)
    #expect(code("real/f/x") == ENOTDIR)
    #expect(code("real/f/") == ENOTDIR)
    #expect(code("real/") == 0 && code("") == 0)
    let last = try SafeOpen.open(
      beneath: root.raw, Array("last".utf8), folderByFolder: folderByFolder)
    #expect(try FileStatus.of(last.raw).type == .link)
    #expect(code(String(repeating: "./", count: 3000) + "real/f") == 0)
  }

  @Test("A walk meets everything once, deeper than descriptors and paths reach, no links")
  func walk() throws {
    let scratch = Scratch()
    scratch.symlink("/etc", "link")
    let component = [UInt8](repeating: UInt8(ascii: "d"), count: 200)
    var folder = try SafeOpen.directory(scratch.bytes())
    let depth = 150
    for _ in 0..<depth {
      for name in [component, Array("side".utf8)] {
        Scratch.call(name) { mkdirat(folder.raw, $0, 0o755) }
      }
      folder = try SafeOpen.directory(folder.raw, component)
    }
    var met = 0
    var longest = 0
    let walk = try TreeWalk.walk(try SafeOpen.directory(scratch.bytes()), path: []) { entry in
      met += 1
      longest = max(longest, entry.path.count)
      return .into
    }
    #expect(met == 2 * depth)
    #expect(longest == depth * 201)
    #expect(walk.failed == 0)
  }

  @Test("A boot timer fires after its moment and not when taken back")
  func timer() async throws {
    let queue = DispatchQueue(label: "timer")
    let start = SystemClock.up()
    let fired: Int64 = try await withCheckedThrowingContinuation { continuation in
      do {
        let box = TimerBox()
        box.timer = try BootTimer(queue: queue) {
          continuation.resume(returning: SystemClock.up())
          box.timer = nil
        }
        box.timer?.set(up: start + 3_600_000_000)
        box.timer?.cancel()
        box.timer?.set(up: start + 20_000)
      } catch { continuation.resume(throwing: error) }
    }
    #expect(fired >= start + 20_000)
  }
}

/// Used by one closure on the timer's queue only.
private final class TimerBox: @unchecked Sendable {
  var timer: BootTimer?
}

@Suite(.enabled(if: geteuid() == 0, "needs root")) struct FileHandleLiveTests {
  @Test("A handle finds the file under any name, and nothing once it is deleted")
  func handle() throws {
    let scratch = Scratch()
    let path = scratch.file("f", 0o640)
    let inode = try FileStatus.at(path).inode
    let root = try SafeOpen.directory(scratch.bytes())
    let handle = try FileHandle.of(root.raw, Array("f".utf8))
    scratch.rename("f", "g")
    do {
      let file = try FileHandle.open(handle, mount: root.raw)
      #expect(try FileStatus.of(file.raw).inode == inode)
      try changeMode(of: file.raw, to: 0o600)
      #expect(scratch.mode("g") == 0o600)
      #expect(try pathOf(descriptor: file.raw) == scratch.bytes("g"))
    }
    scratch.remove("g")
    #expect(throws: SystemError(ESTALE, "open by file handle")) {
      _ = try FileHandle.open(handle, mount: root.raw).raw
    }
  }
}
