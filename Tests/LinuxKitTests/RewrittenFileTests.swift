import Glibc
import LinuxKit
import Scratch
import Testing

@Suite struct RewrittenFileTests {
  private let scratch = Scratch()

  private func content(_ name: String) -> String? {
    guard let bytes = try? SmallFile.read("\(scratch.path)/\(name)") else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("What somebody writes between reading and replacing is not lost")
  func changedMeanwhile() throws {
    let path = scratch.file("x", 0o640, text: "old")
    let file = try RewrittenFile(path, below: scratch.bytes())
    let outcome = try file.replace(with: Array("new".utf8)) { _ in
      scratch.file(path, 0o640, text: "theirs")
      return nil
    }
    #expect(outcome == .changedMeanwhile)
    #expect(content("x") == "theirs")
  }

  @Test("New content that the check refuses does not go live, and leaves nothing behind")
  func refused() throws {
    let path = scratch.file("x", 0o640, text: "old")
    let file = try RewrittenFile(path, below: scratch.bytes())
    var seen: String?
    let outcome = try file.replace(with: Array("new".utf8)) { beside in
      seen = (try? SmallFile.read(beside)).map { String(decoding: $0, as: UTF8.self) }
      return "no"
    }
    #expect(outcome == .refused("no"))
    #expect(seen == "new")
    #expect(content("x") == "old")
    #expect(SmallFile.names(in: scratch.path) == ["x"])
  }

  @Test("A lock keeps others out as long as the file is held, and not longer")
  func locking() throws {
    let path = scratch.file("x", 0o640, text: "old")
    let first = try RewrittenFile(path, below: scratch.bytes(), locking: true)
    do throws(SystemError) {
      _ = try RewrittenFile(path, below: scratch.bytes(), locking: true)
      Issue.record("two had the lock")
    } catch {
      #expect(error.isLocked)
    }
    #expect(try first.replace(with: Array("new".utf8)) == .done)
    let second = try RewrittenFile(path, below: scratch.bytes(), locking: true)
    #expect(second.bytes == Array("new".utf8))
  }

  @Test("A new file appears whole under a free name only")
  func created() throws {
    let path = scratch.bytes("x")
    let ownership = CreatedFile.Ownership(uid: getuid(), gid: getgid(), mode: 0o440)
    func create(_ byte: UInt8, check: (String) -> String? = { _ in nil }) throws
      -> RewrittenFile.Outcome
    {
      try CreatedFile.create(path, below: scratch.bytes(), with: [byte], ownership, check: check)
    }
    #expect(try create(0x61) { _ in "no" } == .refused("no"))
    #expect(content("x") == nil)
    #expect(try create(0x61) == .done)
    #expect(scratch.mode("x") == 0o440)
    #expect(throws: SystemError.self) { _ = try create(0x62) }
    #expect(content("x") == "a")
    #expect(SmallFile.names(in: scratch.path) == ["x"])
  }

  @Test("Below a root a link leads to what it names there, and never out")
  func rooted() throws {
    scratch.folder("etc")
    scratch.file("etc/real", 0o640, text: "inside")
    scratch.symlink("/etc/real", "etc/absolute")
    scratch.symlink("../../../../../etc/real", "etc/climbing")
    for name in ["absolute", "climbing", "real"] {
      let path = Array("/etc/\(name)".utf8)
      #expect(try RootedFile(path, root: scratch.bytes()).bytes == Array("inside".utf8))
      #expect(try RootedFile.place(path, root: scratch.bytes()) == Array("/etc/real".utf8))
    }
    #expect(throws: SystemError.self) {
      _ = try RootedFile(Array("/etc".utf8), root: scratch.bytes())
    }
    let names = try RootedFile.names(in: Array("/etc".utf8), root: scratch.bytes(), most: 3)
    #expect(names.map { String(decoding: $0, as: UTF8.self) } == ["absolute", "climbing", "real"])
  }
}
