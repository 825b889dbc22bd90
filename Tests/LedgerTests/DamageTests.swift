import ByteText
import Ledger
import LinuxKit
import Testing

@Suite struct DamageTests {
  private let first = "ledger/00000000000000000001.jsonl"

  /// A ledger of `count` lines in one segment, closed.
  private func written(
    _ count: Int, segmentBytes: Int64 = 64 << 20, snapshotsAt: Set<Int> = []
  ) throws -> ScratchState {
    let state = try ScratchState()
    state.limits.segmentBytes = segmentBytes
    let (ledger, _) = try state.open()
    for index in 1...count {
      ledger.note("n\(index)")
      try ledger.commit()
      if snapshotsAt.contains(index) {
        try ledger.snapshot {
          $0.beginObject()
          $0.member("upTo", index)
          $0.endObject()
        }
      }
    }
    return state
  }

  private func expected(_ count: Int) -> [String] {
    (1...max(1, count)).prefix(count).map { "n\($0)" }
  }

  @Test("Cut at any byte of the last line: the tail goes, the rest stands, the cut is kept")
  func tornTail() throws {
    let whole = try written(4).read(first)
    let lines = whole.split(separator: 0x0a)
    let lastStart = whole.count - 1 - lines[3].count
    for end in lastStart..<whole.count {
      let state = try ScratchState()
      try state.write(first, Array(whole[..<end]))
      #expect(state.verify().ok == (end == lastStart))
      let (ledger, recovery) = try state.open()
      #expect(try ScratchState.texts(recovery) == expected(3))
      #expect(recovery.damage.count == (end == lastStart ? 0 : 1))
      if let damage = recovery.damage.first {
        #expect(damage.isTornTail)
        let name = try #require(state.names().first { $0.hasPrefix("torn-") })
        #expect(try state.read("ledger/" + name) == Array(whole[lastStart..<end]))
        #expect(damage.movedTo.hasSuffix(name))
      }
      #expect(ledger.note("n4") == 4)
      try ledger.commit()
      let verified = state.verify()
      #expect(verified.ok, "\(verified.problems)")
      #expect(verified.records == 4)
    }
  }

  @Test("Blocks of zeros that a crash leaves in the last lines are a torn tail, not a break")
  func zeros() throws {
    let state = try written(20)
    var bytes = try state.read(first)
    let start = (bytes.count - 2000) / 512 * 512
    for index in start..<start + 1024 { bytes[index] = 0 }
    try state.write(first, bytes)
    let (_, recovery) = try state.open()
    #expect(recovery.damage.map(\.isTornTail) == [true])
    let texts = try ScratchState.texts(recovery)
    #expect(texts == expected(texts.count))
    #expect(texts.count > 8)
    #expect(state.verify().ok)
  }

