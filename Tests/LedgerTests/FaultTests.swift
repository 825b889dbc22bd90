import ByteText
import Glibc
import Ledger
import LinuxKit
import Testing

@Suite struct FaultTests {
  private func texts(_ state: ScratchState) throws -> [String] {
    let (_, recovery) = try state.open()
    #expect(recovery.damage.isEmpty, "\(recovery.damage)")
    return try ScratchState.texts(recovery)
  }

  @Test(
    "A disk that fails in a write or in fdatasync: said, nothing lost, the chain goes on",
    arguments: [0, 1, 50, 300])
  func brokenDisk(leaves: Int) throws {
    let state = try ScratchState()
    let disk = FaultyDisk()
    let (ledger, _) = try state.open { (path) throws(SystemError) in try disk.open(path) }
    ledger.note("n1")
    try ledger.commit()
    let head = ledger.head
    disk.appendError = EIO
    disk.leaves = leaves
    ledger.note("n2")
    #expect(throws: LedgerError.system(SystemError(EIO, "write"))) { try ledger.commit() }
    #expect(ledger.head == head)
    #expect(ledger.records == 1)
    #expect(ledger.unwritten == 1)
    disk.truncateError = EIO
    ledger.note("n3")
    #expect(throws: LedgerError.self) { try ledger.commit() }
    disk.truncateError = nil
    disk.appendError = nil
    disk.synchronizeError = EIO
    #expect(throws: LedgerError.system(SystemError(EIO, "synchronize"))) { try ledger.commit() }
    #expect(ledger.head == head)
    disk.synchronizeError = nil
    ledger.note("n4")
    try ledger.commit()
    #expect(ledger.records == 4)
    #expect(ledger.unwritten == 0)
    #expect(state.verify().ok, "\(state.verify().problems)")
    #expect(state.verify().head == ledger.head)
    #expect(try texts(state) == ["n1", "n2", "n3", "n4"])
  }

  @Test("A process that dies after a failed write leaves a torn tail at most")
  func deadAfterFailure() throws {
    let state = try ScratchState()
    let disk = FaultyDisk()
    do {
      let (ledger, _) = try state.open { (path) throws(SystemError) in try disk.open(path) }
      ledger.note("n1")
      try ledger.commit()
      ledger.note("n2")
      ledger.note("n3")
      disk.appendError = EIO
      disk.leaves = 50
      #expect(throws: LedgerError.self) { try ledger.commit() }
    }
    let (_, recovery) = try state.open()
    #expect(try ScratchState.texts(recovery) == ["n1"])
    #expect(recovery.damage.map(\.isTornTail) == [true])
  }

  @Test(
    "A full disk: ordinary records wait in order, essential ones are written into the kept room",
    arguments: [true, false])
  func fullDisk(canPreallocate: Bool) throws {
    let state = try ScratchState()
    let disk = FaultyDisk()
    disk.canPreallocate = canPreallocate
    let (ledger, _) = try state.open { (path) throws(SystemError) in try disk.open(path) }
    for index in 1...3 { ledger.note("n\(index)") }
    try ledger.commit()
    #expect(!ledger.isDiskFull)
    disk.room = 0
    // Uses up what was kept beyond the reserve.
    var written = 3
    while !ledger.isDiskFull, written < 1000 {
      ledger.note("n\(written + 1)")
      do { try ledger.commit() } catch { #expect(error.isDiskFull) }
      written += 1
      if !canPreallocate { break }
    }
    if canPreallocate {
      #expect(ledger.isDiskFull)
      #expect(ledger.unwritten == 1)
      let held = ledger.note("held")
      #expect(held == 0)
      let seq = ledger.note("essential1", essential: true)
      #expect(seq == ledger.records + 1)
      try ledger.commit()
      #expect(ledger.note("essential2", essential: true) == seq + 1)
      try ledger.commit()
      #expect(ledger.unwritten == 2)
      #expect(state.verify().ok)
      disk.room = 1 << 20
      #expect(ledger.note("last") == 0)
      try ledger.commit()
      #expect(ledger.unwritten == 0)
      #expect(!ledger.isDiskFull)
      let texts = try texts(state)
      #expect(
        texts == (1..<written).map { "n\($0)" } + [
          "essential1", "essential2", "n\(written)", "held", "last",
        ])
    } else {
      disk.room = 1 << 20
      #expect(ledger.note("n5") == 0)
      try ledger.commit()
      try ledger.commit()
      #expect(ledger.unwritten == 0)
      #expect(try texts(state) == (1...5).map { "n\($0)" })
    }
    #expect(state.verify().ok)
  }

  @Test("Without fallocate(2) a reserve file is given up for what must be written")
  func reserveFile() throws {
    let state = try ScratchState()
    let disk = FaultyDisk()
    disk.canPreallocate = false
    let (ledger, _) = try state.open { (path) throws(SystemError) in try disk.open(path) }
    let directory = DurableDirectory(state.path + "/ledger")
    #expect(directory.contains("reserve"))
    ledger.note("n1")
    try ledger.commit()
    disk.room = 0
    ledger.note("essential", essential: true)
    #expect(throws: LedgerError.self) { try ledger.commit() }
    #expect(!directory.contains("reserve"))
    disk.room = 1 << 20
    try ledger.commit()
    ledger.note("n2")
    try ledger.commit()
    #expect(directory.contains("reserve"))
    #expect(try texts(state) == ["n1", "essential", "n2"])
  }

  @Test("Too many records for memory too: the loss itself is put on record")
  func dropped() throws {
    let state = try ScratchState()
    state.limits.heldBytes = 2000
    let disk = FaultyDisk()
    let (ledger, _) = try state.open { (path) throws(SystemError) in try disk.open(path) }
    disk.room = 0
    for index in 1...500 {
      ledger.note("n\(index)")
      if !ledger.isDiskFull { try ledger.commit() }
    }
    #expect(ledger.isDiskFull)
    let waiting = ledger.unwritten
    try ledger.commit()
    #expect(ledger.unwritten > 100)
    #expect(ledger.unwritten <= waiting)
    #expect(ledger.pendingBytes == 0)
    disk.room = 1 << 20
    try ledger.commit()
    #expect(ledger.unwritten == 0)
    var last: LedgerRecord?
    try ledger.log {
      last = $0
      return true
    }
    let gap = try #require(last)
    #expect(gap.type == "source.gap")
    let lost = try #require(gap.data["data"]["lost"].integer)
    #expect(lost + ledger.records - 1 == 500)
    #expect(state.verify().ok)
  }

  @Test("On a full disk no segment is begun: the old one goes on, and is ended later")
  func rotationOnFullDisk() throws {
    let state = try ScratchState()
    state.limits.segmentBytes = 1000
    let disk = FaultyDisk()
    let (ledger, _) = try state.open { (path) throws(SystemError) in try disk.open(path) }
    disk.room = 0
    for index in 1...10 {
      ledger.note("n\(index)", essential: true)
      try ledger.commit()
    }
    #expect(state.segments().count == 1)
    disk.room = 1 << 20
    for index in 11...15 {
      ledger.note("n\(index)")
      try ledger.commit()
    }
    #expect(state.segments().count > 1)
    #expect(try texts(state) == (1...15).map { "n\($0)" })
  }
}
