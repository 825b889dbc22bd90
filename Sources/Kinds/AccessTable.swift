internal import LinuxKit

/// The owner and the attributes that many files share.
struct AccessRecord: Hashable {
  var uid: UInt32
  var gid: UInt32
  var attributes: AccessAttributes

  /// About what it takes in memory.
  var size: Int {
    96 + attributes.accessList.count + attributes.defaultList.count + attributes.capability.count
  }
}

/// The distinct records of a baseline, by number. Hosts have few; whoever makes many, one for each
/// file, comes up against a limit.
struct AccessTable {
  /// What is known of a file whose record found no room: no owner, and no attributes, so that what
  /// these give counts as given when the file is next seen to change.
  static let none: UInt32 = .max
  private static let noRecord = AccessRecord(uid: .max, gid: .max, attributes: AccessAttributes())

  /// Bytes that all records take at the most.
  static let mostBytes = 24 << 20

  private(set) var records: [AccessRecord?] = []
  private var numbers: [AccessRecord: UInt32] = [:]
  private var free: [UInt32] = []
  private var size = 0
  private var dueAt = 4096
  private var refused = 0
  private var last: (record: AccessRecord, number: UInt32)?

  var count: Int { numbers.count }

  subscript(_ number: UInt32) -> AccessRecord {
    guard number < UInt32(clamping: records.count) else { return Self.noRecord }
    return records[Int(number)] ?? Self.noRecord
  }

  /// Nil for a record that is not there yet.
  mutating func number(of record: AccessRecord) -> UInt32? {
    if let last, last.record == record { return last.number }
    guard let number = numbers[record] else { return nil }
    last = (record, number)
    return number
  }

  /// It has grown so much that those which no file has any more are worth looking for.
  var isDue: Bool { numbers.count >= dueAt || refused >= 1024 }

  /// Adds one that is not there yet.
  mutating func add(_ record: AccessRecord) -> UInt32 {
    guard size + record.size <= Self.mostBytes else {
      refused += 1
      return Self.none
    }
    size += record.size
    let number: UInt32
    if let reused = free.popLast() {
      number = reused
      records[Int(number)] = record
    } else {
      number = UInt32(records.count)
      records.append(record)
    }
    numbers[record] = number
    last = (record, number)
    return number
  }

  /// Adds the next of a saved table; one that nobody has leaves its number free.
  mutating func append(_ record: AccessRecord) {
    records.append(nil)
    let number = UInt32(records.count - 1)
    guard record.uid != .max, numbers[record] == nil else {
      free.append(number)
      return
    }
    records[Int(number)] = record
    numbers[record] = number
    size += record.size
  }

  /// Forgets all records whose numbers are not among these.
  mutating func keep(_ used: Set<UInt32>) {
    last = nil
    refused = 0
    for (index, record) in records.enumerated() {
      guard let record, !used.contains(UInt32(index)) else { continue }
      records[index] = nil
      numbers[record] = nil
      free.append(UInt32(index))
      size -= record.size
    }
    dueAt = max(4096, numbers.count * 2)
  }
}
