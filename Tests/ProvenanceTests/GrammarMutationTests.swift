import Grants
import Provenance
import Testing

/// Numbers that are the same in every run (splitmix64).
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// `sample` with a few bytes changed, doubled, dropped or moved.
func mutated(
  _ sample: [UInt8], pieces: [[UInt8]], using numbers: inout SeededNumbers
) -> [UInt8] {
  var bytes = sample
  for _ in 0..<Int.random(in: 1...8, using: &numbers) {
    let at = Int.random(in: 0...bytes.count, using: &numbers)
    let end = min(bytes.count, at + Int.random(in: 0...12, using: &numbers))
    switch Int.random(in: 0..<5, using: &numbers) {
    case 0: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: at)
    case 1: bytes.removeSubrange(at..<end)
    case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
    case 3: bytes.insert(contentsOf: pieces.randomElement(using: &numbers) ?? [], at: at)
    default: if at < bytes.count { bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &numbers) }
    }
  }
  return bytes
}

@Suite struct GrammarMutationTests {
  static let pieces: [[UInt8]] = [
    "'", "\"", "`", "$(", ")", "(", "${", "}", "<<EOF\n", "<<-", "\\", "\n", "```", "~~~", "    ",
    "# ", "$ ", "> ", "chmod ", "sudo ", "bash -c ", "A=", "$A", "<x>", "-R", "777", "/", "..",
    "u+s,", "=", "find / -exec ", "{}", ";", "é", "\u{202e}", "don't ", "is bad.",
  ].map { Array($0.utf8) }

  private func check(_ report: GrammarReport) {
    #expect(report.changes.count <= ChangeGrammar.mostChanges)
    #expect(report.notUnderstood.count <= 64)
    for change in report.changes {
      #expect(change.command.utf8.count <= ChangeGrammar.longestCommand)
      #expect(!change.right.isEmpty)
      #expect(!change.object.utf8.contains { $0 < 0x20 })
    }
  }

  @Test("Changed texts never trap and keep the limits")
  func mutations() {
    var numbers = SeededNumbers(state: 1)
    let texts =
      GrammarTextTests.advising.map { Array($0.0.utf8) }
      + GrammarTextTests.silent.map { Array($0.utf8) }
      + GrammarCommandTests.table.map { Array($0.0.utf8) }
      + GrammarKindTests.table.map { Array($0.0.utf8) }
    for _ in 0..<20 {
      for text in texts {
        let bytes = mutated(text, pieces: Self.pieces, using: &numbers)
        check(ChangeGrammar.report(onCommand: bytes))
        check(ChangeGrammar.report(onText: String(decoding: bytes, as: UTF8.self)))
      }
    }
  }

  @Test("Bytes by chance never trap")
  func chance() {
    var numbers = SeededNumbers(state: 2)
    for _ in 0..<2000 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 0...60, using: &numbers) {
        bytes += Self.pieces.randomElement(using: &numbers) ?? []
        if Bool.random(using: &numbers) { bytes.append(.random(in: 0...255, using: &numbers)) }
      }
      check(ChangeGrammar.report(onCommand: bytes))
      check(ChangeGrammar.report(onText: String(decoding: bytes, as: UTF8.self)))
    }
  }

  static let nasty: [String] = {
    let units = [
      "(", ")", "'", "\"", "`", "$(", "${", "$((", "<<A ", "<<A\n", "\\", "\\\n", "\n", "{", "}",
      "a'b\n", "\"$(", "`` ` ", "chmod ", "sudo ", "chmod 777 /a ", "chmod 777 /a\n", "```\n",
      "~~~\n", "`chmod 777 /a` ", "    x\n", "> ", "- ", "# ", "$ ", "A=$A$A;", "$A ", "\0",
      "<x>", "bash -c ", "eval ", "don't ", "never, ", ". ", "x;", "a\\\n", "'\n", "\"\n", "$",
      "find -exec ", "cd x;", "chmod 777 $A ", "env ", "/..", "/a/../", "u+", "é", "<(",
    ]
    var texts = units.map { unit in
      String(repeating: unit, count: 100_000 / unit.utf8.count)
    }
    let value = "A='" + String(repeating: "x y ", count: 1000) + "'\n"
    texts.append(value + String(repeating: "chmod 777 $A;", count: 7_000))
    texts.append(value + String(repeating: "$A", count: 50_000))
    texts.append(String(repeating: "a", count: 130_000) + String(repeating: "$b", count: 60_000))
    texts.append("chmod 777 " + String(repeating: "/a", count: 100_000))
    texts.append("env " + String(repeating: "A=b ", count: 50_000))
    texts.append("find " + String(repeating: "{} ", count: 60_000))
    texts.append("usermod " + String(repeating: "-Ga,b ", count: 30_000) + "bob")
    let rules = "tee /etc/sudoers.d/x <<'E'\n"
    texts.append(rules + String(repeating: "bob ALL=(ALL) ALL\n", count: 5_000) + "E\n")
    texts.append(rules + "bob ALL=" + String(repeating: "(a) x, ", count: 14_000))
    texts.append(rules + String(repeating: "A_Alias X = a : ", count: 6_000))
    texts.append(
      "tee /etc/cron.d/x <<'E'\n" + String(repeating: "* * * * * r sh -c 'sh -c x'\n", count: 3_000)
    )
    texts.append("psql d <<'E'\n" + String(repeating: "GRANT a TO b;", count: 7_000))
    texts.append(
      String(repeating: "for a in 1 2 3 4 5 6 7 8 9; do ", count: 60) + "chmod 777 $a\n"
        + String(repeating: "done;", count: 60))
    texts.append(String(repeating: "for a in 1 2; do bash -c 'for b in 1 2; do ", count: 1_000))
    texts.append(String(repeating: "echo 'chmod 777 /a' | sh | ", count: 4_000))
    texts.append(String(repeating: "cat <<A <<B | tee /etc/sudoers\n", count: 3_000))
    texts.append("setfacl -m " + String(repeating: "u:b:r,", count: 16_000) + " /a")
    texts.append("setcap " + String(repeating: "cap_kill,", count: 11_000) + "=ep /a")
    texts.append(
      "printf '" + String(repeating: "%s", count: 10_000) + "' "
        + String(repeating: "a ", count: 30_000) + "> /etc/sudoers")
    texts.append(String(repeating: "bash -c 'chmod 777 /a' ", count: 8_000))
    return texts
  }()

  @Test("Texts built to blow up the reader end soon", arguments: nasty.indices)
  func blowUp(index: Int) {
    let text = Self.nasty[index]
    let clock = ContinuousClock()
    let spent = clock.measure {
      check(ChangeGrammar.report(onCommand: Array(text.utf8)))
      check(ChangeGrammar.report(onText: text))
      check(ChangeGrammar.report(onText: "```\n" + text))
    }
    // Generous: a debug build on a busy machine needs some seconds, quadratic time some hours.
    #expect(spent < .seconds(240), "\(text.prefix(40))")
  }
}
