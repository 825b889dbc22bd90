import ByteText
import Grants
import Sources
import Testing

@Suite struct AuditEventTests {
  private static func bytes(_ name: String) -> [UInt8] {
    Samples.bytes("\(Samples.folder)/audit/\(name)")
  }

  private static func signals(of text: [UInt8], root: String = "") -> [AccessSignal] {
    var events = AuditEvents(root: Array(root.utf8))
    var signals: [AccessSignal] = []
    for line in text.split(separator: 0x0a) {
      line.withUnsafeBytes { bytes in
        guard let record = AuditRecord(line: bytes) else { return }
        events.take(record) { signals.append($0) }
      }
    }
    events.release(before: nil) { signals.append($0) }
    return signals
  }

  private static func signals(_ name: String) -> [AccessSignal] { signals(of: bytes(name)) }

  @Test("Every change of a file's mode, owner or attributes is told, with who and how")
  func files() {
    let told = Self.signals("aud-files.log").filter { $0.tool != "systemd" }
    func has(_ kind: GrantKind?, _ object: String?, _ command: String) -> Bool {
      told.contains {
        $0.kind == kind && $0.object == object && $0.command == command && $0.type == .set
          && $0.trusted && $0.uid == 0 && $0.loginUID == 0 && $0.session == 25 && $0.pid > 1
      }
    }
    #expect(has(.fileMode, "file:/srv/t/f", "chmod 777 /srv/t/f"))
    #expect(has(.fileMode, "file:/srv/t/cat", "chmod u+s /srv/t/cat"))
    #expect(has(.fileMode, "file:/srv/t/py", "chmod 4755 /srv/t/py"))
    #expect(has(.fileOwner, "file:/srv/t/g", "chown alice /srv/t/g"))
    #expect(has(.fileOwner, "file:/srv/t/g", "chown :docker /srv/t/g"))
    #expect(has(nil, "file:/srv/t/f", "setfacl -m u:alice:rwx /srv/t/f"))
    #expect(has(nil, "file:/srv/t", "setfacl -d -m g:devs:rwx /srv/t"))
    // A call on a descriptor names no path: the command does.
    #expect(has(nil, nil, "setcap cap_net_bind_service+ep /srv/t/py"))
    #expect(told.allSatisfy { $0.source == "audit" })
  }

  @Test("Below a root files are named from there, and those outside are open files of no name")
  func root() {
    let text = Self.bytes("aud-files.log")
    func objects(_ root: String, _ command: String) -> [String?] {
      Self.signals(of: text, root: root).filter { $0.command == command }.map(\.object)
    }
    #expect(objects("/srv", "chmod 777 /srv/t/f") == ["file:/t/f"])
    #expect(objects("/srv/t/f", "chmod 777 /srv/t/f") == [nil])
    #expect(objects("/sr", "chmod 777 /srv/t/f") == [nil])
    #expect(objects("/other", "chmod 777 /srv/t/f") == [nil])
  }

