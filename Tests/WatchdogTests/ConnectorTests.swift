import ByteText
import Control
import Glibc
import Grants
import LinuxKit
import Scratch
import Testing
import Watchdog

private let one = FakeConnector.entry("role:app", "shop:table/t1", "SELECT")
private let two = FakeConnector.entry(
  "role:app", "shop:table/t2", "INSERT",
  actor: [
    ("role", .string("alice")), ("address", .string("192.0.2.7")), ("backend", .integer(77)),
  ])
private let agentsEntry = FakeConnector.entry(
  "everyone", "shop:table/t3", "SELECT", actor: [("role", .string("dba_bot"))])

/// Connectors on the control socket: what they report, what they are asked, and what they do badly.
extension EngineLiveTests {
  private typealias Entry = FakeConnector

  private func stage(_ keys: String = "") throws -> Stage {
    let stage = try Stage { scratch in
      scratch.folder("etc/connectors.d")
      scratch.file(
        "etc/connectors.d/shop.conf", 0o644, text: "[Connector]\nUser=nobody\n\(keys)\n")
      scratch.file(
        "etc/agents.d/dba.conf", 0o644, text: "[Agent]\nName=dba-agent\n[Match]\nUser=dba_bot\n")
    }
    try stage.start()
    return stage
  }

  private func listed(_ stage: Stage) throws -> JSON {
    try stage.call("Connector.List")["connectors"].elements.first ?? .null
  }

