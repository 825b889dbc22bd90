import ByteText
import Control
import Testing

@Suite struct ActTests {
  private let mixed = """
    [{"id":"g-1","done":true,"result":"approved until 2026-11-22T18:00:00.000Z","status":"ok"},\
    {"id":"g-2","done":false,"result":"an agent is among the callers","status":"refused"},\
    {"id":"g-3","done":false,"result":"no such id","status":"not-found"}]
    """

  @Test("approve sends what it was given and prints what became of each id")
  func approve() throws {
    let mixed = mixed
    let daemon = try FakeDaemon { $0.reply("results", mixed) }
    let result = daemon.grantctl(
      "approve", "g-1", "--for", "1h 30min", "g-2", "--reason=on call", "--code", "7QK-M2X", "--",
      "g-3")
    #expect(result.status == 1)
    #expect(
      result.output == "ID   RESULT\ng-1  approved until 2026-11-22T18:00:00.000Z\n")
    #expect(
      result.words == """
        grantctl: approve: g-2: refused: an agent is among the callers
        grantctl: approve: g-3: not-found: no such id

        """)
    let seen = daemon.seen.last
    #expect(seen["ids"].elements.compactMap(\.text) == ["g-1", "g-2", "g-3"])
    #expect(seen["seconds"] == .integer(5400))
    #expect(seen["reason"] == .string("on call"))
    #expect(seen["code"] == .string("7QK-M2X"))
    let json = daemon.grantctl("approve", "g-1", "--reason", "x", "-o", "json")
    #expect(try JSON.parse(Array(json.output.utf8)) == JSON.parse(Array(mixed.utf8)))
  }

  @Test(
    "The exit status says the worst: refused or failed before not found",
    arguments: [
      ("ok", 0), ("dry-run", 0), ("refused", 1), ("failed", 1), ("not-found", 4), ("ambiguous", 4),
    ])
  func statuses(status: String, exit: Int32) throws {
    let daemon = try FakeDaemon {
      $0.reply(
        "results",
        "[{\"id\":\"g-1\",\"done\":false,\"result\":\"so\",\"status\":\"\(status)\"}]")
    }
    #expect(daemon.grantctl("revoke", "g-1", "--dry-run").status == exit)
    #expect(daemon.seen.last["dryRun"] == .bool(true))
  }

  @Test("A refusal of the whole call is said for each id")
  func refusedCall() throws {
    let daemon = try FakeDaemon { $0.fail(.permissionDenied("approvers only")) }
    let result = daemon.grantctl("revoke", "g-1", "g-2", "-o", "json")
    #expect(result.status == 1)
    #expect(
      result.words == """
        grantctl: revoke: g-1: refused: approvers only
        grantctl: revoke: g-2: refused: approvers only

        """)
    #expect(try JSON.parse(Array(result.output.utf8)).elements.count == 2)
  }
}
