import ByteText
import Control
import Testing

@Suite struct ReadTests {
  private func shower() throws -> FakeDaemon {
    try FakeDaemon { call in
      let id = call.parameters["ids"].elements.first?.text ?? ""
      switch id {
      case "g-1", "g-2": call.reply("grants", "[\(grantJSON(id))]")
      case "g-": call.fail(.notFound(id: id, matches: ["g-1", "g-2"]))
      case "g-9": call.fail(.permissionDenied("not yours"))
      default: call.fail(.notFound(id: id, matches: []))
      }
    }
  }

  @Test("show gives an object for one id, an array for several, and what it found beside errors")
  func show() throws {
    let daemon = try shower()
    #expect(daemon.grantctl("show", "g-1", "-o", "json").output == grantJSON("g-1") + "\n")
    let both = daemon.grantctl("show", "g-1", "g-2", "-o", "json")
    #expect(both.output == "[\(grantJSON("g-1")),\n \(grantJSON("g-2"))]\n")
    #expect(both.status == 0)
    let part = daemon.grantctl("show", "g-x", "g-2", "g-", "-o", "json")
    #expect(part.status == 4)
    #expect(part.output == "[\(grantJSON("g-2"))]\n")
    #expect(
      part.words == """
        grantctl: show: g-x: no such id
        grantctl: show: g-: several match: g-1 g-2

        """)
    let denied = daemon.grantctl("show", "g-9")
    #expect((denied.status, denied.words) == (1, "grantctl: show: g-9: refused: not yours\n"))
    let table = daemon.grantctl("show", "g-1").output
    #expect(table.contains("Provenance:  agent-executed (certain)"))
    #expect(!table.utf8.contains(0x1b))
  }

  @Test("show prints the chain, what was said to be done, and the agent's question")
  func chain() throws {
    let more = """
      "chain":["claude-code","fixer"],"delegation":[{"role":"human","name":"alice","id":"1000"},\
      {"role":"agent","name":"claude-code","id":null},\
      {"role":"subagent","name":"fixer","id":"x1"}]},\
      "intent":{"fit":"wider","source":"approval","advice":"a-1",\
      "said":"read on file:/srv/a (chmod 640 /srv/a)"},\
      "prompt":{"grade":"asked","mode":"default","attended":true,"thinkMilliseconds":1500,\
      "toldBy":"agent"}
      """
    let grant = grantJSON("g-1").replacing("\"chain\":[\"claude-code\"]}", with: more)
    let daemon = try FakeDaemon { $0.reply("grants", "[\(grant)]") }
    let shown = daemon.grantctl("show", "g-1").output
    for line in [
      "Chain:       human alice (1000) > agent claude-code > subagent fixer (x1)\n",
      "Intent:      wider than approved; approved was: read on file:/srv/a (chmod 640 /srv/a)\n",
      "Prompt:      asked, mode default, attended, 1500 ms after the question, told by agent;"
        + " evidence, no approval\n",
    ] {
      #expect(shown.contains(line), "\(shown)")
    }
  }

  @Test("explain says why, in each format")
  func explain() throws {
    let text = """
      {"id":"g-1","verdict":"agent-executed","confidence":"certain","because":["one","two"],\
      "rule":"agents","deadline":"2026-11-22T10:15:01.120Z","will":"revoke"}
      """
    let daemon = try FakeDaemon { $0.reply("explanations", "[\(text)]") }
    #expect(daemon.grantctl("explain", "g-1", "-o", "json").output == text + "\n")
    #expect(
      daemon.grantctl("explain", "g-1").output == """
        g-1: agent-executed (certain)
          because one
          because two
          rule agents, deadline 2026-11-22T10:15:01.120Z, then revoke

        """)
    #expect(daemon.grantctl("explain", "g-1", "-o", "csv").output.contains("\"one\ntwo\"\r\n"))
  }

  @Test("status passes the object on, and exits 0")
  func status() throws {
    let text = """
      {"version":"0.1.0","mode":"enforce","state":"degraded","since":"2026-11-22T10:00:00.000Z",\
      "host":"web1","grants":{"active":3,"approved":1},"overdue":0,"next":null,\
      "sources":[{"name":"journal","state":"ok","lagMilliseconds":210,"lost":2}],\
      "ledger":{"records":1204,"head":"sha256:9f2c"},"problems":["no webhook"]}
      """
    let daemon = try FakeDaemon { $0.reply("status", text) }
    let json = daemon.grantctl("status", "-o", "json")
    #expect((json.status, json.output) == (0, text + "\n"))
    let table = daemon.grantctl("status")
    #expect(table.status == 0)
    #expect(table.output.contains("Source:  journal ok, 2 lost, 210 ms late\n"))
    #expect(table.output.contains("Problem: no webhook\n"))
    #expect(daemon.grantctl("status", "-o", "csv").output.contains("ledger.records,1204\r\n"))
  }

  @Test("log is a line for each event, also while it follows")
  func log() throws {
    let daemon = try FakeDaemon { call in
      for number in 0..<3 {
        call.reply(
          "events",
          """
          [{"seq":\(number),"time":"2026-11-22T10:00:00.000Z","type":"grant.detected",\
          "grant":null,"text":"t\(number)"}]
          """, continues: number < 2)
      }
    }
    let json = daemon.grantctl("log", "-f", "--since", "30d", "--grant", "g-1", "-o", "json")
    #expect(json.output.split(separator: "\n").count == 3)
    #expect(json.output.hasPrefix("{\"seq\":0"))
    #expect(daemon.seen.last["follow"] == .bool(true))
    #expect(daemon.seen.last["grant"] == .string("g-1"))
    let table = daemon.grantctl("log", "--follow").output.split(separator: "\n")
    #expect(table.count == 4)
    #expect(table[3].hasSuffix("  t2"))
  }

  @Test("verify exits 1 when the record is broken, and says where")
  func verify() throws {
    let good = try FakeDaemon {
      $0.reply("verification", #"{"ok":true,"records":2,"head":"sha256:9f","problems":[]}"#)
    }
    #expect(good.grantctl("verify").output == "ok: 2 records, head sha256:9f\n")
    let text = #"{"ok":false,"records":2,"head":"sha256:9f","problems":["line 3: broken"]}"#
    let bad = try FakeDaemon { $0.reply("verification", text) }
    let result = bad.grantctl("verify", "-o", "json")
    #expect((result.status, result.output) == (1, text + "\n"))
    #expect(result.words == "grantctl: verify: line 3: broken\n")
  }

  @Test("A daemon that goes away in the middle leaves an open array and exit status 3")
  func broken() throws {
    let daemon = try FakeDaemon { call in
      call.reply("grants", "[\(grantJSON("g-1"))]", continues: true)
      call.reply("grants", String(repeating: "[", count: 17 << 20), continues: true)
    }
    let result = daemon.grantctl("list", "-o", "json")
    #expect(result.status == 3)
    #expect(!result.output.hasSuffix("]\n"))
  }
}