  private func overdue(_ stage: Stage, _ connector: FakeConnector) throws -> String {
    try connector.report([one])
    try connector.report([one, agentsEntry])
    let grant = try stage.grant("the agent's grant") { $0["object"].text == "shop:table/t3" }
    #expect(
      grant["provenance"].text == "agent-executed" && grant["agent"]["name"].text == "dba-agent")
    stage.pass(seconds: 901)
    return try #require(grant["id"].text)
  }

  @Test func whatAConnectorReportsFirstIsStandingAndWhatComesIsAGrant() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    #expect(try connector.call("GetLimits")["entries"].integer == 10_000)
    try connector.report([one])
    let standing = try stage.grants(standing: true)
      .filter { $0["kind"].text == "connector:shop" }
    #expect(standing.map { $0["object"].text } == ["shop:table/t1"])
    // A page is no state.
    try connector.report([one], complete: false)
    #expect(try stage.grants().isEmpty)
    try connector.report([two])
    let grant = try stage.grant("what was given") { $0["kind"].text == "connector:shop" }
    #expect(grant["subject"].text == "role:app" && grant["right"].text == "INSERT")
    #expect(grant["provenance"].text == "unknown" && grant["actor"]["user"].text == "alice")
    let told = grant["evidence"].elements.compactMap { $0["text"].text }
    #expect(told.contains("role alice, backend 77, from 192.0.2.7"))
    try connector.call("Unchanged")
    try connector.report([one])
    let id = try #require(grant["id"].text)
    #expect(try stage.becomes("ended", id)["endedBy"].text == "removed")
    #expect(try listed(stage)["entries"].integer == 1)
  }

  @Test func aRevocationIsDoneWhenTheNextReportSaysSo() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    let id = try overdue(stage, connector)
    let asked = try stage.wait("the revocation") { connector.revocations.first }
    #expect(asked["grant"].text == id)
    let entry = asked["entries"].elements.first?["entry"] ?? .null
    #expect(entry["subject"].text == "everyone" && entry["right"].text == "SELECT")
    #expect(entry["detail"].text == "{\"of\":\"shop:table/t3\"}")
    try connector.answer(asked, "done", text: "one statement", residue: ["backend 9 still reads"])
    #expect(try stage.show(id)["state"].text == "expiring")
    try connector.report([one])
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(ended["residue"].elements.first?.text == "backend 9 still reads")
    #expect(try stage.events("grant.residue").count == 1)
  }

  /// Whoever took it back told who still uses it, and is not asked again.
  @Test(arguments: [["backend 9 still reads"], []])
  func aCrashBehindTheEndLosesNoOutcome(residue: [String]) throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    let id = try overdue(stage, connector)
    let asked = try stage.wait("the revocation") { connector.revocations.first }
    try connector.answer(asked, "done", residue: residue)
    try connector.report([one])
    try stage.becomes("ended", id)
    _ = try stage.wait("the outcome") { try stage.show(id)["outcome"].text }
    stage.stop()
    try cutLedger(stage, at: "grant.revoked", keepingIt: true)
    for _ in 0..<2 {
      try stage.start()
      let grant = try stage.show(id)
      #expect(grant["outcome"].text == (residue.isEmpty ? "clean" : "residue"))
      #expect(grant["residue"].elements.compactMap(\.text) == residue)
      #expect(try stage.events("grant.residue").count == residue.count)
      #expect(try stage.events("grant.revoked").count == 1)
      stage.stop()
    }
  }

  @Test func aConnectorThatLiesIsNotBelieved() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    let id = try overdue(stage, connector)
    let asked = try stage.wait("the revocation") { connector.revocations.first }
    try connector.answer(asked, "done")
    try connector.report([one, agentsEntry])
    try stage.becomes("revoke-failed", id)
    let problem = try #require(try listed(stage)["problem"].text)
    #expect(problem.contains("reports it still"))
    #expect(try stage.status()["problems"].elements.contains { $0.text?.contains("shop") == true })
    stage.pass(seconds: 10)
    let again = try stage.wait("another try") { connector.revocations.dropFirst().first }
    #expect(again["id"] != asked["id"])
    try connector.answer(again, "gone")
    try connector.report([one])
    try stage.becomes("ended", id)
    // An answer to what is over is an error of its own.
    #expect(throws: ControlClientError.self) { try connector.answer(again, "done") }
  }

  @Test func aConnectorThatHangsOrDiesFailsAndIsAskedAgain() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    let id = try overdue(stage, connector)
    _ = try stage.wait("the revocation") { connector.revocations.first }
    stage.pass(seconds: 61)
    let failed = try stage.becomes("revoke-failed", id)
    #expect(failed["state"].text == "revoke-failed")
    #expect(try stage.events("grant.revoke-failed").count == 1)
    connector.die()
    _ = try stage.wait("nobody listens") {
      try listed(stage)["takesRevocations"].bool == false ? true : nil
    }
    // Nobody is there when it is tried again; who comes is asked at once.
    stage.pass(seconds: 10)
    try stage.becomes("expiring", id)
    let successor = try FakeConnector(stage.socket)
    successor.listen()
    let asked = try stage.wait("the revocation") { successor.revocations.first }
    try successor.answer(asked, "done")
    try successor.report([one])
    try stage.becomes("ended", id)
  }

  @Test func whatIsMalformedTooMuchOrTooOftenIsRefusedAndNothingIsLost() throws {
    let stage = try stage("MaxEntries=3")
    let connector = try FakeConnector(stage.socket)
    try connector.report([one])
    func refused(_ name: String, _ body: () throws -> Void) {
      do {
        try body()
        Issue.record("\(name): taken")
      } catch ControlClientError.refused(let error) {
        #expect(error.name(in: connectorInterfaceName) == "io.grantwatch.Connector.\(name)")
      } catch {
        Issue.record("\(name): \(error)")
      }
    }
    let long = String(repeating: "x", count: 1025)
    refused("TooLarge") { try connector.report([Entry.entry(long, "o", "r")]) }
    refused("Invalid") { try connector.report([Entry.entry("", "o", "r")]) }
    refused("Invalid") { try connector.report([.string("entry")]) }
    refused("Invalid") { try connector.report([], complete: false) }
    refused("TooLarge") {
      try connector.report((0..<4).map { Entry.entry("s", "o\($0)", "r") })
    }
    refused("NotFound") { try FakeConnector(stage.socket, "other").report([]) }
    refused("Invalid") { try FakeConnector(stage.socket).call("Unchanged") }
    refused("TooOften") { for _ in 0..<150 { try connector.call("Unchanged") } }
    let listed = try listed(stage)
    #expect(listed["entries"].integer == 1 && (listed["refused"].integer ?? 0) >= 7)
    #expect(try stage.grants().isEmpty)
    stage.pass(seconds: 61)
    try connector.report([one, two])
    #expect(try stage.grants().count == 1)
    // Another account speaks for nobody; the one that is named does.
    let parameters: [(String, JSON)] = [("connector", .string("shop"))]
    let nobody = try stage.ask(
      "Connector.GetLimits", parameters, by: stage.approver, wrapped: Stage.asNobody)
    #expect(nobody["parameters"]["entries"].integer == 3)
    let other = try stage.ask(
      "Connector.GetLimits", parameters, by: stage.approver,
      wrapped: "/usr/bin/setpriv --reuid=1001 --regid=1001 --clear-groups")
    #expect(other["error"].text == "io.grantwatch.Connector.PermissionDenied")
  }

  @Test func aSilentConnectorIsAGapAndItsPagesDieWithIt() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    try connector.report([one])
    try connector.report([one, two], complete: false)
    connector.die()
    stage.pass(seconds: 301)
    _ = try stage.wait("the gap") {
      try stage.events("source.gap").first {
        $0["text"].text?.contains("no report for 5min") == true
      }
    }
    #expect(try listed(stage)["state"].text == "stale")
    #expect(try stage.status()["state"].text == "degraded")
    let successor = try FakeConnector(stage.socket)
    try successor.report([two])
    let grant = try stage.grant("what was given in the gap") { $0["right"].text == "INSERT" }
    let most = grant["activeSecondsMax"].double ?? 0
    #expect(most > 299, "\(most)")
    #expect(try listed(stage)["state"].text == "ok")
    #expect(
      try stage.events("source.gap").contains {
        $0["text"].text?.contains("it had not reported") == true
      })
  }

  @Test func aRestartKnowsWhatWasReported() throws {
    let stage = try stage()
    try FakeConnector(stage.socket).report([one, two])
    stage.stop()
    try stage.start()
    let connector = try FakeConnector(stage.socket)
    try connector.report([two, agentsEntry])
    let grants = try stage.grants()
    #expect(grants.map { $0["object"].text } == ["shop:table/t3"])
    #expect(grants.first?["activeSecondsMax"].double ?? 0 > 0)
    let standing = try stage.grants(standing: true)
      .filter { $0["kind"].text == "connector:shop" && $0["standing"].bool == true }
    #expect(standing.map { $0["object"].text } == ["shop:table/t2"])
  }

  @Test func aClientOnThisHostIsLookedUpInTheProcessTable() throws {
    let stage = try stage()
    try stage.agent("echo $$ >$S/out/agent.pid")
    let pid = try #require(stage.text("out/agent.pid").flatMap { Int64($0.dropLast()) })
    let connector = try FakeConnector(stage.socket)
    try connector.report([one])
    try connector.report([
      one, Entry.entry("role:x", "shop:table/t9", "DELETE", actor: [("pid", .integer(pid))]),
    ])
    let grant = try stage.grant("the agent's") { $0["right"].text == "DELETE" }
    #expect(grant["provenance"].text == "agent-executed" && grant["confidence"].text == "strong")
    #expect(grant["agent"]["name"].text == "claude-code")
  }

  @Test func aGrantOfManyEntriesIsAskedForInParts() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    try connector.report([one])
    try connector.report(
      [one] + (0..<450).map { Entry.entry("role:app", "shop:all", "SELECT \($0)") })
    let grant = try stage.grant("one grant") { $0["items"].integer == 450 }
    let id = try #require(grant["id"].text)
    connector.answerAll("done", parts: 3, then: [one])
    let answer = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
    #expect(answer?["done"].bool == true)
    #expect(connector.revocations.map { $0["entries"].elements.count }.sorted() == [50, 200, 200])
  }

  /// The example of grantwatch-connectors(7), as the page has it.
  private func example() throws -> String {
    let page =
      String(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined())
      + "/man/grantwatch-connectors.7"
    let text = String(decoding: try SmallFile.read(page), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("#!/usr/bin/python3") })
    return lines[start...].prefix { $0 != ".Ed" }.joined(separator: "\n")
      .split(separator: "\\e", omittingEmptySubsequences: false).joined(separator: "\\") + "\n"
  }

  @Test(.enabled(if: access("/usr/bin/python3", X_OK) == 0, "needs python3"))
  func theExampleOfTheManualWorks() throws {
    let program = try example()
    let stage = try Stage { scratch in
      scratch.folder("etc/connectors.d")
      scratch.file(
        "etc/connectors.d/doors.conf", 0o644, text: "[Connector]\nUser=nobody\n")
      scratch.file("doors.py", 0o755, text: program)
      scratch.file("keys.json", 0o644, text: #"{"front": ["alice"]}"#)
    }
    try stage.start()
    let connector = try ChildProcess(
      "/usr/bin/python3",
      ["\(stage.scratch.path)/doors.py", stage.socket, "\(stage.scratch.path)/keys.json"],
      log: "\(stage.scratch.path)/doors.log")
    _ = try stage.wait("its first report") {
      try listed(stage)["reports"].integer ?? 0 > 0 ? true : nil
    }
    stage.scratch.remove("keys.json")
    stage.scratch.file("keys.json", 0o644, text: #"{"front": ["alice", "bob"]}"#)
    let grant = try stage.grant("bob's key") { $0["subject"].text == "user:bob" }
    #expect(grant["kind"].text == "connector:doors" && grant["object"].text == "door:front")
    let answer = try stage.call("Revoke", [("ids", stage.ids(try #require(grant["id"].text)))])
    #expect(answer["results"].elements.first?["done"].bool == true, "\(answer)")
    #expect(stage.text("keys.json") == #"{"front": ["alice"]}"#)
    connector.signal(SIGTERM)
    connector.wait()
  }

  @Test func anEntryThatReplacesAnotherIsPutBack() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    func level(_ value: String, _ actor: String = "dba_bot") -> JSON {
      Entry.entry(
        "user:bob", "shop:folder", "level", value: value, actor: [("role", .string(actor))])
    }
    try connector.report([level("viewer")])
    try connector.report([level("owner")])
    let grant = try stage.grant("the higher level") { $0["right"].text == "level" }
    #expect(grant["before"].text == "viewer" && grant["after"].text == "owner")
    stage.pass(seconds: 901)
    let asked = try stage.wait("the revocation") { connector.revocations.first }
    #expect(asked["entries"].elements.first?["former"]["value"].text == "viewer")
    try connector.answer(asked, "done")
    try connector.report([level("viewer")])
    try stage.becomes("ended", try #require(grant["id"].text))
    #expect(try stage.grants().count == 1)
    #expect(
      try stage.call("Revoke", [("ids", stage.ids(try #require(grant["id"].text)))])["results"]
        .elements.first?["status"].text == "refused")
  }

  /// What is given again between the parts of one revocation stays its grant, and due.
  @Test func anEntryThatIsGivenAgainWhileTheRestIsTakenBackIsNoSecret() throws {
    let stage = try stage()
    let connector = try FakeConnector(stage.socket)
    connector.listen()
    try connector.report([one])
    let many = (0..<250).map {
      Entry.entry("role:app", "shop:all", "SELECT \($0)", actor: [("role", .string("dba_bot"))])
    }
    try connector.report([one] + many)
    let id = try #require(
      try stage.grant("one grant") { $0["items"].integer == 250 }["id"].text)
    stage.pass(seconds: 901)
    let asked = try stage.wait("two parts") {
      connector.revocations.count == 2 ? connector.revocations : nil
    }
    func entries(_ part: Int) -> [JSON] {
      asked[part]["entries"].elements.map { $0["entry"] }
    }
    // The first part is gone, then one of it is there again when the second goes.
    try connector.answer(asked[0], "done")
    try connector.report([one] + entries(1))
    try connector.answer(asked[1], "done")
    try connector.report([one, try #require(entries(0).first)])
    let failed = try stage.becomes("revoke-failed", id)
    #expect(failed["itemList"].elements.count { $0["state"].text != "ended" } == 1)
    #expect(try stage.grants().count == 1)
  }
}
