import ByteText
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

@Suite struct JSONMutationTests {
  private static let samples: [[UInt8]] = [
    #"{"id":"g-4kq7m2","items":6,"agent":{"name":"claude-code","chain":["a","b"]},"x":null}"#,
    #"[1,-2,3.5,1e9,-0.25E-3,9223372036854775807,-9223372036854775808,18446744073709551616]"#,
    #""\u0041\ud83d\ude00\n\t\"\\\/ é 😀""#,
    #"{"a":{"b":{"c":[[[[true,false,null]]]]}}}"#,
    "  [ ]  ", "{}", "0", "-1", "\"\"",
  ].map { Array($0.utf8) }
  private static let pieces: [[UInt8]] = [
    "{", "}", "[", "]", "\"", ",", ":", "\\", "\\u", "\\ud800", "\\udc00", "-", "e", "E+", ".",
    "0", "99999999999999999999", "1e999", "true", "nul", " ", "\n", "\0", "é",
  ].map { Array($0.utf8) }

  @Test("Changed texts never trap; what is read is read again the same from what is written")
  func mutations() throws {
    var numbers = SeededNumbers(state: 3)
    var accepted = 0
    for _ in 0..<4000 {
      for sample in Self.samples {
        var bytes = sample
        for _ in 0..<Int.random(in: 1...4, using: &numbers) {
          let at = Int.random(in: 0...bytes.count, using: &numbers)
          let end = min(bytes.count, at + Int.random(in: 0...6, using: &numbers))
          switch Int.random(in: 0..<4, using: &numbers) {
          case 0: bytes.insert(UInt8.random(in: 0...255, using: &numbers), at: at)
          case 1: bytes.removeSubrange(at..<end)
          case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
          default:
            bytes.insert(contentsOf: Self.pieces.randomElement(using: &numbers) ?? [], at: at)
          }
        }
        do throws(JSONError) {
          let value = try JSON.parse(bytes)
          accepted += 1
          // A slice that does not begin at 0 is read alike.
          let framed = [0x5b] + bytes + [0x5d]
          #expect(try JSON.parse(framed[1..<framed.count - 1]) == value)
        } catch {
          #expect(error.offset >= 0 && error.offset <= bytes.count)
        }
      }
    }
    #expect(accepted > 1000)
  }

  private static let bad: [String] = [
    String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
    "\"" + String(repeating: "a", count: 100_000), String(repeating: "9", count: 100_000),
    "\"" + String(repeating: "\\u0041", count: 20_000), String(repeating: "[1,", count: 60),
    "-", "1.", "1e", "\"\\u12", "\"\\ud83d\"", "\"\\ud83d\\u0041\"", "01", "+1", "\u{feff}1",
  ]

  @Test("Deep, long and cut texts end in an error", arguments: 0..<15)
  func refused(index: Int) {
    #expect(throws: JSONError.self) { try JSON.parse(Array(Self.bad[index].utf8)) }
  }
}
