package import ByteText
internal import Glibc
internal import Grants
internal import LinuxKit

/// Sizes of a ledger.
package struct LedgerLimits: Sendable {
  /// A segment that is longer gets no further lines.
  package var segmentBytes: Int64 = 64 << 20
  /// Room that is always kept on the disk for essential records.
  package var reserveBytes: Int64 = 4 << 20
  /// Room that is asked for at a time, beyond the reserve.
  package var stepBytes: Int64 = 1 << 20
  /// Memory for records that wait on a full disk, and as much for those that a broken disk refuses.
  package var heldBytes = 16 << 20

  package init() {}
}

/// The append-only record: lines of JSON, each with the hash of the line before.
///
/// Confined to the engine's queue. What is appended lasts when `commit` returns, and not before.
package final class Ledger {
  let layout: StateLayout
  private let limits: LedgerLimits
  private let now: () -> Moment
  private let openFile: (String) throws(SystemError) -> any AppendFile

  /// Segments with lines on the disk, and the one that is written.
  private(set) var segments: [Segment]
  /// Where lines of them begin, in order.
  private(set) var places: [Place]
  private var file: any AppendFile
  private var room: RoomKeeper

  /// The chain with the lines that wait for `commit`.
  private var lastSeq: Int64
  private var lastHash: [UInt8]
  private var pending: [UInt8] = []
  private var pendingFirst: Int64 = 0
  private var pendingRecords = 0
  /// The chain as it is on the disk.
  private var writtenSeq: Int64
  private var writtenHash: [UInt8]

  private var held: HeldRecords
  private var refused: LedgerError?
  private var mustRepair = false

  /// Lines on the disk.
  package private(set) var records: Int64

  init(
    layout: StateLayout, limits: LedgerLimits, now: @escaping () -> Moment,
    openFile: @escaping (String) throws(SystemError) -> any AppendFile, segments: [Segment],
    chain: ChainScan.State, places: [Place], nextSeq: Int64
  ) throws(SystemError) {
    self.layout = layout
    self.limits = limits
    self.now = now
    self.openFile = openFile
    self.segments = segments
    self.places = places.filter { $0.seq <= chain.lastSeq }
    if segments.last == nil || nextSeq != chain.lastSeq + 1 && segments.last?.first != nextSeq {
      let name = StateLayout.name(nextSeq, StateLayout.segmentSuffix)
      self.segments.append(Segment(name: name, first: nextSeq))
    }
    let tail = self.segments[self.segments.count - 1]
    file = try openFile(layout.ledger.path(of: tail.name))
    try layout.ledger.synchronize()
    lastSeq = nextSeq - 1
    writtenSeq = lastSeq
    lastHash = chain.head
    writtenHash = chain.head
    records = chain.records
    held = HeldRecords(limit: limits.heldBytes)
    room = RoomKeeper(
      directory: layout.ledger, reserve: limits.reserveBytes, step: limits.stepBytes)
    room.keep(file, beyond: tail.end)
  }

  /// `sha256:` and the hash of the last line on the disk.
  package var head: String { "sha256:" + String(decoding: writtenHash, as: UTF8.self) }

  /// The number of the last line on the disk; 0 before the first.
  package var seq: Int64 { writtenSeq }

  /// Bytes that wait for `commit`.
  package var pendingBytes: Int { pending.count }

  /// True while ordinary records wait because only the reserve is left, or not even that.
  package var isDiskFull: Bool { held.count > 0 || !room.isKept }

  /// Records that are not on the disk: they wait for room or for `commit`, or were dropped because
  /// they waited too long. The dropped ones are told of in the record once there is room.
  package var unwritten: Int { held.count + held.dropped + pendingRecords }

  /// Path and length of the segment that is written.
  private var tailIndex: Int { segments.count - 1 }

  /// Adds a record; `data` writes the members of its `data`. It lasts after the next `commit`.
  ///
  /// Returns its number. On a full disk an ordinary record is held back, keeps its order among its
  /// like and gets its number later; 0 is returned then, and for a record that is refused because
  /// it makes a line of more than 1 MiB, which the next `commit` says.
  @discardableResult
  package func append(
    type: String, grant: String?, text: String, essential: Bool,
    _ data: (inout JSONWriter) -> Void = { _ in }
  ) -> Int64 {
    var writer = JSONWriter(reserving: 512)
    writer.beginObject()
    data(&writer)
    writer.endObject()
    let record = HeldRecords.Record(type: type, grant: grant, text: text, data: writer.bytes)
    guard record.data.count + 2 * text.utf8.count < LedgerLine.longest else {
      return refuse(record, record.bytes)
    }
    if !essential {
      guard held.count == 0, hasRoom(for: record) else {
        held.add(record, at: now())
        return 0
      }
    } else {
      _ = hasRoom(for: record)
    }
    return add(record)
  }

  private func refuse(_ record: HeldRecords.Record, _ bytes: Int) -> Int64 {
    refused = .tooLong(type: record.type, bytes: bytes)
    return 0
  }

  /// Asks for room for `record` beside the reserve.
  private func hasRoom(for record: HeldRecords.Record) -> Bool {
    let end = segments[tailIndex].end + Int64(pending.count + record.bytes)
    return room.keep(file, beyond: end)
  }

  private func add(_ record: HeldRecords.Record) -> Int64 {
    let moment = now()
    guard pending.count < limits.heldBytes else {
      held.drop(at: moment)
      return 0
    }
    let line = LedgerLine.build(
      seq: lastSeq + 1, prev: lastHash, at: (moment.wall, moment.up, moment.boot),
      type: record.type, grant: record.grant, text: record.text, data: record.data)
    guard line.count < LedgerLine.longest else { return refuse(record, line.count) }
    lastSeq += 1
    lastHash = LedgerLine.hash(line[...])
    if pendingRecords == 0 { pendingFirst = lastSeq }
    pendingRecords += 1
    pending.append(contentsOf: line)
    pending.append(0x0a)
    return lastSeq
  }

  /// Makes all that was appended last, with one write and one fdatasync; at once when there is
  /// nothing to do.
  ///
  /// When it throws, the records stay in memory, the chain on the disk ends where it ended, and the
  /// next `commit` tries again.
  package func commit() throws(LedgerError) {
    releaseHeld()
    if !pending.isEmpty {
      do throws(SystemError) {
        try write()
      } catch  where error.isDiskFull && room.giveReserve() {
        try asLedgerError { () throws(SystemError) in try write() }
      } catch {
        throw .system(error)
      }
    }
    if let refused {
      self.refused = nil
      throw refused
    }
  }

  private func write() throws(SystemError) {
    try repair()
    rotate()
    mustRepair = true
    try file.append(pending)
    try file.synchronize()
    mustRepair = false
    let offset = segments[tailIndex].end
    if Place.isWorthIt(tailIndex, offset, after: places.last) {
      places.append(Place(seq: pendingFirst, segment: tailIndex, offset: offset))
    }
    segments[tailIndex].end += Int64(pending.count)
    records += Int64(pendingRecords)
    writtenSeq = lastSeq
    writtenHash = lastHash
    room.written()
    pending.removeAll(keepingCapacity: pending.capacity <= 1 << 20)
    pendingRecords = 0
  }

  /// After a write that failed: takes back what it left, for nobody knows what of it is on the disk.
  private func repair() throws(SystemError) {
    guard mustRepair else { return }
    let end = segments[tailIndex].end
    let size = try file.size()
    guard size >= end else { throw SystemError(EIO, "repair", segments[tailIndex].name) }
    try file.truncate(to: end)
    try file.synchronize()
    mustRepair = false
    room.forget()
    room.keep(file, beyond: end + Int64(pending.count))
  }

  /// Begins a new segment when the old one is long enough and the disk has room for both.
  private func rotate() {
    let old = segments[tailIndex]
    guard old.end >= limits.segmentBytes else { return }
    let name = StateLayout.name(pendingFirst, StateLayout.segmentSuffix)
    do throws(SystemError) {
      let next = try openFile(layout.ledger.path(of: name))
      var nextRoom = room
      nextRoom.forget()
      guard nextRoom.keep(next, beyond: Int64(pending.count)) else {
        return try layout.ledger.remove(name)
      }
      try layout.ledger.synchronize()
      try? file.truncate(to: old.end)
      file = next
      room = nextRoom
      segments.append(Segment(name: name, first: pendingFirst))
    } catch {
      // The old segment goes on; the next commit tries again.
      return
    }
  }

  /// Appends what waited for room, as far as there is room now.
  private func releaseHeld() {
    while let record = held.next, hasRoom(for: record) {
      held.removeFirst()
      _ = add(record)
    }
    guard held.count == 0, held.dropped > 0, let since = held.droppedSince else { return }
    let text =
      "\(held.dropped) records were lost since \(since.wall.rfc3339): no room on the disk"
    var data = JSONWriter()
    data.beginObject()
    data.member("source", "ledger")
    data.member("from", time: since.wall)
    data.member("to", time: now().wall)
    data.member("lost", held.dropped)
    data.endObject()
    let record = HeldRecords.Record(type: "source.gap", grant: nil, text: text, data: data.bytes)
    guard hasRoom(for: record) else { return }
    held.forgetDropped()
    _ = add(record)
  }

  /// Writes the whole state as it is after all that was appended, which is committed first. The last
  /// two snapshots are kept.
  package func snapshot(_ state: (inout JSONWriter) -> Void) throws(LedgerError) {
    try commit()
    let name = StateLayout.name(writtenSeq, StateLayout.snapshotSuffix)
    try asLedgerError { () throws(SystemError) in
      try layout.snapshots.replace(name) { append throws(SystemError) in
        try SnapshotFile.write(
          seq: writtenSeq, head: writtenHash, time: now().wall, to: append, state)
      }
      for old in try layout.snapshotNames().dropLast(2) { try layout.snapshots.remove(old) }
    }
  }
}
