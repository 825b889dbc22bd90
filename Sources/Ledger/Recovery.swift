package import ByteText
package import Grants
internal import LinuxKit

/// What the ledger held when it was opened: a snapshot, the records after it, and what was damaged.
///
/// Valid until the first `commit`: let go of it when the state is rebuilt, it holds the snapshot.
package struct Recovery {
  /// There was no ledger before.
  package let isNew: Bool
  /// The moment of the last record: what is on record of how long the host ran.
  package let lastMark: Moment?
  /// What did not verify, or was cut off; each is to be reported.
  package let damage: [Damage]
  /// Line up to which the snapshot tells the state; 0 without one.
  package let snapshotSeq: Int64

  private let state: ArraySlice<UInt8>?
  private let pieces: [(path: String, start: Int64, end: Int64)]

  init(
    isNew: Bool, lastMark: Moment?, damage: [Damage], snapshot: SnapshotFile?,
    pieces: [(path: String, start: Int64, end: Int64)]
  ) {
    self.isNew = isNew
    self.lastMark = lastMark
    self.damage = damage
    snapshotSeq = snapshot?.seq ?? 0
    state = snapshot?.state
    self.pieces = pieces
  }

  /// The state in the snapshot, as one tree. For a large state `forEachInSnapshot` is better.
  package var snapshot: JSON? { state.flatMap { try? JSON.parse($0) } }

  /// Reads the elements of the array that is member `name` of the snapshot's state, one at a time.
  /// False when there is no snapshot, or it cannot be read.
  @discardableResult
  package func forEachInSnapshot(_ name: String, _ body: (JSON) -> Void) -> Bool {
    state.map { JSON.forEachElement(of: name, in: $0, body) } ?? false
  }

  /// Reads the records after the snapshot, oldest first, one at a time.
  package func replay(_ body: (LedgerRecord) -> Void) throws(LedgerError) {
    for piece in pieces where piece.start < piece.end {
      try asLedgerError { () throws(SystemError) in
        var reader = try LineReader(path: piece.path, from: piece.start, to: piece.end)
        while let line = try reader.next() {
          guard let record = LedgerRecord(line: line.bytes) else { continue }
          body(record)
        }
      }
    }
  }
}
