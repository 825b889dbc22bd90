import Grants
import Kinds

/// The kind of a connector's grants: its state comes in reports, and its entries are taken back by
/// the connector, so that nothing is read or run here.
///
/// Unchecked: it holds nothing that changes.
final class ReportedKind: EntryKind, @unchecked Sendable {
  let kind: GrantKind
  private let name: String

  init(_ kind: GrantKind, name: String) {
    self.kind = kind
    self.name = name
  }

  func watchedPaths() -> [[UInt8]] { [] }

  func read(previous: EntryState?) throws(EntryKindError) -> EntryState {
    throw .unreadable("connector \(name): its state comes in reports")
  }

  /// An entry replaces the one with the same subject, object and right; rights beside each other
  /// are entries beside each other.
  func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    let lost = old.sorted.filter { !new.contains($0.key) }
    struct Place: Hashable { var subject, object, right: String }
    var formers: [Place: AccessEntry] = [:]
    for entry in lost {
      formers[Place(subject: entry.subject, object: entry.object, right: entry.right)] = entry
    }
    let gained = new.sorted.filter { !old.contains($0.key) }.map { entry in
      EntryGain(
        entry,
        former: formers[
          Place(subject: entry.subject, object: entry.object, right: entry.right)])
    }
    return EntryDifference(gained: gained, lost: lost)
  }

  func revoke(_ gain: EntryGain, quarantine: Quarantine) -> EntryOutcome { .unsupported }

  func restore(_ gain: EntryGain) -> EntryOutcome { .unsupported }

  func plan(_ gain: EntryGain) -> String {
    let entry = gain.entry
    let back = gain.former.map { ", and to put back \($0.value)" } ?? ""
    return "would ask connector \(name) to take \(entry.value) on \(entry.object) from"
      + " \(entry.subject)\(back)"
  }
}