  @Test("A bit flipped anywhere: found, and nothing is started on but what verifies")
  func flippedBits() throws {
    let whole = try written(5).read(first)
    for at in stride(from: 0, to: whole.count, by: 5) {
      var bytes = whole
      bytes[at] ^= 1 << UInt8(at % 8)
      let state = try ScratchState()
      try state.write(first, bytes)
      #expect(!state.verify().ok, "byte \(at)")
      let (ledger, recovery) = try state.open()
      let texts = try ScratchState.texts(recovery)
      let before = whole[..<at].count { $0 == 0x0a }
      #expect(texts == expected(texts.count), "byte \(at)")
      #expect(texts.count <= before, "byte \(at)")
      #expect(texts.count >= before - 1, "byte \(at)")
      #expect(!recovery.damage.isEmpty, "byte \(at)")
      let torn = recovery.damage.allSatisfy(\.isTornTail)
      #expect(state.names("damaged").isEmpty == torn)
      if !torn { #expect(state.names("damaged").count == 1) }
      let seq = ledger.note("after")
      #expect(torn || seq >= 5, "byte \(at): number \(seq) given again")
      try ledger.commit()
      let verified = state.verify()
      #expect(verified.ok == torn, "byte \(at)")
      #expect(verified.records == Int64(texts.count) + 1)
      let (_, again) = try state.open()
      #expect(again.damage.isEmpty, "byte \(at): \(again.damage)")
      #expect(try ScratchState.texts(again) == texts + ["after"])
    }
  }

  @Test("What was moved aside is there as it was")
  func keptAside() throws {
    let state = try written(10)
    var bytes = try state.read(first)
    bytes[bytes.count / 2] ^= 4
    try state.write(first, bytes)
    let (_, recovery) = try state.open()
    #expect(recovery.damage.count == 1)
    let name = try #require(state.names("damaged").first)
    #expect(try state.read("damaged/" + name) == bytes)
    #expect(recovery.damage[0].movedTo == "\(state.path)/damaged/\(name)")
  }

  @Test("A line taken out, doubled, or changed with its own sum made to fit")
  func editedLines() throws {
    let whole = try written(6).read(first)
    let lines = whole.split(separator: 0x0a).map(Array.init)
    func joined(_ lines: [[UInt8]]) -> [UInt8] { lines.flatMap { $0 + [0x0a] } }
    var missing = lines
    missing.remove(at: 3)
    var doubled = lines
    doubled.insert(lines[2], at: 3)
    var swapped = lines
    swapped.swapAt(2, 3)
    let text = String(decoding: lines[2], as: UTF8.self)
    let head = text.replacing("n3", with: "m3").prefix(while: { $0 != "]" })
    let body = String(head.prefix(upTo: try #require(head.firstRange(of: ",\"sum\"")).lowerBound))
    let sum = hexadecimal(SHA256.digest(Array(body.utf8)).prefix(8))
    var changed = lines
    changed[2] = Array("\(body),\"sum\":\"\(sum)\"}".utf8)
    for (name, edited, kept) in [
      ("missing", missing, 3), ("doubled", doubled, 3), ("swapped", swapped, 2),
      ("changed", changed, 2),
    ] {
      let state = try ScratchState()
      try state.write(first, joined(edited))
      #expect(!state.verify().ok)
      let (ledger, recovery) = try state.open()
      #expect(try ScratchState.texts(recovery) == expected(kept), "\(name)")
      #expect(ledger.note("next") == 7, "\(name)")
      #expect(recovery.damage.count == 1)
    }
  }

  @Test("A missing segment, first or middle, ends the chain before it")
  func missingSegment() throws {
    for index in [0, 2] {
      let state = try written(40, segmentBytes: 2000)
      let names = state.segments()
      #expect(names.count > 4)
      state.remove("ledger/" + names[index])
      #expect(!state.verify().ok)
      let (ledger, recovery) = try state.open()
      let kept = Int(decimal(names[index].utf8.prefix(20)) ?? 0) - 1
      #expect(try ScratchState.texts(recovery) == expected(kept))
      #expect(recovery.damage.count == names.count - 1 - index)
      #expect(state.names("damaged").count == names.count - 1 - index)
      #expect(ledger.note("next") == 41)
      try ledger.commit()
      #expect(!state.verify().ok)
      let (_, again) = try state.open()
      #expect(again.damage.isEmpty)
      #expect(try ScratchState.texts(again) == expected(kept) + ["next"])
      for name in state.names("damaged") { state.remove("damaged/" + name) }
      #expect(state.verify().ok, "\(state.verify().problems)")
    }
  }

  @Test("Interrupted at any step, moving aside is finished by the next start")
  func interruptedRepair() throws {
    let state = try written(40, segmentBytes: 2000)
    let names = state.segments()
    var bytes = try state.read("ledger/" + names[1])
    bytes[700] ^= 1
    try state.write("ledger/" + names[1], bytes)
    // As after a crash when the later segments were moved and the good part was written.
    for name in names[2...].reversed() {
      try state.write("damaged/1-" + name, try state.read("ledger/" + name))
      state.remove("ledger/" + name)
    }
    try state.write("ledger/.good", Array(bytes[..<100]))
    let (_, recovery) = try state.open()
    let texts = try ScratchState.texts(recovery)
    #expect(texts == expected(texts.count))
    #expect(recovery.damage.count == 1)
    #expect(!state.names().contains(".good"))
  }

  @Test("A damaged snapshot is moved aside: the older one stands, or the whole record")
  func damagedSnapshot() throws {
    let whole = try written(30, snapshotsAt: [10, 20])
    let newest = "snapshots/00000000000000000020.json"
    let older = "snapshots/00000000000000000010.json"
    let newestBytes = try whole.read(newest)
    for at in newestBytes.indices {
      let state = try ScratchState()
      try state.write(first, try whole.read(first))
      try state.write(older, try whole.read(older))
      var bytes = newestBytes
      bytes[at] ^= 1 << UInt8(at % 8)
      try state.write(newest, bytes)
      #expect(!state.verify().ok)
      let (_, recovery) = try state.open()
      #expect(recovery.snapshotSeq == 10, "byte \(at)")
      #expect(recovery.snapshot?["upTo"].integer == 10)
      #expect(try ScratchState.texts(recovery) == (11...30).map { "n\($0)" })
      #expect(recovery.damage.count == 1)
      #expect(state.names("damaged").count == 1)
    }
    for name in [newest, older] { try whole.write(name, Array("{}".utf8)) }
    let (_, recovery) = try whole.open()
    #expect(recovery.snapshot == nil)
    #expect(try ScratchState.texts(recovery) == expected(30))
  }

  @Test("A snapshot of what is not in the chain any more is not used")
  func snapshotBeyondTheChain() throws {
    let state = try written(30, snapshotsAt: [10, 20])
    let whole = try state.read(first)
    let lines = whole.split(separator: 0x0a)
    try state.write(first, Array(lines[..<15].joined(separator: [0x0a])) + [0x0a])
    #expect(!state.verify().ok)
    let (ledger, recovery) = try state.open()
    #expect(recovery.snapshotSeq == 10)
    #expect(try ScratchState.texts(recovery) == (11...15).map { "n\($0)" })
    #expect(recovery.damage.count == 1)
    #expect(ledger.note("next") == 21)
  }

  @Test("A ledger whose every segment is gone is not new when a snapshot is left")
  func everythingGone() throws {
    let state = try written(30, snapshotsAt: [20])
    state.remove(first)
    let (_, recovery) = try state.open()
    #expect(!recovery.isNew)
    #expect(recovery.snapshot == nil)
    #expect(recovery.damage.count == 1)
  }

  @Test(
    "Files that are no ledger at all",
    arguments: [
      "", "\n", "\n\n\n", "{}\n", "{\"seq\":1", "null\n{}\n", "{\"seq\":99999999999999999999}\n",
      "{\"seq\":9223372036854775807,\"prev\":\"\n",
    ])
  func rubbish(text: String) throws {
    let state = try ScratchState()
    try state.write(first, Array(text.utf8))
    try state.write("ledger/99999999999999999999.jsonl", Array(text.utf8))
    try state.write("ledger/09223372036854775807.jsonl", Array(text.utf8))
    let (ledger, recovery) = try state.open()
    #expect(try ScratchState.texts(recovery).isEmpty)
    ledger.note("n")
    try ledger.commit()
    let (_, again) = try state.open()
    #expect(try ScratchState.texts(again) == ["n"])
  }
}
