import Glibc
import LinuxKit
import Scratch
import Testing

@Suite struct ProcessFilesTests {
  @Test("A process tells of itself what the C library tells")
  func itself() throws {
    let files = ProcessFiles()
    let pid = getpid()
    let stat = try #require(files.stat(pid))
    #expect(stat.parent == getppid())
    #expect(stat.group == getpgrp())
    #expect(stat.session == getsid(0))
    #expect(stat.start > 0)
    #expect(try #require(files.uids(pid)).real == getuid())
    #expect(try #require(files.uids(pid)).effective == geteuid())
    let arguments = try #require(files.withContents(of: .arguments, pid) { Array($0) })
    let first = try #require(CommandLine.arguments.first)
    #expect(arguments.starts(with: first.utf8))
    #expect(files.executable(pid)?.first == UInt8(ascii: "/"))
    #expect(files.processes().contains(pid))
    #expect(files.exists(pid))
    #expect(files.controlGroup(pid)?.first == UInt8(ascii: "/"))
  }

  @Test("What is not there is nil")
  func missing() {
    for files in [ProcessFiles(), ProcessFiles(root: "/nonexistent")] {
      let pid = Int32.max
      #expect(files.stat(pid) == nil)
      #expect(files.uids(pid) == nil)
      #expect(files.loginUID(pid) == nil)
      #expect(files.auditSession(pid) == nil)
      #expect(files.executable(pid) == nil)
      #expect(files.controlGroup(pid) == nil)
      #expect(files.withContents(of: .environment, pid) { $0.count } == nil)
      #expect(!files.exists(pid))
    }
    #expect(ProcessFiles(root: "/nonexistent").processes().isEmpty)
  }

  @Test("Names with parentheses, blanks and newlines do not shift the fields")
  func oddNames() throws {
    let root = try Folder()
    root.put("7/stat", "7 (a) R 1 (\n\u{7f}) S 3 4 5 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 99 0\n")
    root.put("8/stat", "8 (cut) S 3")
    root.put("9/stat", ") 9 (")
    let files = ProcessFiles(root: root.path)
    let stat = try #require(files.stat(7))
    #expect(stat.comm == Array("a) R 1 (\n\u{7f}".utf8))
    #expect([stat.parent, stat.group, stat.session] == [3, 4, 5])
    #expect(stat.state == UInt8(ascii: "S"))
    #expect(stat.start == 99)
    #expect(files.stat(8) == nil)
    #expect(files.stat(9) == nil)
  }

  @Test("A deleted program keeps its name, an unset login uid is none")
  func details() throws {
    let root = try Folder()
    root.link("7/exe", to: "/opt/x/claude (deleted)")
    root.put("7/loginuid", "4294967295")
    root.put("7/sessionid", "12")
    root.put("7/status", "Name:\tx\nUid:\t1000\t0\t0\t0\nGid:\t5\t5\t5\t5\n")
    root.put("7/cgroup", "4:memory:/a\n0::/user.slice\n")
    root.put("8/cgroup", "9:name=systemd:/system.slice/x.service\n0::/\n")
    let files = ProcessFiles(root: root.path)
    #expect(files.executable(7) == Array("/opt/x/claude".utf8))
    #expect(files.loginUID(7) == nil)
    #expect(files.auditSession(7) == 12)
    #expect(files.uids(7)?.real == 1000)
    #expect(files.uids(7)?.effective == 0)
    #expect(files.controlGroup(7) == Array("/user.slice".utf8))
    #expect(files.controlGroup(8) == Array("/system.slice/x.service".utf8))
  }

