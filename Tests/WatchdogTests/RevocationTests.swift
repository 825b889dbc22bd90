import ByteText
import Glibc
import Scratch
import Testing

/// Limits of law 9, dry runs and requests.
extension EngineLiveTests {
  @Test func moreThanAMinuteAllowsQueueBySeverity() throws {
    let stage = try Stage("[Watchdog]\nMaxRevokesPerMinute=1\n" + Stage.configuration) { scratch in
      scratch.file("root/srv/a", 0o600)
    }
    try stage.start()
    try stage.agent("chmod 604 $D/a; usermod --prefix $S/root -aG docker eve")
    _ = try stage.wait("two grants") { try stage.grants().count == 2 ? true : nil }
    let file = try #require(try stage.fileGrant()["id"].text)
    let member = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", member)
    #expect(try stage.show(file)["state"].text == "expiring")
    #expect(stage.mode("a") == 0o604)
    let problems = try stage.status()["problems"].elements.compactMap(\.text)
    #expect(problems.contains { $0.contains("1 revocations are held back") })
    #expect(try stage.status()["state"].text == "degraded")
    stage.pass(seconds: 61)
    try stage.becomes("ended", file)
    #expect(stage.mode("a") == 0o600)
    #expect(try stage.status()["problems"].elements.isEmpty)
    #expect(try stage.status()["state"].text == "ok")
  }

  @Test func aDryRunChangesNothingAndSaysWhatItWouldDo() throws {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.file("root/srv/b", 0o640)
    }
    try stage.start()
    try stage.agent("chmod 666 $D/a $D/b; usermod --prefix $S/root -aG docker eve")
    let file = try #require(try stage.fileGrant(items: 2)["id"].text)
    let member = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    stage.pass(seconds: 3)
    let records = try stage.wait("the acts are closed") {
      try stage.status()["ledger"]["records"].integer
    }
    for (id, words) in [(file, "would restore 2 of 2 items"), (member, "usermod")] {
      let result = try stage.call("Revoke", [("ids", stage.ids(id)), ("dryRun", .bool(true))])[
        "results"
      ].elements.first
      #expect(result?["done"].bool == false)
      #expect(result?["status"].text == "dry-run")
      #expect(result?["result"].text?.contains(words) == true, "\(result ?? .null)")
      #expect(try stage.show(id)["state"].text == "active")
    }
    #expect(stage.mode("a") == 0o666)
    #expect(stage.mode("b") == 0o666)
    #expect(stage.members(of: "docker") == "eve")
    #expect(try stage.status()["ledger"]["records"].integer == records)
  }

  @Test func whoIsNeitherRootNorApproverMayNotRevoke() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    let reply = try stage.ask(
      "Revoke", [("ids", stage.ids(id))], by: stage.human, wrapped: Stage.asNobody)
    let result = try #require(reply["parameters"]["results"].elements.first)
    #expect(result["status"].text == "refused")
    #expect(stage.mode("a") == 0o666)
    for unknown in ["g-zzzzzz", "i-zzzz", "a-zzzz"] {
      let answer = try stage.call("Revoke", [("ids", stage.ids(unknown))])["results"].elements
      #expect(answer.map { $0["status"].text } == ["not-found"], "\(unknown)")
    }
  }

  @Test func inAlertModeNothingIsTakenBack() throws {
    let stage = try Stage("[Watchdog]\nMode=alert\n" + Stage.configuration) {
      $0.file("root/srv/a", 0o600)
    }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    stage.pass(seconds: 901)
    _ = try stage.wait("it is said to be overdue") { try stage.events("grant.expired").first }
    #expect(try stage.show(id)["state"].text == "active")
    #expect(stage.mode("a") == 0o666)
    let explanation = try stage.call("Explain", [("ids", stage.ids(id))])["explanations"].elements
    #expect(explanation.first?["will"].text == "alert")
  }

  @Test func aWarningComesBeforeTheDeadline() throws {
    let stage = try Stage(
      """
      [Approval]
      Authenticate=no
      [Rule agents]
      Provenance=agent-executed
      TTL=15min
      WarnBefore=5min
      OnDeadline=revoke

      """
    ) { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    stage.pass(seconds: 595)
    #expect(try stage.events("grant.warning").isEmpty)
    stage.pass(seconds: 10)
    let warning = try stage.wait("a warning") { try stage.events("grant.warning").first }
    #expect(warning["grant"].text == id)
    #expect(try stage.show(id)["state"].text == "active")
  }
}
