package import ByteText
internal import LinuxKit

extension Ledger {
  /// Reads records back, oldest first, until `limit` of them were given or `body` returns false:
  /// from line `from` on, not older than `since`, of grant `grant`. Only what is on the disk is
  /// read, a piece at a time.
  package func log(
    from: Int64? = nil, since: Timestamp? = nil, grant: String? = nil, limit: Int = .max,
    _ body: (LedgerRecord) -> Bool
  ) throws(LedgerError) {
    var left = limit
    let first = try asLedgerError { () throws(SystemError) in try start(from: from, since: since) }
    // Times of lines have milliseconds.
    let sinceText = since.map { Array($0.rfc3339.utf8) }
    let place = from.flatMap { from in places.last { $0.seq <= from } }
    for index in segments.indices[first...] where segments[index].end > 0 {
      let segment = segments[index]
      let start = place.map { $0.segment == index ? $0.offset : 0 } ?? 0
      let more = try asLedgerError { () throws(SystemError) in
        var reader = try LineReader(
          path: layout.ledger.path(of: segment.name), from: start, to: segment.end)
        while left > 0, let line = try reader.next() {
          guard let header = LineHeader(line.bytes), header.seq >= from ?? 0 else { continue }
          if let sinceText, header.time.lexicographicallyPrecedes(sinceText) { continue }
          if let grant, header.grant?.elementsEqual(grant.utf8) != true { continue }
          guard let record = LedgerRecord(line: line.bytes) else { continue }
          left -= 1
          if !body(record) { return false }
        }
        return left > 0
      }
      if !more { return }
    }
  }

  /// The first segment that may hold what is asked for. The wall's clock may have been set back, so
  /// by time a segment is left out only when its successor begins before `since` too.
  private func start(from: Int64?, since: Timestamp?) throws(SystemError) -> Int {
    var first = 0
    if let from { first = max(0, segments.lastIndex { $0.first <= from } ?? 0) }
    guard let since else { return first }
    while first + 1 < segments.count, segments[first + 1].end > 0 {
      var reader = try LineReader(path: layout.ledger.path(of: segments[first + 1].name))
      guard let line = try reader.next(), let header = LineHeader(line.bytes),
        let time = Timestamp(rfc3339: String(decoding: header.time, as: UTF8.self)), time < since
      else { break }
      first += 1
    }
    return first
  }
}
