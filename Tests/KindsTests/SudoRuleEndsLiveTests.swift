import ByteText
import Glibc
import Kinds
import Scratch
import Testing

/// Ends of sudo rules that were put off, and many rules at once, by the real tools.
@Suite(.enabled(if: geteuid() == 0, "needs root"), .serialized) struct SudoRuleEndsLiveTests {
  private let limited = "bob ALL=(ALL) NOTAFTER=20990101000000Z ALL\n"

  @Test(arguments: [
    "bob ALL=(ALL) ALL\n", "bob ALL=(ALL) NOTAFTER=20990202000000Z ALL\n",
    "bob ALL=(ALL) NOTAFTER=20990101000000Z ALL\nbob ALL=(ALL) ALL\n",
  ])
  func aLaterEndIsToldAndPutBackAlone(_ longer: String) throws {
    let stage = SudoersStage()
    stage.put("# kept\n" + limited + "carol ALL=(ALL) ALL\n")
    try stage.look()
    stage.put("# kept\n" + longer + "carol ALL=(ALL) ALL\n")
    let old = stage.state
    #expect(try stage.look().isEmpty)
    let prolonged = stage.kind.difference(old, stage.state).prolonged
    let gain = try #require(prolonged.first)
    #expect(prolonged.count == 1 && gain.isLonger)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == "# kept\n" + limited + "carol ALL=(ALL) ALL\n")
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.content() != "# kept\n" + limited + "carol ALL=(ALL) ALL\n")
  }

  @Test(arguments: ["20980101000000Z", "20990101000000Z"])
  func anEndThatIsNoLaterIsNoGain(_ end: String) throws {
    let stage = SudoersStage()
    stage.put(limited)
    try stage.look()
    let old = stage.state
    stage.put("bob ALL=(ALL) NOTAFTER=\(end) ALL\n")
    try stage.look()
    #expect(stage.kind.difference(old, stage.state) == EntryDifference())
  }

  private func tasks(_ gains: [EntryGain], _ stage: SudoersStage) -> [EntryRevocation] {
    gains.enumerated().map { index, gain in
      EntryRevocation(
        gain,
        quarantine: Quarantine(
          directory: stage.scratch.path + "/quarantine", grant: "g-\(index)"))
    }
  }

  @Test func manyRulesGoInOneGo() throws {
    let stage = SudoersStage()
    stage.put("# kept\ncarol ALL=(ALL) ALL\n")
    try stage.look()
    let rules = (0..<300).map { "u\($0) ALL=(ALL) NOPASSWD: /bin/c\($0)\n" }
    stage.put(
      "# kept\n\(rules[..<150].joined())carol ALL=(ALL) ALL\n\(rules[150...].joined())")
    let gains = try stage.look()
    #expect(gains.count == 300)
    let outcomes = stage.kind.revoke(tasks(gains, stage))
    #expect(outcomes.allSatisfy { $0 == .done })
    #expect(stage.content() == "# kept\ncarol ALL=(ALL) ALL\n")
    let kept = try #require(stage.content("quarantine/g-7/sudoers-x"))
    #expect(kept.hasSuffix("\n") && kept.split(separator: "\n").count == 1)
  }

  /// A line that cannot be written anew shelters none beside it.
  @Test func oneThatCannotBeTakenOutKeepsNoOther() throws {
    let stage = SudoersStage()
    stage.put("dave ALL=(ALL) /bin/a\\ b\n")
    try stage.look()
    stage.put(
      "u1 ALL=(ALL) ALL\ndave, u2 ALL=(ALL) /bin/a\\ b\nu3 ALL=(ALL) ALL\nu4 ALL=(ALL) ALL\n")
    let gains = try stage.look().filter { $0.entry.subject != "user:dave" }
    let outcomes = stage.kind.revoke(tasks(gains, stage))
    #expect(gains.map(\.entry.subject) == ["user:u1", "user:u2", "user:u3", "user:u4"])
    #expect(outcomes.map { $0 == .done } == [true, false, true, true])
    #expect(stage.content() == "dave, u2 ALL=(ALL) /bin/a\\ b\n")
  }
}
