internal import LinuxKit

/// A part of the record that was not what it should be when it was opened.
package struct Damage: Equatable, Sendable, CustomStringConvertible {
  /// Path of the file.
  package var file: String
  /// Where in it the damage begins.
  package var offset: Int64
  package var reason: String
  /// Where the file, or what was cut off it, lies now.
  package var movedTo: String
  /// The unfinished end that a crash leaves: cut off, nothing that was ever acted on is lost.
  package var isTornTail = false

  package var description: String { "\(file): byte \(offset): \(reason); kept in \(movedTo)" }
}

/// Moves aside what does not verify, so that at any moment, through any crash, either the whole
/// chain with its damage or the good part of it stands in the ledger.
struct ChainRepair {
  private static let tornKept = 16

  let layout: StateLayout
  /// Makes the names of what is moved aside unlike those of the last time.
  let stamp: Int64

  /// Cuts the chain at `found`. `highest` becomes the highest number that any line moved aside may
  /// have had: it must not be given again.
  func cut(
    _ scan: ChainScan, at found: ChainScan.Break, highest: inout Int64
  ) throws(SystemError) -> [Damage] {
    found.torn
      ? [try cutTorn(scan.segments[found.segment], found)]
      : try moveAside(scan, found, highest: &highest)
  }

  private func cutTorn(
    _ segment: Segment, _ found: ChainScan.Break
  ) throws(SystemError) -> Damage {
    let path = layout.ledger.path(of: segment.name)
    let name = "torn-\(stamp)-\(segment.name)"
    var rest: [UInt8] = []
    let file = try ReadableFile(path: path)
    let size = try file.size()
    try file.read(into: &rest, at: found.offset, count: Int(min(size - found.offset, 64 << 20)))
    let full = try keep(rest, as: name)
    try DurableFile(appendingTo: path).truncate(to: found.offset)
    try DurableFile(appendingTo: path).synchronize()
    return Damage(
      file: path, offset: found.offset, reason: found.reason,
      movedTo: full ? layout.ledger.path(of: name) : "(no room)", isTornTail: true)
  }

  /// Keeps a torn tail; false when the disk is full. Older ones go beyond sixteen.
  private func keep(_ bytes: [UInt8], as name: String) throws(SystemError) -> Bool {
    do throws(SystemError) {
      try layout.ledger.write(name, bytes)
    } catch  where error.isDiskFull {
      return false
    }
    let torn = try layout.ledger.names().filter { $0.hasPrefix("torn-") }
    for old in torn.dropLast(Self.tornKept) { try layout.ledger.remove(old) }
    return true
  }

  private func moveAside(
    _ scan: ChainScan, _ found: ChainScan.Break, highest: inout Int64
  ) throws(SystemError) -> [Damage] {
    try layout.damaged.create()
    var damages: [Damage] = []
    for segment in scan.segments[found.segment...].reversed() {
      let path = layout.ledger.path(of: segment.name)
      let isFirst = segment.name == scan.segments[found.segment].name
      highest = max(highest, try highestNumber(in: path, segment, least: scan.state.lastSeq))
      let name = "\(stamp)-\(segment.name)"
      if isFirst, found.offset > 0 {
        var good: [UInt8] = []
        try ReadableFile(path: path).read(into: &good, at: 0, count: Int(found.offset))
        try layout.ledger.write(".good", good)
        try layout.ledger.link(segment.name, to: layout.damaged, as: name)
        try layout.ledger.move(".good", to: layout.ledger, as: segment.name)
      } else {
        try layout.ledger.move(segment.name, to: layout.damaged, as: name)
      }
      damages.append(
        Damage(
          file: path, offset: isFirst ? found.offset : 0,
          reason: isFirst ? found.reason : "after a break in the chain",
          movedTo: layout.damaged.path(of: name)))
    }
    return damages.reversed()
  }

  /// The highest number of a line in a damaged file; bounded by what its size can hold, for a
  /// number may itself be damaged.
  private func highestNumber(
    in path: String, _ segment: Segment, least: Int64
  ) throws(SystemError) -> Int64 {
    var reader = try LineReader(path: path)
    var lines: Int64 = 0
    var highest = least
    while let line = try reader.next() {
      lines += 1
      if let header = LineHeader(line.bytes), header.seq < StateLayout.highest {
        highest = max(highest, header.seq)
      }
    }
    return min(highest, max(least, segment.first) + lines)
  }
}
