import Grants
import Kinds
import Testing

@Suite struct ModeGainTests {
  @Test(
    "What counts as widening",
    arguments: [
      (0o640, 0o640, false, 0, "", false), (0o640, 0o666, false, 0o026, "read write", true),
      (0o666, 0o667, false, 0o001, "execute", true), (0o600, 0o640, false, 0o040, "read", false),
      (0o600, 0o700, false, 0, "", false), (0o755, 0o4755, false, 0o4000, "setuid", true),
      (0o750, 0o4750, false, 0o4000, "setuid", false),
      (0o755, 0o2755, false, 0o2000, "setgid", true), (0o755, 0o2755, true, 0, "", false),
      (0o755, 0o4755, true, 0, "", false), (0o666, 0o600, false, 0, "", false),
      (0o770, 0o707, false, 0o007, "read write execute", true),
    ] as [(UInt16, UInt16, Bool, UInt16, String, Bool)])
  func widening(
    before: UInt16, after: UInt16, isDirectory: Bool, bits: UInt16, rights: String, others: Bool
  ) {
    let gain = ModeGain(before: before, after: after, isDirectory: isDirectory)
    #expect(gain.bits == bits)
    #expect(gain.rights.text == rights)
    #expect(gain.widensOthers == others)
    #expect(gain.isEmpty == (bits == 0))
  }

  @Test("The sticky bit taken off a folder counts where others may write")
  func sticky() {
    let taken = ModeGain(before: 0o1777, after: 0o777, isDirectory: true)
    #expect(taken.stickyTaken && !taken.isEmpty && taken.widensOthers)
    #expect(taken.rights == .write)
    #expect(ModeGain(before: 0o1775, after: 0o775, isDirectory: true).isEmpty)
    #expect(ModeGain(before: 0o1666, after: 0o666, isDirectory: false).isEmpty)
    #expect(ModeGain(before: 0o777, after: 0o1777, isDirectory: true).isEmpty)
  }

  @Test("A new file counts for setuid, setgid and write by everyone only")
  func new() {
    #expect(ModeGain(before: nil, after: 0o755, isDirectory: false).isEmpty)
    #expect(ModeGain(before: nil, after: 0o664, isDirectory: false).isEmpty)
    #expect(ModeGain(before: nil, after: 0o666, isDirectory: false).bits == 0o002)
    #expect(ModeGain(before: nil, after: 0o6755, isDirectory: false).bits == 0o6000)
    #expect(ModeGain(before: nil, after: 0o2775, isDirectory: true).isEmpty)
    #expect(ModeGain(before: nil, after: 0o1777, isDirectory: true).bits == 0o002)
  }
}
