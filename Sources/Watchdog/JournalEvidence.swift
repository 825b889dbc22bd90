import ByteText
import Dispatch
import Grants
import LinuxKit
import Sources

extension Engine {
  /// Entries of the journal taken in one turn.
  static let entriesPerTurn = 500
  /// How long a line waits for its continuation before the journal is read again.
  private static let holdFor: Int64 = 100_000

  /// How often a journal that is written without a pause is read: each read ends with a sync of the
  /// ledger, and the changes that the kernel tells of would have to wait for all of them.
  static let readEvery: Int64 = 100_000

  /// There is something new: reads it, or sees to it that it is read soon.
  func journalWoke() {
    let due = journalReadAt + Self.readEvery
    guard now.up < due else { return readJournal() }
    journalWake?.hold()
    turn { agenda.add(.journalAgain, at: due) }
  }

  /// Reads what the journal has to tell.
  func readJournal() {
    turn {
      guard let journal else { return }
      journalReadAt = now.up
      journalWake?.release()
      do {
        var signals: [AccessSignal] = []
        var found: [JournalAdvice] = []
        let progress = try journal.process(
          limit: Self.entriesPerTurn, advice: { found.append($0) }
        ) { signals.append($0) }
        takeJournalAdvice(found)
        takeJournal(signals)
        if let gap = progress.gap {
          self.gap(
            source: "journal", reason: gap.reason, from: gap.from ?? startedAt.wall,
            to: gap.to ?? now.wall)
          lookAfresh()
        }
        if let cursor = progress.cursor, cursor != journalCursor {
          journalCursor = cursor
          // The cursor goes with what it led to, in one commit, behind it.
          record("journal.cursor") { $0.member("cursor", cursor) }
        }
        problems.clear(.journal)
        if progress.more {
          queue.async { self.readJournal() }
        } else if progress.holds {
          agenda.add(.journalAgain, at: now.up + Self.holdFor)
        }
      } catch {
        if problems.set(.journal, "journal: \(error)") { settings.log("journal: \(error)") }
      }
    }
  }

  private func takeJournal(_ signals: [AccessSignal]) {
    for (index, signal) in signals.enumerated() {
      let isLast = index + 1 == signals.count || signals[index + 1].cursor != signal.cursor
      // A crash may have left some signals of one entry in the ledger: those are not taken again.
      if let partial = journalPartial, partial.cursor == signal.cursor, partial.count > 0 {
        journalPartial = isLast ? nil : (partial.cursor, partial.count - 1)
        continue
      }
      take(signal, isLast: isLast)
      if isLast { journalCursor = signal.cursor }
    }
  }

  /// Notes how far the journal was read when `kept` went into the ledger.
  func passJournal(_ kept: SignalRecord) {
    if kept.signal.source == "audit" { auditCursor = kept.signal.cursor }
    guard kept.signal.source == "journal" else { return }
    if kept.isWhole {
      journalCursor = kept.signal.cursor
      journalPartial = nil
    } else {
      let count = journalPartial?.cursor == kept.signal.cursor ? journalPartial?.count ?? 0 : 0
      journalPartial = (kept.signal.cursor, count + 1)
    }
  }
}
