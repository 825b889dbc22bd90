internal import Glibc

/// Values that many entries have (program, unit, boot), each kept once: a copy for every entry costs
/// more than to find the last one again. Bounded.
struct SharedValues {
  /// Longer ones are not kept.
  private static let longest = 256

  private var values: [[UInt8]]
  private var alone: [[[UInt8]]]

  /// - Parameter places: how many are kept at the most; none are with 0.
  init(places: Int = 64) {
    values = places == 0 ? [] : Array(repeating: [], count: places)
    alone = places == 0 ? [] : Array(repeating: [], count: places)
  }

  /// `bytes` as an array.
  subscript(bytes: UnsafeRawBufferPointer) -> [UInt8] {
    mutating get {
      guard let place = place(of: bytes) else { return Array(bytes) }
      if !Self.isSame(values[place], bytes) { values[place] = Array(bytes) }
      return values[place]
    }
  }

  /// An array with nothing but `bytes` in it.
  mutating func alone(_ bytes: UnsafeRawBufferPointer) -> [[UInt8]] {
    guard let place = place(of: bytes) else { return [Array(bytes)] }
    if alone[place].isEmpty || !Self.isSame(alone[place][0], bytes) {
      alone[place] = [Array(bytes)]
    }
    return alone[place]
  }

  private func place(of bytes: UnsafeRawBufferPointer) -> Int? {
    guard !values.isEmpty, 1...Self.longest ~= bytes.count else { return nil }
    let mixed = bytes.count &* 31 &+ Int(bytes[bytes.count - 1]) &* 7 &+ Int(bytes[bytes.count / 2])
    return mixed % values.count
  }

  private static func isSame(_ value: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard value.count == bytes.count, let base = bytes.baseAddress else { return false }
    return value.withUnsafeBytes {
      $0.baseAddress.map { memcmp($0, base, bytes.count) == 0 } ?? true
    }
  }
}
