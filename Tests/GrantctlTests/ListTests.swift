import ByteText
import Testing

@Suite struct ListTests {
  private func daemon(_ replies: [[String]]) throws -> FakeDaemon {
    try FakeDaemon { call in
      for (index, grants) in replies.enumerated() {
        call.reply(
          "grants", "[\(grants.joined(separator: ","))]", continues: index + 1 < replies.count)
      }
    }
  }

  @Test("json is one array of the daemon's own bytes, over all replies")
  func json() throws {
    let grants = [grantJSON("g-1"), grantJSON("g-2"), grantJSON("g-3")]
    let daemon = try daemon([[grants[0]], [], [grants[1], grants[2]]])
    let result = daemon.grantctl("list", "-o", "json")
    #expect(result.status == 0)
    #expect(result.output == "[\(grants[0]),\n \(grants[1]),\n \(grants[2])]\n")
    #expect(
      daemon.grantctl("-ojsonl", "list").output == grants.map { $0 + "\n" }.joined())
  }

  @Test("An empty list is an empty array and no failure")
  func empty() throws {
    let daemon = try daemon([[]])
    #expect(daemon.grantctl("list", "-o", "json").output == "[]\n")
    let table = daemon.grantctl("list")
    #expect((table.status, table.output, table.words) == (0, "", "No grants.\n"))
    #expect(daemon.grantctl("list", "-o", "csv").output.hasPrefix("id,incident,host,"))
    #expect(daemon.grantctl("list", "-o", "jsonl").output == "")
  }

  @Test("The table counts down, and text from outside cannot steer the terminal")
  func table() throws {
    let daemon = try daemon([
      [
        grantJSON("g-1", expiresAt: "\"2000-01-01T00:00:00.000Z\""),
        grantJSON("g-2", expiresAt: "\"9999-01-01T00:00:00.000Z\""),
        grantJSON("g-3", state: "ended"),
      ]
    ])
    let lines = daemon.grantctl("list").output.split(separator: "\n")
    #expect(lines.count == 4)
    #expect(
      lines[0].split(separator: " ")
        == ["ID", "STATE", "PROVENANCE", "SUBJECT", "RIGHT", "OBJECT", "ACTIVE", "LEFT"])
    #expect(lines[1].contains(#"file:/srv/a, "b" (6 items)  1min 1s"#))
    #expect(lines[1].hasSuffix("overdue"))
    #expect(!lines[2].hasSuffix("overdue"))
    let wide = daemon.grantctl("list", "-o", "wide").output
    #expect(wide.contains("chmod -R 777 /srv/\\x1b[31mdata"))
    #expect(!wide.utf8.contains(0x1b))
    let narrow = daemon.grantctl("list", width: 90).output
    #expect(narrow.split(separator: "\n").allSatisfy { $0.unicodeScalars.count <= 90 })
    #expect(narrow.contains("overdue"))
    #expect(narrow.contains("…"))
  }

  @Test("csv follows RFC 4180")
  func csv() throws {
    let output = try daemon([[grantJSON("g-1")]]).grantctl("list", "-o", "csv").output
    let lines = output.split(separator: "\r\n")
    #expect(lines.count == 2)
    #expect(output.hasSuffix("\r\n"))
    #expect(lines[1].hasPrefix("g-1,i-81vd,web1,false,file-mode,everyone,"))
    #expect(lines[1].contains(#","file:/srv/a, ""b""",6,"#))
  }

  @Test("Filters reach the daemon")
  func filters() throws {
    let daemon = try daemon([[]])
    _ = daemon.grantctl(
      "list", "--state", "active,approved", "--state=ended", "--provenance", "human", "--kind",
      "file-mode", "--subject", "user:*", "--object", "file:/srv/a,b*", "--agent", "claude*",
      "--incident", "i-81vd", "--since", "2026-11-22T10:00:00+01:00", "--until", "1h",
      "--standing")
    let filter = daemon.seen.last["filter"]
    #expect(filter["states"].elements.compactMap(\.text) == ["active", "approved", "ended"])
    #expect(filter["provenance"].elements == [.string("human")])
    #expect(filter["kind"].elements == [.string("file-mode")])
    #expect(filter["subject"] == .string("user:*"))
    #expect(filter["object"] == .string("file:/srv/a,b*"))
    #expect(filter["agent"] == .string("claude*"))
    #expect(filter["incident"] == .string("i-81vd"))
    #expect(filter["since"] == .string("2026-11-22T09:00:00.000Z"))
    #expect(filter["until"].text.flatMap(Timestamp.init(rfc3339:)) != nil)
    #expect(filter["standing"] == .bool(true))
  }

  @Test("A long table keeps its columns when it is longer than what is looked at first")
  func longTable() throws {
    let grants = (0..<1000).map { grantJSON("g-\($0)") }
    let output = try daemon([grants]).grantctl("list").output
    #expect(output.split(separator: "\n").count == 1001)
  }
}
