internal import ByteText
package import Grants
package import LinuxKit

extension Ledger {
  /// Opens the ledger in `directory` (its parent must be there; `snapshots` and `damaged` lie
  /// beside it), or begins one. The caller holds the `StateLock`.
  ///
  /// The whole chain is checked. An unfinished end is cut off and kept; from the first line that
  /// does not verify on everything is moved aside, and numbers that it used are not given again.
  /// Throws only when the disk refuses; never starts on what does not verify.
  package static func open(
    directory: String, limits: LedgerLimits = LedgerLimits(), now: @escaping () -> Moment,
    openFile: @escaping (String) throws(SystemError) -> any AppendFile = {
      (path) throws(SystemError) in try DurableFile(appendingTo: path)
    }
  ) throws(LedgerError) -> (ledger: Ledger, recovery: Recovery) {
    try asLedgerError { () throws(SystemError) in
      try open(StateLayout(ledger: directory), limits, now, openFile)
    }
  }

  private static func open(
    _ layout: StateLayout, _ limits: LedgerLimits, _ now: @escaping () -> Moment,
    _ openFile: @escaping (String) throws(SystemError) -> any AppendFile
  ) throws(SystemError) -> (ledger: Ledger, recovery: Recovery) {
    try layout.ledger.create()
    try layout.snapshots.create()
    let snapshotNames = try layout.snapshotNames()
    let numbers = snapshotNames.compactMap { StateLayout.number($0, StateLayout.snapshotSuffix) }
    let scan = try ChainScan(layout, wanted: Set(numbers))
    let asideNames = try layout.damagedNames()
    let isNew = scan.segments.isEmpty && snapshotNames.isEmpty && asideNames.isEmpty
    var highest = scan.state.lastSeq
    var damage: [Damage] = []
    let repair = ChainRepair(layout: layout, stamp: now().wall.microseconds)
    if let found = scan.found {
      damage = try repair.cut(scan, at: found, highest: &highest)
    } else {
      highest = max(highest, (scan.segments.last?.first ?? 1) - 1)
    }
    let snapshot = try chooseSnapshot(
      snapshotNames, scan, repair, damage: &damage, highest: &highest)

    var segments = scan.segments
    if let found = scan.found {
      segments.removeLast(segments.count - found.segment)
      if found.torn || found.offset > 0 { segments.append(scan.segments[found.segment]) }
    }
    let pieces = segments.enumerated().map { index, segment in
      let mark = snapshot?.chain
      let start =
        mark.map { index < $0.segment ? segment.end : index == $0.segment ? $0.end : 0 } ?? 0
      return (path: layout.ledger.path(of: segment.name), start: start, end: segment.end)
    }
    let recovery = Recovery(
      isNew: isNew, lastMark: try lastMark(layout, scan), damage: damage,
      snapshot: snapshot?.file, pieces: pieces)
    let ledger = try Ledger(
      layout: layout, limits: limits, now: now, openFile: openFile, segments: segments,
      chain: scan.state, places: scan.places, nextSeq: highest + 1)
    return (ledger, recovery)
  }

  /// The newest snapshot that is whole and agrees with the chain; newer ones are moved aside.
  private static func chooseSnapshot(
    _ names: [String], _ scan: ChainScan, _ repair: ChainRepair, damage: inout [Damage],
    highest: inout Int64
  ) throws(SystemError) -> (file: SnapshotFile, chain: ChainScan.State)? {
    for name in names.reversed() {
      let path = repair.layout.snapshots.path(of: name)
      let file = try SnapshotFile.read(path)
      let number = StateLayout.number(name, StateLayout.snapshotSuffix)
      let reason: String
      if let file, file.seq == number {
        let chain = file.seq == 0 ? ChainScan.State() : scan.marks[file.seq]
        if let chain, chain.head.elementsEqual(file.head.utf8) { return (file, chain) }
        highest = max(highest, file.seq)
        reason = "does not agree with the chain"
      } else {
        reason = "damaged snapshot"
      }
      try repair.layout.damaged.create()
      let moved = "\(repair.stamp)-snapshot-\(name)"
      try repair.layout.snapshots.move(name, to: repair.layout.damaged, as: moved)
      damage.append(
        Damage(
          file: path, offset: 0, reason: reason, movedTo: repair.layout.damaged.path(of: moved)))
    }
    return nil
  }

  /// The moment of the chain's last line.
  private static func lastMark(
    _ layout: StateLayout, _ scan: ChainScan
  ) throws(SystemError) -> Moment? {
    guard scan.state.records > 0 else { return nil }
    var reader = try LineReader(
      path: layout.ledger.path(of: scan.segments[scan.state.segment].name), from: scan.state.start,
      to: scan.state.end)
    guard let line = try reader.next(), let header = LineHeader(line.bytes),
      let wall = Timestamp(rfc3339: String(decoding: header.time, as: UTF8.self))
    else { return nil }
    return Moment(
      wall: wall, up: header.up, boot: String(decoding: header.boot, as: UTF8.self))
  }
}
