import ByteText
import Ledger
import Testing

/// Reading begins where a line is known to begin, and gives what a reading of all gives.
@Suite struct PlaceTests {
  @Test("The log from any line on begins with that line, also after a reopening")
  func logFromAnyLine() throws {
    let state = try ScratchState()
    state.limits.segmentBytes = 400 << 10
    let text = String(repeating: "x", count: 1000)
    var ledger = try state.open().ledger
    for number in 1...1000 {
      ledger.append(type: "test", grant: nil, text: text, essential: true)
      if number % 7 == 0 { try ledger.commit() }
    }
    try ledger.commit()
    #expect(state.segments().count > 2)
    for _ in 0..<2 {
      for start: Int64 in [1, 2, 63, 64, 400, 401, 402, 777, 999, 1000] {
        var numbers: [Int64] = []
        try ledger.log(from: start) { record in
          numbers.append(record.seq)
          return true
        }
        #expect(numbers == Array(start...1000))
      }
      var none = 0
      try ledger.log(from: 1001) { _ in
        none += 1
        return true
      }
      #expect(none == 0)
      ledger = try state.open().ledger
    }
  }

  @Test("A line's beginning is read, and a number that is too large is none")
  func hugeNumber() throws {
    let state = try ScratchState()
    let ledger = try state.open().ledger
    ledger.append(type: "test", grant: nil, text: "", essential: true)
    try ledger.commit()
    let name = try #require(state.segments().first)
    let line = try state.read("ledger/" + name)
    state.remove("ledger/" + name)
    try state.write(
      "ledger/" + name, Array("{\"seq\":99999999999999999999,".utf8) + line.dropFirst(9))
    #expect(!state.verify().ok)
    #expect(try state.open().recovery.damage.count == 1)
  }
}
