import ByteText
import Control
import Testing

@Suite struct ConnectorTests {
  /// A daemon with one connector, which reports when it is asked, or does not.
  private func daemon(
    answers: Bool = true, refused: Int = 0, problem: String = "null"
  ) throws -> FakeDaemon {
    var reports = 1
    return try FakeDaemon { call in
      switch call.method {
      case "List" where call.interface == connectorInterfaceName:
        call.reply(
          "connectors",
          """
          [{"name":"shop","kind":"connector:shop","user":"shop","state":"ok","entries":7,\
          "maxEntries":100,"lastReport":"2026-11-26T10:00:00.000Z","lagMilliseconds":12,\
          "reports":\(reports),"refused":\(refused),"lastRefusal":null,"takesRevocations":true,\
          "pending":0,"staleSeconds":300,"problem":\(problem)}]
          """)
      case "AskForReport":
        if answers { reports += 1 }
        call.reply { $0.member("asked", true) }
      case "Show":
        call.reply("grants", #"[{"id":"g-1","kind":"file-mode"}]"#)
      default: call.fail(.invalid(call.method))
      }
    }
  }

  @Test("connector list shows how they are")
  func list() throws {
    let run = try daemon().grantctl("connector", "list")
    #expect(run.status == 0)
    #expect(run.output.contains("shop  ok     7        2026-11-26T10:00:00.000Z  12 ms  yes"))
  }

  @Test("connector check asks for two reports and finds nothing wrong")
  func good() throws {
    let run = try daemon().grantctl("connector", "check", "shop")
    #expect(run.status == 0 && run.words == "")
    #expect(!run.output.contains("FAILED") && run.output.contains("reports again"))
  }

  @Test("connector check tells of silence, refusals and problems")
  func bad() throws {
    let run = try daemon(answers: false, refused: 2, problem: "\"no report\"")
      .grantctl("connector", "check", "shop", "--within", "100ms")
    #expect(run.status == 1)
    for check in ["reports when it is asked", "calls as it must", "has no problem"] {
      #expect(run.words.contains("grantctl: connector check: shop: \(check)\n"), "\(run.words)")
    }
    #expect(try daemon().grantctl("connector", "check", "other").status == 4)
    #expect(try daemon().grantctl("connector", "check", "a", "b").status == 2)
    #expect(try daemon().grantctl("connector", "check", "shop", "--within", "soon").status == 2)
  }

  @Test("connector check takes back only what is the connector's")
  func foreignGrant() throws {
    let daemon = try daemon()
    let run = daemon.grantctl("connector", "check", "shop", "--revoke", "g-1")
    #expect(run.status == 1)
    #expect(run.words.contains("g-1: it is of kind file-mode, not connector:shop"))
    #expect(!daemon.seen.methods.contains("Revoke"))
  }
}
