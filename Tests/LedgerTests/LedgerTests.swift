import ByteText
import Grants
import Ledger
import Testing

@Suite struct LedgerTests {
  @Test("Each line carries the SHA-256 of the line before, the first one zeros")
  func chain() throws {
    let state = try ScratchState()
    let (ledger, recovery) = try state.open()
    #expect(recovery.isNew)
    #expect(recovery.lastMark == nil)
    #expect(ledger.head == "sha256:" + String(repeating: "0", count: 64))
    for index in 1...20 {
      #expect(ledger.note("n\(index) \"q\" \n ü") == Int64(index))
      if index % 3 == 0 { try ledger.commit() }
    }
    #expect(ledger.records == 18)
    #expect(ledger.unwritten == 2)
    #expect(ledger.pendingBytes > 0)
    try ledger.commit()
    #expect(ledger.records == 20)
    #expect(ledger.pendingBytes == 0)
    var prev = String(repeating: "0", count: 64)
    let bytes = try state.read("ledger/00000000000000000001.jsonl")
    #expect(bytes.last == 0x0a)
    for (index, line) in bytes.split(separator: 0x0a).enumerated() {
      let json = try JSON.parse(line)
      #expect(
        json.members.map(\.name)
          == ["seq", "prev", "time", "up", "boot", "type", "grant", "text", "data", "sum"])
      #expect(json["seq"].integer == Int64(index + 1))
      #expect(json["prev"].text == prev)
      prev = hexadecimal(SHA256.digest(line))
    }
    #expect(ledger.head == "sha256:" + prev)
    let verified = state.verify()
    #expect(verified.ok, "\(verified.problems)")
    #expect(verified.records == 20)
    #expect(verified.head == ledger.head)
  }

  @Test("A second start replays what was written, knows the last moment and goes on with the chain")
  func reopen() throws {
    let state = try ScratchState()
    let head: String
    do {
      let (ledger, _) = try state.open()
      for index in 1...5 { ledger.note("n\(index)", grant: index == 2 ? "g-aaaaaa" : nil) }
      try ledger.commit()
      ledger.note("never committed")
      head = ledger.head
    }
    let (ledger, recovery) = try state.open()
    #expect(ledger.head == head)
    #expect(!recovery.isNew)
    #expect(recovery.damage.isEmpty)
    var records: [LedgerRecord] = []
    try recovery.replay { records.append($0) }
    #expect(records.map(\.text) == (1...5).map { "n\($0)" })
    #expect(records[1].grant == "g-aaaaaa")
    #expect(records[0].data["data"]["object"].text == "file:/srv/data/n1")
    #expect(recovery.lastMark?.up == records[4].up)
    #expect(recovery.lastMark?.boot == "b1")
    #expect(recovery.lastMark?.wall == records[4].time)
    #expect(ledger.note("n6") == 6)
    try ledger.commit()
    #expect(state.verify().ok)
    #expect(state.verify().records == 6)
  }

  @Test("Segments end at their size, are named by their first line and hold one chain")
  func rotation() throws {
    let state = try ScratchState()
    state.limits.segmentBytes = 2000
    let (ledger, _) = try state.open()
    for index in 1...40 {
      ledger.note("n\(index)")
      try ledger.commit()
    }
    #expect(state.segments().count > 3)
    #expect(state.verify().ok)
    #expect(state.verify().records == 40)
    let (second, recovery) = try state.open()
    #expect(try ScratchState.texts(recovery) == (1...40).map { "n\($0)" })
    #expect(second.head == ledger.head)
    for name in state.segments() {
      let first = try JSON.parse(try state.read("ledger/" + name).prefix { $0 != 0x0a })
      #expect(first["seq"].integer == decimal(name.utf8.prefix(20)))
    }
  }

  @Test("Records are read back by number, time and grant, up to a limit, over segments")
  func log() throws {
    let state = try ScratchState()
    state.limits.segmentBytes = 2000
    let (ledger, _) = try state.open()
    for index in 1...40 {
      ledger.note("n\(index)", grant: index % 2 == 0 ? "g-even22" : nil)
      try ledger.commit()
    }
    ledger.note("not on the disk")
    func texts(
      from: Int64? = nil, since: Timestamp? = nil, grant: String? = nil, limit: Int = .max,
      stopAt: String? = nil
    ) throws -> [String] {
      var texts: [String] = []
      try ledger.log(from: from, since: since, grant: grant, limit: limit) {
        texts.append($0.text)
        return $0.text != stopAt
      }
      return texts
    }
    #expect(try texts().count == 40)
    #expect(try texts(from: 38) == ["n38", "n39", "n40"])
    #expect(try texts(from: 99) == [])
    #expect(try texts(from: 17, limit: 2) == ["n17", "n18"])
    #expect(try texts(limit: 0) == [])
    #expect(try texts(grant: "g-even22", limit: 3) == ["n2", "n4", "n6"])
    #expect(try texts(grant: "g-even2") == [])
    #expect(try texts(from: 5, stopAt: "n7") == ["n5", "n6", "n7"])
    var times: [Timestamp] = []
    try ledger.log {
      times.append($0.time)
      return true
    }
    #expect(try texts(since: times[30]) == (31...40).map { "n\($0)" })
    #expect(try texts(since: times[39] + TimeSpan(seconds: 100)) == [])
  }

  @Test("A snapshot stands for all before it; the last two are kept")
  func snapshot() throws {
    let state = try ScratchState()
    state.limits.segmentBytes = 2000
    let (ledger, _) = try state.open()
    for round in 1...4 {
      for index in 1...5 { ledger.note("r\(round)n\(index)") }
      try ledger.snapshot { writer in
        writer.beginObject()
        writer.member("round", round)
        writer.key("grants")
        writer.beginArray()
        for index in 1...3 {
          writer.beginObject()
          writer.member("id", "g-\(round)\(index)]\"}")
          writer.endObject()
        }
        writer.endArray()
        writer.member("after", true)
        writer.endObject()
      }
    }
    ledger.note("after")
    try ledger.commit()
    #expect(state.names("snapshots").count == 2)
    let (_, recovery) = try state.open()
    #expect(recovery.snapshotSeq == 20)
    #expect(recovery.snapshot?["round"].integer == 4)
    #expect(recovery.snapshot?["after"].bool == true)
    var ids: [String?] = []
    #expect(recovery.forEachInSnapshot("grants") { ids.append($0["id"].text) })
    #expect(ids == ["g-41]\"}", "g-42]\"}", "g-43]\"}"])
    #expect(try ScratchState.texts(recovery) == ["after"])
    #expect(state.verify().ok)
  }

  @Test("A record that makes a line of more than 1 MiB is refused, the others are written")
  func tooLong() throws {
    let state = try ScratchState()
    let (ledger, _) = try state.open()
    ledger.note("before")
    let long = String(repeating: "x", count: 1 << 20)
    #expect(
      ledger.append(type: "grant.items", grant: nil, text: "", essential: true) {
        $0.member("text", long)
      } == 0)
    #expect(ledger.note(String(repeating: "\u{1}", count: 400_000)) == 0)
    #expect(ledger.note("after") == 2)
    #expect(throws: LedgerError.self) { try ledger.commit() }
    try ledger.commit()
    #expect(state.verify().records == 2)
    let (_, recovery) = try state.open()
    #expect(try ScratchState.texts(recovery) == ["before", "after"])
  }

  @Test("Lines of nearly 1 MiB are read back")
  func longLines() throws {
    let state = try ScratchState()
    let (ledger, _) = try state.open()
    for index in 1...2 {
      ledger.append(type: "grant.items", grant: nil, text: "n\(index)", essential: true) {
        $0.member("text", String(repeating: "x", count: 1_040_000 + index))
      }
    }
    try ledger.commit()
    let (_, recovery) = try state.open()
    #expect(recovery.damage.isEmpty)
    #expect(try ScratchState.texts(recovery).count == 2)
  }

  @Test("A state directory without a ledger is not called good")
  func verifyNothing() throws {
    let state = try ScratchState()
    #expect(!state.verify().ok)
  }
}
