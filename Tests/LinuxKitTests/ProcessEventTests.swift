import LinuxKit
import Testing

@Suite struct ProcessEventTests {
  /// A datagram as the kernel sends it.
  static func datagram(_ what: UInt32, _ data: [UInt32], at: UInt64 = 7) -> [UInt8] {
    let words: [UInt32] =
      [UInt32(16 + 20 + 16 + 24), 3, 0, 0, 1, 1, 9, 0, 40, what, 0]
      + [UInt32(truncatingIfNeeded: at), UInt32(at >> 32)] + data
      + [UInt32](repeating: 0, count: max(0, 6 - data.count))
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  private func parse(_ bytes: [UInt8]) -> ProcessEvent? {
    bytes.withUnsafeBytes { ProcessEvent.parse($0)?.event }
  }

  @Test("Every kind of event is read")
  func kinds() {
    #expect(
      parse(Self.datagram(1, [10, 11, 12, 13]))
        == .fork(parentPid: 10, parentTgid: 11, childPid: 12, childTgid: 13))
    #expect(parse(Self.datagram(2, [10, 11])) == .exec(pid: 10, tgid: 11))
    #expect(
      parse(Self.datagram(4, [10, 10, 1000, 0]))
        == .uid(pid: 10, tgid: 10, real: 1000, effective: 0))
    #expect(parse(Self.datagram(0x80, [10, 11])) == .sid(pid: 10, tgid: 11))
    #expect(
      parse(Self.datagram(0x200, [10, 11, 0x0064_6261]))
        == .comm(pid: 10, tgid: 11, name: Array("abd".utf8)))
    #expect(
      parse(Self.datagram(0x8000_0000, [10, 11, 0, 17, 8, 9]))
        == .exit(pid: 10, tgid: 11, parentPid: 8, parentTgid: 9))
    #expect(parse(Self.datagram(0, [22])) == .acknowledged(errno: 22))
    #expect(parse(Self.datagram(0x40, [10, 10, 0, 0])) == .other)
  }

  @Test("The kernel's time comes with the event")
  func time() {
    let bytes = Self.datagram(2, [1, 1], at: 0x1_2345_6789_abcd)
    #expect(bytes.withUnsafeBytes { ProcessEvent.parse($0)?.at } == 0x1_2345_6789_abcd)
  }

  @Test("A datagram cut anywhere, or of another sender's form, is refused and never read beyond")
  func cut() {
    let whole = Self.datagram(1, [1, 2, 3, 4])
    for length in 0..<whole.count { #expect(parse(Array(whole[..<length])) == nil) }
    for place in [16, 20] {
      var other = whole
      other[place] = 9
      #expect(parse(other) == nil)
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2000 {
      var bytes = whole
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = parse(Array(bytes.prefix(Int.random(in: 0...bytes.count))))
    }
  }
}
