/// SipHash-1-3 over whole words: without the seed nobody can choose names that collide.
struct KeyedHash {
  private var (v0, v1, v2, v3): (UInt64, UInt64, UInt64, UInt64)

  init(_ seed: (UInt64, UInt64)) {
    v0 = seed.0 ^ 0x736f_6d65_7073_6575
    v1 = seed.1 ^ 0x646f_7261_6e64_6f6d
    v2 = seed.0 ^ 0x6c79_6765_6e65_7261
    v3 = seed.1 ^ 0x7465_6462_7974_6573
  }

  mutating func feed(_ word: UInt64) {
    v3 ^= word
    round()
    v0 ^= word
  }

  mutating func feed(_ bytes: [UInt8]) {
    var word: UInt64 = 0
    var filled: UInt64 = 0
    for byte in bytes {
      word |= UInt64(byte) << filled
      filled += 8
      if filled == 64 {
        feed(word)
        (word, filled) = (0, 0)
      }
    }
    feed(word)
    feed(UInt64(bytes.count))
  }

  consuming func finish() -> UInt64 {
    v2 ^= 0xff
    round()
    round()
    round()
    return v0 ^ v1 ^ v2 ^ v3
  }

  private mutating func round() {
    func left(_ word: UInt64, _ by: UInt64) -> UInt64 { word << by | word >> (64 &- by) }
    v0 &+= v1
    v1 = left(v1, 13) ^ v0
    v0 = left(v0, 32)
    v2 &+= v3
    v3 = left(v3, 16) ^ v2
    v0 &+= v3
    v3 = left(v3, 21) ^ v0
    v2 &+= v1
    v1 = left(v1, 17) ^ v2
    v2 = left(v2, 32)
  }
}
