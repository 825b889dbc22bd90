/// Up to 16 bytes in two numbers; of longer words only the length counts.
struct PackedWord: Equatable {
  private(set) var low: UInt64 = 0
  private(set) var high: UInt64 = 0
  private(set) var count = 0

  init() {}

  init(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { append(byte) }
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    if count < 8 {
      low |= UInt64(byte) << UInt64(8 * count)
    } else if count < WordTable.longest {
      high |= UInt64(byte) << UInt64(8 * (count - 8))
    }
    count += 1
  }
}

/// A fixed set of short words, each with a number, that is asked without making strings.
struct WordTable: Sendable {
  static let longest = 16
  private static let size = 512

  private var lows = [UInt64](repeating: 0, count: size)
  private var highs = [UInt64](repeating: 0, count: size)
  /// Zero for a free place, else the number and one.
  private var values = [UInt16](repeating: 0, count: size)

  /// Words longer than `longest`, and what comes after half of the table is full, are left out.
  init(_ words: [(String, UInt8)]) {
    for (text, value) in words.prefix(Self.size / 2) {
      let word = PackedWord(text.utf8)
      guard word.count > 0, word.count <= Self.longest else { continue }
      var at = Self.place(word)
      while values[at] != 0, lows[at] != word.low || highs[at] != word.high {
        at = (at + 1) % Self.size
      }
      lows[at] = word.low
      highs[at] = word.high
      values[at] = UInt16(value) + 1
    }
  }

  func value(_ word: PackedWord) -> UInt8? {
    guard word.count <= Self.longest else { return nil }
    var at = Self.place(word)
    while values[at] != 0 {
      if lows[at] == word.low, highs[at] == word.high { return UInt8(values[at] - 1) }
      at = (at + 1) % Self.size
    }
    return nil
  }

  @inline(__always)
  private static func place(_ word: PackedWord) -> Int {
    let mixed = (word.low ^ (word.high &* 0x9e37_79b9_7f4a_7c15)) &* 0xbf58_476d_1ce4_e5b9
    return Int(truncatingIfNeeded: mixed >> 55)
  }
}
