import Glibc
import LinuxKit
import Testing

@Suite struct AccountNamesTests {
  @Test("Odd lines of the group file are read as the C library reads them")
  func oddGroups() {
    let text = """
      root:x:0:
        spaced:x:7:a, b
      # comment:x:1:evil
      +nis:::
      -:x:3:no
      short:x
      nomembers:x:9
      bad:x:nine:a
      huge:x:4294967296:a
      many:x:10:a,,b,
      :x:11:nameless
      more:x:12:a:b:c
      """
    let lines = AccountLines.groups(Array(text.utf8))
    #expect(
      lines.map { String(decoding: $0.name, as: UTF8.self) }
        == ["root", "spaced", "nomembers", "many", "more"])
    #expect(lines[1].members == [Array("a".utf8), Array("b".utf8)])
    #expect(lines[3].members == [Array("a".utf8), Array("b".utf8)])
    #expect(AccountLines.groups([]).isEmpty)
    #expect(AccountLines.users(Array("bob:x:1:\n:x:1:1\nx:y:0:0".utf8)).map(\.uid) == [0])
  }

  @Test("A line of a megabyte and bytes that are no text are read whole")
  func bigLine() {
    var text = Array("big:x:5:".utf8)
    for number in 0..<120_000 { text += Array("user\(number),".utf8) }
    text += [0xff, 0x0a]
    let lines = AccountLines.groups(text)
    #expect(lines.first?.members.count == 120_001)
    #expect(lines.first?.members.last == [0xff])
  }

  @Test("Names follow the files when they change, and stay when a file is gone")
  func follows() throws {
    let folder = Array("/tmp/grantwatch-names-\(getpid())".utf8)
    let text = String(decoding: folder, as: UTF8.self)
    mkdir(text, 0o700)
    defer { _ = Spawn.runAndWait("/bin/rm", ["-rf", text]) }
    func put(_ name: String, _ content: String) {
      _ = Spawn.runAndWait(
        "/bin/sh", ["-c", "cat > \"$0\".new && mv \"$0\".new \"$0\"", "\(text)/\(name)"],
        input: Array(content.utf8))
    }
    let names = AccountNames(
      passwd: folder + Array("/passwd".utf8), group: folder + Array("/group".utf8))
    #expect(names.userName(0) == nil)
    put("passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbob:x:5:7::/:/bin/sh\n")
    put("group", "staff:x:7:alice\nfirst:x:7:\n")
    #expect(names.userName(0) == "root")
    #expect(names.uid(ofUser: "toor") == 0)
    #expect(names.groupName(7) == "staff")
    #expect(names.members(ofGroup: "staff") == ["alice", "bob"])
    #expect(names.isMember("bob", ofGroup: "first"))
    put("group", "staff:x:8:carol\n")
    #expect(names.gid(ofGroup: "staff") == 8)
    #expect(names.members(ofGroup: "staff") == ["carol"])
    unlink("\(text)/group")
    #expect(names.gid(ofGroup: "staff") == 8)
  }

  @Test("A file that ends within a line and is fresh is torn; an empty one too")
  func torn() {
    let path = "/tmp/grantwatch-torn-\(getpid())"
    defer { unlink(path) }
    func read() -> AccountFileError? {
      do throws(AccountFileError) {
        _ = try AccountFile(path: Array(path.utf8))
        return nil
      } catch {
        return error
      }
    }
    #expect(read() == .unreadable(SystemError(ENOENT, "open", path)))
    _ = Spawn.runAndWait("/bin/sh", ["-c", ": > \"$0\"", path])
    #expect(read() == .torn(path))
    _ = Spawn.runAndWait("/bin/sh", ["-c", "printf 'root:x:0:\\nsta' > \"$0\"", path])
    #expect(read() == .torn(path))
    _ = Spawn.runAndWait("/usr/bin/touch", ["-d", "1 hour ago", path])
    #expect(read() == nil)
    _ = Spawn.runAndWait("/bin/sh", ["-c", "rm \"$0\"; ln -s /etc/group \"$0\"", path])
    #expect(read() == .unreadable(SystemError(ELOOP, "open", path)))
  }
}
