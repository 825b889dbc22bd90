import ByteText
import Dispatch
import Grants
import LinuxKit
import Sources

extension Engine {
  /// Entries of the journal taken in one turn.
  private static let entriesPerTurn = 500
  /// How far apart a line and the change it tells of may lie, in microseconds.
  private static let reach: Int64 = 10_000_000

  /// Reads what the journal has to tell. A line never makes or ends a grant (law 1): it says who, when
  /// and why of one that the state has shown.
  func readJournal() {
    turn {
      guard let journal else { return }
      do {
        let progress = try journal.process(limit: Self.entriesPerTurn) { signal in attach(signal) }
        if let gap = progress.gap {
          self.gap(
            source: "journal", reason: gap.reason, from: gap.from ?? startedAt.wall,
            to: gap.to ?? now.wall)
        }
        if let cursor = progress.cursor, cursor != journalCursor {
          journalCursor = cursor
          // The cursor goes with the evidence it led to, in one commit.
          record("journal.cursor") { $0.member("cursor", cursor) }
        }
        problems.clear(.journal)
        if progress.more { queue.async { self.readJournal() } }
      } catch {
        if problems.set(.journal, "journal: \(error)") { settings.log("journal: \(error)") }
      }
    }
  }

  private func attach(_ signal: AccessSignal) {
    let mark = signal.trusted ? "" : signal.type == .spoof ? "spoofed: " : "untrusted: "
    let evidence = Evidence(
      time: signal.time, source: "journal",
      text: "\(mark)\(signal.tool)[\(signal.pid)] uid \(signal.uid): \(signal.message)")
    var ids: Set<String> = Set(recentPids.grants(of: signal.pid))
    if let subject = signal.subject, let object = signal.object, signal.kind == .groupMember {
      for id in store.byMembership[GrantStore.membershipKey(subject: subject, object: object)] ?? []
      {
        guard let grant = store[id] else { continue }
        let distance = abs(grant.detectedAt.microseconds - signal.time.microseconds)
        if distance < Self.reach { ids.insert(id) }
      }
    }
    for id in ids {
      guard let grant = store[id], grant.evidence.count < 32, !grant.evidence.contains(evidence)
      else { continue }
      update(id) { $0.evidence.append(evidence) }
    }
  }
}
