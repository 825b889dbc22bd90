internal import ByteText
internal import Glibc
internal import LinuxKit

/// What a check of the whole record found.
package struct Verification: Equatable, Sendable {
  package var ok: Bool { problems.isEmpty }
  /// Lines that verify.
  package var records: Int64
  /// `sha256:` and the hash of the last of them.
  package var head: String
  /// One line each.
  package var problems: [String]
}

extension Ledger {
  /// Checks the chain and the snapshots in `stateDirectory`; changes nothing, needs no daemon and
  /// does not mind one that is writing.
  package static func verify(stateDirectory: String) -> Verification {
    let layout = StateLayout(ledger: stateDirectory + "/ledger")
    do throws(SystemError) {
      guard layout.ledger.exists else {
        throw SystemError(ENOENT, "open", layout.ledger.path)
      }
      return try verify(layout)
    } catch {
      return Verification(
        records: 0, head: "sha256:" + String(decoding: LedgerLine.genesis, as: UTF8.self),
        problems: [error.description])
    }
  }

  private static func verify(_ layout: StateLayout) throws(SystemError) -> Verification {
    // Snapshots first: each was written after the lines that it tells of.
    let names = try layout.snapshotNames()
    let numbers = names.compactMap { StateLayout.number($0, StateLayout.snapshotSuffix) }
    var scan = try ChainScan(layout, wanted: Set(numbers))
    // A daemon may be in the middle of a line.
    for _ in 0..<3 where scan.found?.torn == true {
      SystemClock.pause(milliseconds: 5)
      scan = try ChainScan(layout, wanted: Set(numbers))
    }
    var problems: [String] = []
    if let found = scan.found {
      let path = layout.ledger.path(of: scan.segments[found.segment].name)
      problems.append("\(path): byte \(found.offset): \(found.reason)")
    }
    for name in names {
      guard layout.snapshots.contains(name) else { continue }
      let path = layout.snapshots.path(of: name)
      do throws(SystemError) {
        guard let file = try SnapshotFile.read(path),
          file.seq == StateLayout.number(name, StateLayout.snapshotSuffix)
        else {
          problems.append("\(path): damaged snapshot")
          continue
        }
        let chain = file.seq == 0 ? ChainScan.State() : scan.marks[file.seq]
        if chain?.head.elementsEqual(file.head.utf8) != true {
          problems.append("\(path): does not agree with the chain")
        }
      } catch  where error.code == ENOENT {
        continue
      }
    }
    for name in try layout.damagedNames() {
      problems.append("\(layout.damaged.path(of: name)): moved aside because it did not verify")
    }
    return Verification(
      records: scan.state.records,
      head: "sha256:" + String(decoding: scan.state.head, as: UTF8.self), problems: problems)
  }
}
