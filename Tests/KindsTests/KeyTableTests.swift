import Kinds
import Testing

@Suite struct KeyTableTests {
  @Test("It does what a dictionary does, through growth, removal and sweeps")
  func model() {
    var table = KeyTable<UInt32>()
    var model: [UInt64: UInt32] = [:]
    var state: UInt64 = 42
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ state >> 29) &* 0xbf58_476d_1ce4_e5b9
    }
    // Keys at both ends of the table make runs that go round its end.
    let keys = (0..<3000).map { index -> UInt64 in
      switch index % 3 {
      case 0: random() | 1
      case 1: UInt64.max - UInt64(index)
      default: UInt64(index)
      }
    }
    for step in 0..<60_000 {
      let key = keys[Int(random() >> 33) % keys.count]
      let value = UInt32(truncatingIfNeeded: random() >> 7)
      if value % 5 < 3 {
        table.set(key, value)
        model[key] = value
      } else {
        table.remove(key)
        model[key] = nil
      }
      if step % 10_000 == 9_999 {
        table.keep { $0 % 4 != 0 }
        model = model.filter { $0.value % 4 != 0 }
        #expect(keys.allSatisfy { table[$0] == model[$0] })
      }
    }
    #expect(table.count == model.count)
    var all: [UInt64: UInt32] = [:]
    table.forEach { all[$0] = $1 }
    #expect(all == model)
  }
}
