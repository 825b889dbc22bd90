internal import Grants

/// Records that wait for room on a full disk, in the order in which they came.
struct HeldRecords {
  struct Record {
    var type: String
    var grant: String?
    var text: String
    var data: [UInt8]

    var bytes: Int { data.count + text.utf8.count + 320 }
  }

  private let limit: Int
  private var records: [Record] = []
  private var first = 0
  private var bytes = 0
  /// Records for which there was no room in memory either, and since when.
  private(set) var dropped = 0
  private(set) var droppedSince: Moment?

  init(limit: Int) { self.limit = limit }

  var count: Int { records.count - first }
  var next: Record? { first < records.count ? records[first] : nil }

  mutating func add(_ record: Record, at now: Moment) {
    guard bytes + record.bytes <= limit else { return drop(at: now) }
    bytes += record.bytes
    records.append(record)
  }

  mutating func drop(at now: Moment) {
    dropped += 1
    droppedSince = droppedSince ?? now
  }

  mutating func removeFirst() {
    guard let record = next else { return }
    bytes -= record.bytes
    first += 1
    if first == records.count {
      records = []
      first = 0
    }
  }

  mutating func forgetDropped() {
    dropped = 0
    droppedSince = nil
  }
}
