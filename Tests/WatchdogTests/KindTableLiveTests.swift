import ByteText
import LinuxKit
import Scratch
import Testing

/// The table of the kinds: each is seen, attributed, taken back, looked at again, and so on, played by
/// a real tool; what became of each cell is printed when the run ends.
extension EngineLiveTests {
  @Suite(
    .compactMapIssues { issue in
      KindTableRecord.shared.noteIssue()
      return issue
    }) struct KindTableLiveTests
  {
    private let record = KindTableRecord.shared

    @Test(arguments: KindPlay.playable)
    func whatAnAgentGivesIsSeenAttributedAndTakenBack(_ play: KindPlay) throws {
      let row = try KindStage(play)
      let tree = row.tree()
      #expect(row.look() == play.before)
      try row.start()
      #expect(try row.stage.status()["problems"].elements.isEmpty)
      let grant = try row.give()
      let id = try #require(grant["id"].text)
      try record.play(play.kind, .seen) { () throws in
        #expect(row.look() == play.given)
        #expect(grant["subject"].text?.hasPrefix(play.grant.subject) == true)
        #expect(grant["object"].text == play.grant.object)
        #expect(grant["right"].text == play.grant.right)
        #expect(play.grant.before == nil || grant["before"].text == play.grant.before)
        #expect(play.grant.after == nil || grant["after"].text == play.grant.after)
        #expect(play.grant.severity == nil || grant["severity"].text == play.grant.severity)
        #expect(grant["items"].integer == 1 && grant["state"].text == "active")
        row.stage.pass(seconds: 3)
        #expect(try row.stage.grants().map { $0["id"].text } == [id])
        #expect(try row.stage.events("grant.detected").map { $0["grant"].text } == [id])
      }
      try record.play(play.kind, .attributed) {
        let grant = try row.stage.show(id)
        #expect(grant["provenance"].text == "agent-executed")
        #expect(grant["agent"]["name"].text == play.cause.agent)
        #expect(["certain", "strong"].contains(grant["confidence"].text))
        #expect(grant["actor"]["loginUid"].integer == play.cause.loginUID)
        let told = grant["evidence"].elements.compactMap { $0["text"].text }
        #expect(told.contains { $0.contains(play.cause.evidence) }, "\(told)")
        #expect(grant["rule"].text == "agents")
      }
      try record.play(play.kind, .revoked) {
        row.stage.pass(seconds: 895)
        #expect(try row.stage.show(id)["state"].text == "active")
        #expect(row.look() == play.given)
        row.stage.pass(seconds: 10)
        let ended = try row.outcome(id)
        #expect(ended["endedBy"].text == "expired" && ended["outcome"].text == "clean")
        #expect(row.look() == play.before)
        #expect(row.tree() == tree)
        #expect(try row.stage.events("grant.revoked").map { $0["grant"].text } == [id])
        // What our own doing changed is no news.
        #expect(try row.stage.grants().count == 1)
      }
    }

    @Test(arguments: KindPlay.playable)
    func nothingIsSaidToBeTakenBackBeforeTheStateSaysSo(_ play: KindPlay) throws {
      let row = try KindStage(play)
      try record.play(play.kind, .lookedAgain) {
        var liar: StageDaemon?
        switch play.lie {
        case .calls(let calls): liar = try StageDaemon(row.stage, lyingCalls: calls)
        case .tools(let tools):
          liar = try StageDaemon(row.stage, mounts: tools.map { ("/bin/true", $0) })
        case .mechanism(let line, _):
          try row.start()
          row.shell(line)
        }
        let id = try #require(try row.give()["id"].text)
        let answer = try row.revoke(id)
        #expect(answer["done"].bool == false && answer["status"].text == "failed", "\(answer)")
        #expect(row.look() == play.given)
        let failed = try row.stage.becomes("revoke-failed", id)
        #expect(failed["outcome"].text == "failed" && failed["endedAt"] == .null)
        #expect(failed["revokeError"].text?.isEmpty == false)
        #expect(try row.stage.events("grant.revoked").isEmpty)
        #expect(try row.stage.events("grant.revoke-failed").map { $0["grant"].text } == [id])
        // Where nobody lies the next try ends it.
        if case .mechanism(_, let mended) = play.lie { row.shell(mended) }
        if let liar {
          liar.stop()
          try row.start()
        }
        row.stage.pass(seconds: 10)
        let ended = try row.outcome(id)
        #expect(ended["endedBy"].text == "revoked" && ended["outcome"].text == "clean")
        #expect(row.look() == play.before)
      }
    }

    @Test(arguments: KindPlay.playable)
    func whoStillUsesItIsTold(_ play: KindPlay) throws {
      guard case .live(let residue) = play.residue else { return }
      let row = try KindStage(play)
      try record.play(play.kind, .residue) {
        var daemon: StageDaemon?
        if residue.onHost.isEmpty {
          try row.start()
        } else {
          let etc = "\(row.stage.scratch.path)/root/etc"
          daemon = try StageDaemon(
            row.stage, root: false,
            mounts: residue.onHost.map { ("\(etc)/\($0)", "/etc/\($0)") })
        }
        let id = try #require(try row.give(residue.act, object: residue.object)["id"].text)
        let held = try residue.hold(row)
        let answer = try row.revoke(id)
        #expect(answer["done"].bool == true)
        let left = try row.outcome(id)
        #expect(left["outcome"].text == "residue")
        let told = left["residue"].elements.compactMap(\.text)
        #expect(told.count == held.lines.count, "\(told)")
        for line in held.lines {
          #expect(told.contains { $0.hasPrefix(line) }, "\(line): \(told)")
        }
        #expect(answer["result"].text?.hasPrefix("revoked; still in use: ") == true, "\(answer)")
        #expect(try row.stage.events("grant.residue").map { $0["grant"].text } == [id])
        withExtendedLifetime(held) {}
        daemon?.stop()
      }
    }

    @Test(arguments: KindPlay.playable)
    func whatSomebodyElseMadeOfItIsKept(_ play: KindPlay) throws {
      guard case .live(let drift) = play.drift else { return }
      let row = try KindStage(play)
      try record.play(play.kind, .drift) {
        try row.start()
        let id = try #require(try row.give()["id"].text)
        try row.stage.human.play(drift.line)
        if drift.isGrant {
          _ = try row.stage.grant("the other's grant") { $0["provenance"].text == "human" }
        }
        row.stage.pass(seconds: 901)
        let over = try row.stage.becomes(drift.state, id)
        #expect(over["endedBy"].text != "removed" || drift.isGrant)
        if drift.state == "drifted" {
          #expect(try row.stage.events("grant.drifted").map { $0["grant"].text } == [id])
          #expect(try row.stage.events("grant.revoked").isEmpty)
          #expect(try row.stage.status()["grants"]["drifted"].integer == 1)
          #expect(over["residue"].elements.isEmpty)
        }
        let told = over["evidence"].elements.compactMap { $0["text"].text }
        #expect(drift.evidence.isEmpty || told.contains { $0.contains(drift.evidence) }, "\(told)")
        #expect(row.shell(drift.look) == drift.kept)
      }
    }

    // MARK: A crash at each step

    @Test(arguments: KindPlay.playable, KindColumn.crashes)
    func aCrashAtAnyStepOfARevocationLeavesNothingHalf(
      _ play: KindPlay, _ step: KindColumn
    ) throws {
      let row = try KindStage(play)
      try record.play(play.kind, step) { try crash(row, at: step) }
    }

    /// The ledger as it was then, the state as it was then, and a new start.
    private func crash(_ row: KindStage, at step: KindColumn) throws {
      let stage = row.stage
      let isEffectThere = step != .beforeIntent && step != .beforeEffect
      let before = (tree: row.tree(), look: row.look())
      try row.start()
      let id = try #require(try row.give()["id"].text)
      stage.pass(seconds: 890)
      #expect(try stage.show(id)["state"].text == "active")
      #expect(row.look() == row.play.given)
      row.shell("cp -a state during")
      stage.pass(seconds: 20)
      #expect(try row.outcome(id)["outcome"].text == "clean")
      #expect(row.look() == before.look)
      row.shell("cp -a state after")
      row.stop()
      // What is known of the tree is written behind the result only.
      if step != .afterOutcome { try cut(stage, row.play.kind, at: step) }
      row.shell("rm -r state during/ledger; cp -a after/ledger during/; mv during state")
      if !isEffectThere { row.shell(row.play.again ?? row.play.act) }
      #expect(row.look() == (isEffectThere ? before.look : row.play.given))

      try row.start()
      let ended = try stage.becomes("ended", id)
      #expect(ended["endedBy"].text == "expired")
      _ = try row.outcome(id)
      func isAsBefore() throws {
        #expect(row.look() == before.look)
        #expect(row.tree() == before.tree)
        let types = try stage.call("Log")["events"].elements.filter { $0["grant"].text == id }
          .compactMap { $0["type"].text }
        #expect(types.count { $0 == "grant.revoked" } == 1, "\(types)")
        #expect(try stage.grants().map { $0["id"].text } == [id])
      }
      try isAsBefore()
      #expect(try stage.events("grant.expired").count == 1)
      #expect(try stage.events("grant.ended").isEmpty)
      #expect(try stage.events("ledger.damaged").isEmpty)
      #expect(try stage.call("Verify")["verification"]["ok"].bool == true)
      // Nor does the next start find anything to do.
      row.stop()
      try row.start()
      try isAsBefore()
    }

    /// Cuts the ledger of the copied state off where the crash is.
    private func cut(_ stage: Stage, _ kind: String, at step: KindColumn) throws {
      let path = "\(stage.scratch.path)/after/ledger/00000000000000000001.jsonl"
      let lines = split(try SmallFile.read(path)[...], at: 0x0a).filter { !$0.isEmpty }
      func first(_ marks: String...) throws -> Int {
        try #require(
          lines.firstIndex { line in
            let text = String(decoding: line, as: UTF8.self)
            return marks.allSatisfy { text.contains("\"\($0)\"") }
          }, "\(marks)")
      }
      let kept =
        switch step {
        case .beforeIntent: try first("type\":\"revocation.intent")
        case .beforeEffect: try first("type\":\"revocation.intent") + 1
        case .beforeResult:
          try first("type\":\"grant.changed", "kind\":\"\(kind)", "state\":\"ended")
        default: try first("type\":\"grant.revoked") + 1
        }
      try SmallFile.replace(
        path, with: Array(lines.prefix(kept).joined(separator: [0x0a])) + [0x0a])
    }
  }
}
