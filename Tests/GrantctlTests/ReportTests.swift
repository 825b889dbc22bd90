import ByteText
import Testing

@Suite struct ReportTests {
  /// A grant with what the report looks at.
  private func grant(
    _ day: String, _ provenance: String, agent: String? = nil, kind: String = "file-mode",
    state: String = "ended", endedBy: String? = nil, seconds: Double,
    bounds: (Double, Double)? = nil,
    approval: String = "null"
  ) -> String {
    """
    {"id":"g-1","kind":"\(kind)","state":"\(state)","provenance":"\(provenance)",\
    "agent":\(agent.map { #"{"name":"\#($0)","chain":["\#($0)"]}"# } ?? "null"),\
    "approval":\(approval),"grantedAt":"\(day)T10:00:00.000Z",\
    "endedBy":\(endedBy.map { #""\#($0)""# } ?? "null"),"activeSeconds":\(seconds),\
    "activeSecondsMin":\(bounds?.0 ?? seconds),"activeSecondsMax":\(bounds?.1 ?? seconds)}
    """
  }

  private func daemon(_ replies: [[String]]) throws -> FakeDaemon {
    try FakeDaemon { call in
      for (index, grants) in replies.enumerated() {
        call.reply(
          "grants", "[\(grants.joined(separator: ","))]", continues: index + 1 < replies.count)
      }
    }
  }

  private func rows(_ daemon: FakeDaemon) throws -> [JSON] {
    try JSON.parse(Array(daemon.grantctl("report", "-o", "json").output.utf8)).elements
  }

  @Test("Grants are counted by day, cause, agent and kind, over all replies, latest day first")
  func counts() throws {
    let helper = "forum-helper"
    let daemon = try daemon([
      [
        grant("2026-03-02", "agent-advised", agent: helper, endedBy: "expired", seconds: 6600),
        grant("2026-03-03", "human", state: "active", seconds: 60),
      ], [],
      [
        grant("2026-03-02", "agent-advised", agent: helper, state: "active", seconds: 30),
        grant(
          "2026-03-02", "agent-executed", agent: "codex", kind: "group-member", endedBy: "revoked",
          seconds: 90, bounds: (60, 120)),
      ],
    ])
    let rows = try rows(daemon)
    #expect(rows.map { $0["day"].text } == ["2026-03-03", "2026-03-02", "2026-03-02"])
    #expect(rows[0]["provenance"].text == "human" && rows[0]["agent"].isNull)
    #expect(rows[0]["active"].integer == 1 && rows[0]["unapprovedMinutes"].double == 0)
    #expect(rows[1]["agent"].text == helper && rows[1]["grants"].integer == 2)
    #expect(rows[1]["expired"].integer == 1 && rows[1]["active"].integer == 1)
    #expect(rows[1]["exposureMinutes"].double == 110.5)
    #expect(rows[1]["unapprovedMinutes"].double == 110.5)
    #expect(rows[2]["kind"].text == "group-member" && rows[2]["revoked"].integer == 1)
    #expect(rows[2]["exposureMinutesMin"].double == 1)
    #expect(rows[2]["exposureMinutesMax"].double == 2)
  }

  @Test("What stood open before an approval and after its end was unapproved")
  func approvals() throws {
    func approval(_ time: String, _ until: String) -> String {
      #"{"by":"carol","time":"2026-03-02T\#(time).000Z","until":"2026-03-02T\#(until).000Z","#
        + #""reason":"r","proof":"code"}"#
    }
    func unapproved(_ approval: String, state: String = "approved") throws -> Double? {
      let grant = grant(
        "2026-03-02", "agent-executed", agent: "codex", state: state, seconds: 3600,
        approval: approval)
      let rows = try rows(daemon([[grant]]))
      return rows.first?["unapprovedMinutes"].double
    }
    #expect(try unapproved("null", state: "active") == 60)
    #expect(try unapproved(approval("10:05:00", "11:30:00")) == 5)
    #expect(try unapproved(approval("10:05:00", "10:35:00"), state: "active") == 30)
    // Before the fact: the advice was approved.
    #expect(try unapproved(approval("09:00:00", "12:00:00")) == 0)
    #expect(try unapproved(approval("09:00:00", "09:30:00"), state: "active") == 60)
  }

  @Test("The table has a total, CSV and JSON lines have none; times are passed on")
  func formats() throws {
    let both = try daemon([
      [
        grant("2026-03-02", "agent-executed", agent: "codex", endedBy: "expired", seconds: 900),
        grant("2026-03-02", "unknown", endedBy: "removed", seconds: 60, bounds: (30, 90)),
      ]
    ])
    let table = both.grantctl("report", "--since", "2026-03-01T00:00:00Z").output
      .split(separator: "\n")
    #expect(table.count == 4)
    #expect(table[0].hasPrefix("DAY") && table[0].hasSuffix("MINUTES  UNAPPROVED"))
    #expect(table[1].split(separator: " ").suffix(2) == ["15", "15"])
    #expect(
      table[3].hasPrefix("total") && table[3].split(separator: " ").suffix(2) == ["16", "15"])
    #expect(both.seen.last["filter"]["since"].text == "2026-03-01T00:00:00.000Z")
    let wide = both.grantctl("report", "-o", "wide").output.split(separator: "\n")
    #expect(wide[2].split(separator: " ").suffix(2) == ["0.5", "1.5"])
    let csv = both.grantctl("report", "-o", "csv").output.split(separator: "\r\n")
    #expect(csv.count == 3)
    #expect(csv[1] == "2026-03-02,agent-executed,codex,file-mode,1,0,0,1,0,0,0,15,15,15,15")
    #expect(both.grantctl("report", "-ojsonl").output.split(separator: "\n").count == 2)
    let none = try daemon([[]])
    #expect(none.grantctl("report").words == "No grants.\n")
    #expect(none.grantctl("report", "-o", "json").output == "[]\n")
    #expect(none.grantctl("report", "--since", "yesterday").status == 2)
    #expect(none.grantctl("report", "extra").status == 2)
  }

  @Test("Members that are missing or wild do no harm")
  func wild() throws {
    let daemon = try daemon([
      [
        "{}", #"{"activeSeconds":-1e300,"grantedAt":"x","agent":7}"#,
        #"{"activeSeconds":1e300,"state":"ended","endedBy":"later","provenance":"human"}"#,
      ]
    ])
    let rows = try rows(daemon)
    #expect(rows.reduce(0) { $0 + ($1["grants"].integer ?? 0) } == 3)
  }
}
