import ByteText
import Glibc
import Scratch
import Testing

/// A revocation that fails is tried again: soon and ever later, then once a day, until it works.
extension EngineLiveTests {
  /// A grant on an immutable file that is overdue, and was tried once.
  private func stuck() throws -> (Stage, String) {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a; chattr +i $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("revoke-failed", id)
    #expect(tries(stage) == 1)
    return (stage, id)
  }

  private func free(_ stage: Stage) {
    Scratch.run("/usr/bin/chattr", ["-i", "\(stage.scratch.path)/root/srv/a"])
  }

  /// How often it was tried, by the ledger.
  private func tries(_ stage: Stage) -> Int {
    (stage.text("state/ledger/00000000000000000001.jsonl") ?? "").split(separator: "\n")
      .count { $0.contains("\"type\":\"revocation.intent\"") }
  }

  private func waitForTries(_ count: Int, _ stage: Stage, _ id: String) throws {
    _ = try stage.wait("try \(count)") { tries(stage) == count ? true : nil }
    try stage.becomes("revoke-failed", id)
  }

  /// Plays the tries until only one a day is left.
  private func playSixTries(_ stage: Stage, _ id: String) throws {
    for (count, base) in zip(2...6, [5, 10, 20, 40, 80] as [Int64]) {
      if base >= 40 {
        stage.pass(seconds: base / 2 - 10)
        #expect(tries(stage) == count - 1)
      }
      stage.pass(seconds: base * 3 / 2 + 1)
      try waitForTries(count, stage, id)
    }
  }

  @Test func whatFailsSixTimesIsListedAndTriedOnceADay() throws {
    let (stage, id) = try stuck()
    defer { free(stage) }
    try playSixTries(stage, id)
    let said = try stage.events("grant.revoke-failed")
    #expect(said.count == 2 && said.allSatisfy { $0["grant"].text == id })
    #expect(said.last?["text"].text?.contains("tried 6 times, next in 1d") == true, "\(said)")
    func isListed() throws -> Bool {
      let listed = try stage.call(
        "List", [("filter", .object([JSONMember("states", .array([.string("revoke-failed")]))]))])
      let shown = try stage.show(id)
      return listed["grants"].elements.map { $0["id"].text } == [id]
        && shown["revokeError"].text?.isEmpty == false
        && shown["itemList"].elements.map { $0["state"].text } == ["revoke-failed"]
    }
    #expect(try isListed())
    #expect(try stage.status()["grants"]["revoke-failed"].integer == 1)
    for day in 1...3 {
      stage.pass(seconds: 86_000)
      #expect(tries(stage) == 5 + day && stage.mode("a") == 0o666)
      stage.pass(seconds: 500)
      try waitForTries(6 + day, stage, id)
      #expect(try isListed())
      #expect(try stage.events("grant.revoke-failed").count == 2 + day)
    }
    free(stage)
    stage.pass(seconds: 3600)
    #expect(try stage.show(id)["state"].text == "revoke-failed")
    stage.pass(seconds: 86_400)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired" && ended["revokeError"] == .null)
    #expect(stage.mode("a") == 0o600)
    #expect(try stage.wait("its outcome") { try stage.show(id)["outcome"].text } == "clean")
    #expect(try !isListed() && stage.status()["grants"]["revoke-failed"].integer == 0)
    stage.pass(seconds: 3 * 86_400)
    #expect(tries(stage) == 10)
  }

  @Test(arguments: [false, true]) func theTryOfTheDayOutlivesTheDaemon(crashed: Bool) throws {
    let (stage, id) = try stuck()
    defer { free(stage) }
    try playSixTries(stage, id)
    crashed ? crash(stage) : stage.stop()
    stage.clock.pass(3_600_000_000)
    try stage.start()
    #expect(try stage.show(id)["state"].text == "revoke-failed")
    // Who starts the daemon anew may have mended what was in the way: it is tried at once, then in
    // a day.
    stage.pass(seconds: 2)
    try waitForTries(7, stage, id)
    stage.pass(seconds: 86_000)
    #expect(tries(stage) == 7)
    stage.pass(seconds: 500)
    try waitForTries(8, stage, id)
    crashed ? crash(stage) : stage.stop()
    free(stage)
    try stage.start()
    stage.pass(seconds: 2)
    #expect(try stage.becomes("ended", id)["endedBy"].text == "expired")
    #expect(stage.mode("a") == 0o600)
  }

  @Test func whoAsksForAnotherTryAddsNoneToTheDays() throws {
    let (stage, id) = try stuck()
    defer { free(stage) }
    try playSixTries(stage, id)
    for count in 7...9 {
      stage.pass(seconds: 3600)
      let answer = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
      #expect(answer?["status"].text == "failed")
      #expect(answer?["result"].text?.hasSuffix("it is tried again") == true)
      #expect(tries(stage) == count)
    }
    // A day from the last one on.
    stage.pass(seconds: 86_000)
    #expect(tries(stage) == 9)
    stage.pass(seconds: 500)
    try waitForTries(10, stage, id)
    free(stage)
    let answer = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
    #expect(answer?["result"].text == "revoked")
    #expect(try stage.show(id)["endedBy"].text == "revoked")
    #expect(stage.mode("a") == 0o600)
  }
}
