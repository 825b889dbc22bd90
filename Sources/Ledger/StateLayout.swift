internal import ByteText
internal import LinuxKit

/// Where the parts of the record lie.
struct StateLayout: Sendable {
  let ledger: DurableDirectory
  let snapshots: DurableDirectory
  let damaged: DurableDirectory

  /// `directory` is the ledger's; the others lie beside it.
  init(ledger directory: String) {
    var path = directory
    while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
    let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    ledger = DurableDirectory(path)
    snapshots = DurableDirectory(parent + "/snapshots")
    damaged = DurableDirectory(parent + "/damaged")
  }

  /// No line has a number as high as this.
  static let highest: Int64 = 1 << 60

  /// The number in the name of a segment or snapshot: twenty digits.
  static func number(_ name: String, _ suffix: String) -> Int64? {
    guard name.utf8.count == 20 + suffix.utf8.count, name.hasSuffix(suffix) else { return nil }
    guard let number = decimal(name.utf8.prefix(20)), number < highest else { return nil }
    return number
  }

  static func name(_ number: Int64, _ suffix: String) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits + suffix
  }

  static let segmentSuffix = ".jsonl"
  static let snapshotSuffix = ".json"

  /// Names of the segments, oldest first.
  func segmentNames() throws(SystemError) -> [String] {
    try ledger.names().filter { Self.number($0, Self.segmentSuffix) != nil }
  }

  /// Names of the snapshots, oldest first.
  func snapshotNames() throws(SystemError) -> [String] {
    guard snapshots.exists else { return [] }
    return try snapshots.names().filter { Self.number($0, Self.snapshotSuffix) != nil }
  }

  /// Names of what was moved aside because it did not verify.
  func damagedNames() throws(SystemError) -> [String] {
    damaged.exists ? try damaged.names() : []
  }
}
