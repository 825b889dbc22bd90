import ByteText
import Grants
import Sources
import Testing

@Suite struct LinePatternTests {
  private func parts(_ pattern: String, _ line: String) throws -> [String: String?]? {
    try LinePattern(pattern).parts(of: Array(line.utf8))?.mapValues { part in
      part.map { String(decoding: $0, as: UTF8.self) }
    }
  }

  @Test("A pattern fits a line from end to end, and names its parts")
  func fits() throws {
    let pattern = "user {user} added to pool {pool}"
    #expect(try parts(pattern, "user bob added to pool ops") == ["user": "bob", "pool": "ops"])
    #expect(try parts(pattern, "a user bob added to pool ops") == nil)
    #expect(try parts(pattern, "user  added to pool ") == nil)
    #expect(try parts("{{{a}}}", "{x}") == ["a": "x"])
    #expect(try parts("plain", "plain") == [:])
    #expect(try parts("plain", "plain ") == nil)
  }

  @Test("What can be read in two ways is left open")
  func ambiguous() throws {
    let found = try parts("add {a} to {b}!", "add x to y to z!")
    #expect(found == ["a": nil, "b": nil])
    #expect(try parts("add {a} to {b}!", "add x to z!") == ["a": "x", "b": "z"])
  }

  @Test(
    "A bad pattern says what is wrong",
    arguments: [
      ("user {a", "'{' is not closed"), ("{a}{b}", "side by side"), ("a }", "'}' without"),
      ("{a}", "no text of its own"), ("x {a} y {a}", "comes twice"), ("x {a b}", "letters"),
    ])
  func bad(pattern: String, reason: String) {
    let error = #expect(throws: BadPattern.self) { try LinePattern(pattern) }
    #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
  }

  private let file = """
    [Recognizer]
    Name=vpn
    Identifier=vpn-admin
    UID=0
    Executable=/usr/sbin/vpn-*
    [Line]
    Pattern=user {user} added to pool {pool}
    Type=grant
    Kind=connector:vpn
    Subject=user:{user}
    Object=pool:{pool}
    """

  private func read(_ text: String) -> (AdminRecognizers, [String]) {
    let (recognizers, findings) = AdminRecognizers.read([("/etc/r/vpn.conf", Array(text.utf8))])
    return (recognizers, findings.map(\.description))
  }

  private func line(_ text: String, uid: UInt32 = 0, exe: String = "/usr/sbin/vpn-admin")
    -> JournalFields
  {
    var fields = JournalFields()
    fields.identifiers = [Array("vpn-admin".utf8)]
    fields.message = Array(text.utf8)
    fields.uid = uid
    fields.exe = Array(exe.utf8)
    return fields
  }

  @Test("An admin's recogniser tells its lines, and knows who may write them")
  func admins() {
    let (recognizers, findings) = read(file)
    #expect(findings.isEmpty && recognizers.identifiers == ["vpn-admin"])
    let told = recognizers.recognize(line("user bob added to pool ops"))?.recognition
    #expect(told?.type == .grant && told?.trusted == true)
    #expect(told?.kind?.rawValue == "connector:vpn")
    #expect(told?.subject == "user:bob" && told?.object == "pool:ops")
    let forged = recognizers.recognize(line("user bob added to pool ops", uid: 7))?.recognition
    #expect(forged?.type == .spoof && forged?.trusted == false)
    let other = recognizers.recognize(line("user bob added to pool ops", exe: "/tmp/vpn-admin"))
    #expect(other?.recognition.type == .spoof)
    #expect(recognizers.recognize(line("something else")) == nil)
    let two = recognizers.recognize(line("user a added to pool b added to pool c"))?.recognition
    #expect(two?.subject == nil && two?.trusted == false)
  }

  @Test(
    "What is wrong with a file has its place",
    arguments: [
      ("Type=grant", "Type=gift", ":8: bad value 'gift'"),
      ("Pattern=user {user}", "Pattern=user {user", ":7: bad pattern"),
      (
        "Subject=user:{user}", "Subject=user:{usr}",
        ":10: Subject=: the pattern has no part '{usr}'"
      ),
      ("Identifier=vpn-admin", "Identifier=sudo", ":3: 'sudo' has a recogniser"),
      ("UID=0\nExecutable=/usr/sbin/vpn-*", "", ":1: 'UID=', 'Executable=' or 'Unit='"),
      ("UID=0", "UID=root", ":4: 'root' is no uid"),
      ("Kind=connector:vpn", "Kind=group-membr", "did you mean 'group-member'?"),
      ("Object=", "Objekt=", ":11: unknown key 'Objekt'"),
    ])
  func findings(old: String, new: String, finding: String) {
    var text = file
    if let range = text.firstRange(of: old) { text.replaceSubrange(range, with: new) }
    let (_, findings) = read(text)
    #expect(findings.contains { $0.contains(finding) }, "\(findings)")
  }
}

@Suite struct ExportReaderTests {
  @Test("However the text is cut into pieces, the entries are the same", arguments: [1, 7, 4096])
  func pieces(size: Int) {
    for name in ["adv-native-fake-fields", "acct-gpasswd"] {
      let bytes = Samples.bytes(Samples.path(name))
      var reader = ExportReader()
      var entries: [JournalFields] = []
      var at = 0
      while at < bytes.count {
        let end = min(at + size, bytes.count)
        reader.take(bytes[at..<end]) { entries.append($0.fields) }
        at = end
      }
      #expect(reader.end { entries.append($0.fields) } && !reader.isDamaged)
      #expect(entries == Samples.entries(name), "\(name)")
    }
  }

  @Test("Cut or damaged input gives what came before, and is known")
  func damaged() {
    let bytes = Samples.bytes(Samples.path("adv-native-fake-fields"))
    var state: UInt64 = 7
    for _ in 0..<300 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var broken = bytes
      let at = Int(state >> 33) % broken.count
      broken[at] ^= UInt8(truncatingIfNeeded: state >> 20) | 1
      var reader = ExportReader()
      var count = 0
      reader.take(broken[..<(Int(state >> 13) % broken.count)]) { _ in count += 1 }
      _ = reader.end { _ in count += 1 }
      #expect(count <= 1000)
    }
    var huge = ExportReader()
    huge.take(Array("MESSAGE\n".utf8)[...]) { _ in }
    huge.take([255, 255, 255, 255, 255, 255, 255, 127, 65]) { _ in }
    #expect(!huge.end { _ in })
  }
}
