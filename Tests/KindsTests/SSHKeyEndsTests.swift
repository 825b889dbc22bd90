import ByteText
import Kinds
import Scratch
import Testing

/// Ends of keys that were put off, and many keys at once.
@Suite struct SSHKeyEndsTests {
  private let one = KeyStage.key(1)
  private let two = KeyStage.key(2)

  /// What stood there, what somebody made of it, and what is there when that is taken back.
  @Test(arguments: [
    ("expiry-time=\"20990101Z\" KEY me\n", "KEY me\n", "expiry-time=\"20990101Z\" KEY me\n"),
    (
      "no-pty,Expiry-Time=\"20990101\",restrict KEY me\n", "no-pty,restrict KEY me\n",
      "no-pty,Expiry-Time=\"20990101\",restrict KEY me\n"
    ),
    (
      "expiry-time=\"20990101Z\" KEY\n", "expiry-time=\"20990202Z\" KEY other\n",
      "expiry-time=\"20990101Z\" KEY other\n"
    ),
    (
      "expiry-time=\"20990101Z\" KEY\n", "expiry-time=\"20990101Z\" KEY\nKEY\n",
      "expiry-time=\"20990101Z\" KEY\n"
    ),
    ("# a\nexpiry-time=\"20990101Z\" KEY", "# a\nKEY", "# a\nexpiry-time=\"20990101Z\" KEY"),
  ])
  func aLaterEndIsToldAndPutBackAlone(_ before: String, _ after: String, _ back: String) throws {
    let stage = KeyStage()
    stage.write(before.replacing("KEY", with: one))
    stage.look()
    stage.write(after.replacing("KEY", with: one))
    let difference = stage.look()
    #expect(difference.gained.isEmpty && difference.lost.isEmpty && difference.moved.isEmpty)
    let gain = try #require(difference.prolonged.first)
    #expect(difference.prolonged.count == 1 && gain.isLonger)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == back.replacing("KEY", with: one))
    #expect(stage.revoke(gain) == .alreadyDone)
    #expect(stage.kind.restore(gain) == .done)
    #expect(stage.kind.restore(gain) == .alreadyDone)
    #expect(stage.content() != back.replacing("KEY", with: one))
    #expect(stage.revoke(gain) == .done)
  }

  @Test func anEndIsPutBackInTheFileToWhichTheKeyWent() throws {
    let stage = KeyStage()
    let other = "home/bob/.ssh/authorized_keys2"
    stage.write("expiry-time=\"20990101Z\" \(one)\n")
    stage.look()
    stage.write("")
    stage.write("\(one) x\n", other)
    let gain = try #require(stage.look().prolonged.first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content(other) == "expiry-time=\"20990101Z\" \(one) x\n")
  }

  @Test(arguments: ["20980101Z", "20990101Z"])
  func anEndThatIsNoLaterIsNoGain(_ end: String) {
    let stage = KeyStage()
    stage.write("expiry-time=\"20990101Z\" \(one)\n")
    stage.look()
    stage.write("expiry-time=\"\(end)\" \(one)\n")
    #expect(stage.look() == EntryDifference())
  }

  @Test func aNarrowerKeyWithoutItsEndIsBothMovedAndLonger() throws {
    let stage = KeyStage()
    stage.write("expiry-time=\"20990101Z\" \(one)\n")
    stage.look()
    stage.write("no-pty \(one)\n")
    let difference = stage.look()
    #expect(difference.moved.count == 1 && difference.gained.isEmpty)
    let gain = try #require(difference.prolonged.first)
    #expect(stage.revoke(gain) == .done)
    #expect(stage.content() == "expiry-time=\"20990101Z\",no-pty \(one)\n")
  }

  /// One rewrite for all, each grant's lines in its own quarantine.
  @Test func manyKeysGoInOneGo() throws {
    let stage = KeyStage()
    stage.write("\(two)\n")
    stage.look()
    let lines = (3..<203).map { "\(KeyStage.key(UInt8($0))) k\($0)\n" }
    stage.write("\(lines[..<100].joined())\(two)\n# kept\n\(lines[100...].joined())")
    let gains = stage.look().gained
    #expect(gains.count == 200)
    let tasks = gains.enumerated().map { index, gain in
      EntryRevocation(
        gain,
        quarantine: Quarantine(directory: "\(stage.scratch.path)/state/q", grant: "g-\(index)"))
    }
    // One that is gone already stands between them.
    let missing = EntryRevocation(
      EntryGain(
        AccessEntry(
          subject: KeyStage.subject(1), object: "account:bob", right: "login", value: "login")),
      quarantine: Quarantine(directory: "\(stage.scratch.path)/state/q", grant: "g-x"))
    let outcomes = stage.kind.revoke(tasks + [missing])
    #expect(outcomes.dropLast().allSatisfy { $0 == .done } && outcomes.last == .alreadyDone)
    #expect(stage.content() == "\(two)\n# kept\n")
    let kept = (0..<200).map { stage.content("state/q/g-\($0)/bob-authorized_keys") }
    #expect(kept.allSatisfy { $0?.hasSuffix("\n") ?? false } && Set(kept).count == 200)
  }
}