  @Test("Users and groups of a process, and what is no list of them")
  func credentials() throws {
    let root = try Folder()
    root.put(
      "7/status",
      "Name:\tUid:\t9\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t64\nGroups:\t9 10 \nNStgid:\t7\n"
    )
    root.put("8/status", "Uid:\t1\t2\t3\nGid:\t5\t6\t7\t8\nGroups:\t\n")
    root.put("9/status", "Uid:\t1\t1\t1\t1\nGid:\t5\t5\t5\t5\nGroups:\t99999999999 x -1 \n")
    let many = String(repeating: "1234567890 ", count: 20_000)
    root.put("10/status", "Uid:\t1\t1\t1\t1\nGid:\t5\t5\t5\t5\nGroups:\t\(many)\n")
    let files = ProcessFiles(root: root.path)
    let found = try #require(files.credentials(7))
    #expect(found.uids == [1, 2, 3, 4] && found.gids == [5, 6, 7, 8] && found.groups == [9, 10])
    #expect([5, 8, 9, 10].allSatisfy { found.has(gid: $0) } && !found.has(gid: 64))
    #expect(files.credentials(8) == nil)
    #expect(files.credentials(9)?.groups == [])
    #expect(Set(files.credentials(10)?.groups ?? []) == [1_234_567_890])
    #expect(files.credentials(11) == nil)
    let own = try #require(ProcessFiles().credentials(getpid()))
    #expect(own.uids[1] == geteuid() && own.gids[1] == getegid())
  }

  @Test("How a descriptor was opened, by its flags")
  func descriptorFlags() {
    let scratch = Scratch()
    scratch.folder("7")
    scratch.folder("7/fdinfo")
    let flags = [
      "0100000", "0100001", "02100002", "012000000", "0100003", "", "9", "77777777777777777777",
    ]
    for (number, text) in flags.enumerated() {
      scratch.file("7/fdinfo/\(number)", text: "pos:\t0\nflags:\t\(text)\nmnt_id:\t9\n")
    }
    let files = ProcessFiles(root: scratch.path)
    let found = flags.indices.map { files.access(7, descriptor: Int32($0)) }
    #expect(found == [.read, .write, [.read, .write], [], [.read, .write], nil, nil, nil])
    #expect(files.access(8, descriptor: 0) == nil)
  }

  @Test("A process's own descriptors and program are its files")
  func descriptors() throws {
    let files = ProcessFiles()
    let opened = open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { close(opened) }
    let null = try FileStatus.at(Array("/dev/null".utf8))
    var seen: [Int32] = []
    #expect(
      files.eachDescriptor(getpid(), limit: 10_000) { descriptor, device, inode in
        if device == null.device, inode == null.inode { seen.append(descriptor) }
      })
    #expect(seen.contains(opened))
    #expect(files.access(getpid(), descriptor: opened) == .write)
    #expect(!files.eachDescriptor(getpid(), limit: 1) { _, _, _ in })
    #expect(files.eachDescriptor(Int32.max, limit: 1) { _, _, _ in })
    let program = try FileStatus.at(Array("/proc/self/exe".utf8), follow: true)
    #expect(files.program(getpid())?.inode == program.inode)
    #expect(files.program(Int32.max) == nil)
  }

  @Test("A long environment is cut, not refused")
  func long() throws {
    let root = try Folder()
    root.put("7/environ", String(repeating: "A=b\0", count: 100_000))
    let files = ProcessFiles(root: root.path)
    #expect(files.withContents(of: .environment, 7) { $0.count } == ProcessFiles.longest)
  }
}

/// A folder that goes when the test ends.
final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/grantwatch-test-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&template))
    path = String(cString: made)
  }

  deinit {
    for inner in names(in: path) {
      for file in names(in: "\(path)/\(inner)") { remove("\(path)/\(inner)/\(file)") }
      remove("\(path)/\(inner)")
    }
    remove(path)
  }

  private func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      withUnsafeBytes(of: &entry.pointee.d_name) { name in
        names.append(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
      }
    }
    return names.filter { $0 != "." && $0 != ".." }
  }

  func put(_ name: String, _ text: String) {
    makeParent(of: name)
    guard let file = fopen("\(path)/\(name)", "w") else { return }
    fwrite(text, 1, text.utf8.count, file)
    fclose(file)
  }

  func link(_ name: String, to target: String) {
    makeParent(of: name)
    symlink(target, "\(path)/\(name)")
  }

  private func makeParent(of name: String) {
    guard let slash = name.lastIndex(of: "/") else { return }
    mkdir("\(path)/\(name[..<slash])", 0o755)
  }
}
