import LinuxKit
import Testing

@Suite struct FanotifyEventTests {
  /// One event with a pidfd record and a directory handle with a name, as the kernel lays it out.
  private static func event(name: String, pidfd: Int32 = 7) -> [UInt8] {
    var object: [UInt8] = [2, 0, 0, 0] + Array(repeating: 9, count: 8)
    object += [8, 0, 0, 0, 1, 0, 0, 0] + [1, 2, 3, 4, 5, 6, 7, 8] + Array(name.utf8) + [0]
    while object.count % 4 != 0 { object.append(0) }
    object[2] = UInt8(object.count)
    var process: [UInt8] = [4, 0, 8, 0]
    withUnsafeBytes(of: pidfd.littleEndian) { process.append(contentsOf: $0) }
    let length = UInt8(24 + object.count + process.count)
    let header: [UInt8] =
      [length, 0, 0, 0, 3, 0, 24, 0] + [4, 0, 0, 0, 0, 0, 0, 0]
      + [255, 255, 255, 255, 0xd2, 4, 0, 0]
    return header + object + process
  }

  private static func parse(_ bytes: [UInt8]) -> (events: [FanotifyEvent], damaged: Bool) {
    bytes.withUnsafeBytes { FanotifyEvent.parse($0) }
  }

  @Test("Two whole events are read with pid, pidfd, folder and name")
  func whole() {
    let parsed = Self.parse(Self.event(name: "f1") + Self.event(name: "a\nb", pidfd: -2))
    #expect(!parsed.damaged)
    #expect(parsed.events.map(\.pid) == [1234, 1234])
    #expect(parsed.events.map(\.pidfd) == [7, -2])
    #expect(parsed.events.map(\.name) == [Array("f1".utf8), Array("a\nb".utf8)])
    #expect(parsed.events.first?.handle == [1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8])
    #expect(parsed.events.first?.mask == FanotifyEvent.attributes)
  }

  @Test("An overflow has no records")
  func overflow() {
    let bytes: [UInt8] =
      [24, 0, 0, 0, 3, 0, 24, 0] + [0, 0x40, 0, 0, 0, 0, 0, 0] + [255, 255, 255, 255, 0, 0, 0, 0]
    let parsed = Self.parse(bytes)
    #expect(!parsed.damaged)
    #expect(parsed.events.first?.mask == FanotifyEvent.overflow)
    #expect(parsed.events.first?.handle == [])
  }

  @Test("Cut anywhere, the whole events before the cut are kept and damage is said")
  func cut() {
    let bytes = Self.event(name: "first") + Self.event(name: "second")
    let first = Self.event(name: "first").count
    for length in 1..<bytes.count where length != first {
      let parsed = Self.parse(Array(bytes[..<length]))
      #expect(parsed.damaged)
      #expect(parsed.events.count == (length < first ? 0 : 1))
    }
  }

  @Test("Any byte changed, or bytes of chance, never read out of bounds")
  func garbage() {
    let bytes = Self.event(name: "f1") + Self.event(name: "f2")
    for at in bytes.indices {
      for value in [0, 1, 127, 255] as [UInt8] {
        var changed = bytes
        changed[at] = value
        #expect(Self.parse(changed).events.count <= 2)
      }
    }
    var state: UInt64 = 4711
    for _ in 0..<20_000 {
      let length = Int((state >> 33) % 200)
      let noise = (0..<length).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1
        return UInt8(truncatingIfNeeded: state >> 56 < 128 ? state >> 40 & 31 : state >> 40)
      }
      #expect(Self.parse(noise).events.count <= length / 24)
      state = state &* 6_364_136_223_846_793_005 &+ 1
    }
  }
}