  @Test("A new account file in its place is told; an open for writing is not")
  func accounts() {
    let told = Self.signals("aud-accounts.log")
    let renames = told.filter { $0.object == "file:/etc/group" }
    #expect(renames.count == 12)
    #expect(renames.first?.command == "usermod -aG sudo bob")
    // gpasswd's words are read as in the journal.
    #expect(
      told.contains {
        $0.type == .revoke && $0.subject == "user:bob" && $0.object == "group:sudo"
      })
    #expect(told.contains { $0.type == .set && $0.members == ["bob"] && $0.object == "group:q1" })
    #expect(told.contains { $0.kind == .account && $0.message.contains("adding user") })
  }

  @Test("sudo's commands are told as typed, refusals too")
  func sudo() {
    let told = Self.signals("aud-sudo.log").filter { $0.kind == .sudoRule }
    #expect(told.contains { $0.type == .use && $0.command == "id" })
    #expect(told.contains { $0.type == .denied && $0.command == "/bin/cat /etc/shadow" })
    #expect(told.allSatisfy { $0.loginUID != nil })
  }

  @Test("A login uid that is set anew is told, a message written by hand is a spoof")
  func forgery() {
    let told = Self.signals("aud-spoof.log")
    #expect(told.contains { $0.tool == "loginuid" && $0.message.contains("from 0 to 1002") })
    let spoofs = told.filter { $0.type == .spoof }
    #expect(spoofs.count == 1 && spoofs.allSatisfy { !$0.trusted })
  }

  @Test(
    "What auditd writes with names gives the same as the kernel's own text",
    arguments: ["aud-files", "aud-accounts"])
  func formats(name: String) {
    let kernel = Self.signals("\(name).log")
    let daemon = Self.signals("\(name).auditd.log")
    #expect(!kernel.isEmpty && daemon.count >= kernel.count)
    let missing = kernel.filter { signal in !daemon.contains { $0.message == signal.message } }
    #expect(missing.map(\.message) == [])
  }

  @Test("Records of several events, interleaved or without an end, are put together")
  func interleaved() {
    let text = """
      type=SYSCALL msg=audit(100.000:1): arch=c000003e syscall=268 success=yes exit=0 pid=10 auid=7 uid=0 ses=3 comm="chmod" exe="/usr/bin/chmod" key=(null)
      type=SYSCALL msg=audit(100.000:2): arch=c00000b7 syscall=53 success=yes exit=0 pid=20 auid=4294967295 uid=0 ses=4294967295 comm="chmod" exe="/usr/bin/chmod"
      type=SYSCALL msg=audit(100.000:3): arch=c000003e syscall=268 success=no exit=-1 pid=30 auid=7 uid=9 ses=3 comm="chmod"
      type=CWD msg=audit(100.000:2): cwd="/srv"
      type=CWD msg=audit(100.000:1): cwd=2F746D702F6120FF
      type=PATH msg=audit(100.000:1): item=0 name=6222C3 nametype=NORMAL
      type=PATH msg=audit(100.000:2): item=0 name="./x" nametype=NORMAL
      type=EOE msg=audit(100.000:1):
      """
    let told = Self.signals(of: Array(text.utf8))
    #expect(told.map(\.object) == ["file:/tmp/a \\xff/b\"\\xc3", "file:/srv/x"])
    #expect(told.map(\.pid) == [10, 20] && told.map(\.loginUID) == [7, nil])
    #expect(told.map(\.cursor) == ["100.0:1", "100.0:2"])
  }

  @Test("The oldest of too many open events is told as it is")
  func bounded() {
    var text = ""
    for serial in 1...600 {
      text +=
        "type=SYSCALL msg=audit(5.001:\(serial)): arch=40000003 syscall=15 success=yes pid=9 uid=0\n"
    }
    #expect(Self.signals(of: Array(text.utf8)).count == 600)
  }

  @Test("Damaged records never trap, and are never somebody else's")
  func mutations() {
    let bytes = Self.bytes("aud-accounts.log") + Self.bytes("aud-spoof.log")
    let lines = bytes.split(separator: 0x0a)
    var state: UInt64 = 99
    func random(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(1, limit)
    }
    for _ in 0..<20_000 {
      var line = Array(lines[random(lines.count)])
      for _ in 0...random(4) {
        switch random(4) {
        case 0: line = Array(line.prefix(random(line.count)))
        case 1: if !line.isEmpty { line[random(line.count)] = UInt8(random(256)) }
        case 2: line.insert(UInt8(random(256)), at: random(line.count + 1))
        default: line += line.prefix(random(300))
        }
      }
      var events = AuditEvents()
      line.withUnsafeBytes { bytes in
        if let record = AuditRecord(line: bytes) { events.take(record) { _ in } }
        if let record = AuditRecord(type: UInt16(random(2500)), bytes) {
          events.take(record) { _ in }
        }
      }
      events.release(before: nil) { _ in }
    }
    let long =
      Array("type=PATH msg=audit(1.0:1): name=".utf8) + [UInt8](repeating: 0x41, count: 1 << 20)
    #expect(Self.signals(of: long).isEmpty)
  }

  @Test("Lines are cut the same however the text comes, and long ones are passed over")
  func lines() {
    let text = Array("one\n\n\(String(repeating: "x", count: 50))\ntwo\nrest".utf8)
    for size in [1, 3, 100] {
      var splitter = LineSplitter(longest: 20)
      var found: [String] = []
      var ends: [Int64] = []
      for start in stride(from: 0, to: text.count, by: size) {
        splitter.take(text[start..<min(start + size, text.count)]) { line, next in
          found.append(String(decoding: line, as: UTF8.self))
          ends.append(next)
        }
      }
      #expect(found == ["one", "", "two"] && ends == [4, 5, 60])
      #expect(splitter.passed == 1 && splitter.lineStart == 60)
    }
  }
}
