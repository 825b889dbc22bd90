import Kinds
import Testing

@Suite struct AccessListTests {
  /// `setfacl -m u:1001:rwx` of a file with mode 0640, as the kernel stores it.
  static let sample: [UInt8] = [
    2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 0xe9, 3, 0, 0, 4, 0, 4, 0, 255, 255,
    255, 255, 0x10, 0, 7, 0, 255, 255, 255, 255, 0x20, 0, 0, 0, 255, 255, 255, 255,
  ]

  @Test("What the kernel stores is read, and written as it was")
  func kernelsForm() throws {
    let list = try #require(AccessList(Self.sample))
    #expect(list.owner == 6 && list.owningGroup == 4 && list.other == 0 && list.mask == 7)
    #expect(list[.user(1001)] == 7 && list[.user(1)] == nil && list.effective(.owningGroup) == 4)
    #expect(list.isExtended && list.namesAnybody)
    #expect(list.bytes == Self.sample)
  }

  @Test("Bytes that are no list are refused: cut, changed, doubled entries, no mask for a name")
  func hostile() {
    for length in 0..<Self.sample.count where length % 8 != 4 || length < 28 {
      #expect(AccessList(Array(Self.sample[..<length])) == nil)
    }
    for at in Self.sample.indices {
      for byte: UInt8 in [0, 1, 2, 8, 0x7f, 0x80, 0xff] {
        var changed = Self.sample
        changed[at] = byte
        // Whatever is taken for a list must write itself again.
        if let list = AccessList(changed) { #expect(AccessList(list.bytes) == list) }
      }
    }
    let entry = Self.sample[4..<12]
    #expect(AccessList(Self.sample + entry) == nil)
    let withoutMask = Array(Self.sample[..<28] + Self.sample[36...])
    #expect(AccessList(withoutMask) == nil)
    #expect(AccessList([UInt8](repeating: 0xff, count: 65_532)) == nil)
  }

  @Test("Random bytes never trap, and what is read is written the same")
  func random() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var bytes: [UInt8] = [2, 0, 0, 0]
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        let tag: UInt8 = [1, 2, 4, 8, 0x10, 0x20, 0x40].randomElement(using: &generator) ?? 1
        bytes += [tag, 0, .random(in: 0...8, using: &generator), 0]
        bytes += (0..<4).map { _ in UInt8.random(in: 0...255, using: &generator) }
      }
      if let list = AccessList(bytes) { #expect(AccessList(list.bytes) == list) }
      _ = FileCapabilities(bytes)
    }
  }
}

@Suite struct FileCapabilitiesTests {
  @Test(
    "As getcap prints them",
    arguments: [
      (1 << 13, 0, true, 0, "cap_net_raw=ep"),
      (1 << 13 | 1 << 12, 0, true, 0, "cap_net_admin,cap_net_raw=ep"),
      (1 << 7, 0, false, 0, "cap_setuid=p"), (0, 1 << 7, true, 0, "cap_setuid=ei"),
      (1, 1 | 1 << 13, true, 0, "cap_chown=eip cap_net_raw+ei"),
      ((1 << 41) - 1, 0, true, 0, "=ep"), (1 << 13, 0, true, 1000, "cap_net_raw=ep [rootid=1000]"),
      (1 << 45, 0, false, 0, "45=p"),
    ] as [(UInt64, UInt64, Bool, UInt32, String)])
  func text(
    permitted: UInt64, inheritable: UInt64, effective: Bool, root: UInt32, expected: String
  ) throws {
    let capabilities = FileCapabilities(
      permitted: permitted, inheritable: inheritable, effective: effective, rootUID: root)
    #expect(capabilities.text == expected)
    #expect(FileCapabilities(capabilities.bytes) == capabilities)
    for length in 0..<capabilities.bytes.count {
      #expect(FileCapabilities(Array(capabilities.bytes[..<length])) == nil)
    }
  }
}
