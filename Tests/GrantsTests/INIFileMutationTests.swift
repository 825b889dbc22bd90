import Grants
import Testing

/// Numbers that are the same in every run (splitmix64).
private struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct INIFileMutationTests {
  private static let sample = """
    # a comment
    [Watchdog]
    Mode=alert
    ; another
    [Files]
    Watch=/srv \\
      /etc

    [Rule agents]
    Provenance = agent-executed agent-advised
    TTL=15min
    Object=file:/srv/é*

    """
  private static let pieces: [[UInt8]] = [
    "[", "]", "=", "\\\n", "\n", "\r\n", "#", ";", " ", "[]", "[ ]", "[a b c]", "\0", "é", "==",
    "\\", "[x]\n",
  ].map { Array($0.utf8) }

  @Test("Changed files never trap, and every finding and entry has its line")
  func mutations() {
    var numbers = SeededNumbers(state: 4)
    for _ in 0..<5000 {
      var bytes = Array(Self.sample.utf8)
      for _ in 0..<Int.random(in: 1...8, using: &numbers) {
        let at = Int.random(in: 0...bytes.count, using: &numbers)
        let end = min(bytes.count, at + Int.random(in: 0...20, using: &numbers))
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: at)
        case 1: bytes.removeSubrange(at..<end)
        case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
        default:
          bytes.insert(contentsOf: Self.pieces.randomElement(using: &numbers) ?? [], at: at)
        }
      }
      let lines = bytes.filter { $0 == 0x0a }.count + 1
      let file = INIFile(bytes, file: "grantwatch.conf")
      for finding in file.findings { #expect((1...lines).contains(finding.line)) }
      for section in file.sections {
        #expect((1...lines).contains(section.line))
        for entry in section.entries {
          #expect((section.line...lines).contains(entry.line))
          #expect(!entry.key.contains("="))
        }
      }
    }
  }
}
