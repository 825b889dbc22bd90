import ByteText
import Dispatch
import Grants
import LinuxKit
import Sources

/// Advice that was left in the journal: this host's, and that of hosts whose journals are collected
/// here. An entry that is read again is the same advice, by its submission or its cursor.
extension Engine {
  /// Takes in what stood in this host's own journal.
  func takeJournalAdvice(_ found: [JournalAdvice]) {
    for entry in found { take(entry, host: nil) }
  }

  private func take(_ entry: JournalAdvice, host: String?) {
    let submitter = AdviceBook.Submitter(host: host, uid: entry.uid)
    // What waited while nobody read is rated by when it was written.
    let up = now.up - max(0, (now.wall - entry.time).microseconds)
    guard advice.mayAdd(submitter, at: up) else {
      return tellAdviceFlood(of: submitter)
    }
    take(
      entry.submission,
      from: AdviceOrigin(submitter: submitter, time: entry.time, place: entry.cursor))
  }

  /// Says once an hour that somebody's advice is not kept.
  private func tellAdviceFlood(of submitter: AdviceBook.Submitter) {
    guard saidAdviceFloods[submitter].map({ now.up - $0 > 3_600_000_000 }) ?? true else { return }
    if saidAdviceFloods.count > 1024 { saidAdviceFloods = [:] }
    saidAdviceFloods[submitter] = now.up
    let place = submitter.host.map { " of \($0)" } ?? ""
    record(
      "advice.suppressed",
      text: "uid \(submitter.uid)\(place) left more than \(AdviceBook.perMinute) advices a minute"
        + " in the journal: the rest was not kept")
  }

  // MARK: Other hosts

  /// Opens the journals that `AdviceDirectory=` names.
  func openAdviceJournal() {
    adviceDirectoryAtStart = configuration.adviceDirectory
    guard let directory = configuration.adviceDirectory else { return }
    do {
      adviceJournal = try JournalSource(
        adviceIn: directory, after: adviceCursor, since: now.wall - configuration.adviceLifetime)
      problems.clear(.adviceJournal)
    } catch {
      let text = "advice: \(error)"
      if problems.set(.adviceJournal, text) { settings.log(text) }
    }
  }

  /// There is something new in them: reads it, or sees to it that it is read soon.
  func adviceJournalWoke() {
    let due = adviceReadAt + Self.readEvery
    guard now.up < due else { return readAdviceJournal() }
    adviceWake?.hold()
    turn { agenda.add(.adviceJournalAgain, at: due) }
  }

  /// Reads what is new in them.
  func readAdviceJournal() {
    turn {
      guard let adviceJournal else { return }
      adviceReadAt = now.up
      adviceWake?.release()
      do {
        var found: [JournalAdvice] = []
        let progress = try adviceJournal.process(
          limit: Self.entriesPerTurn, advice: { found.append($0) }
        ) { _ in }
        for entry in found {
          if let host = trustedHost(of: entry) { take(entry, host: host) }
        }
        if let gap = progress.gap {
          self.gap(
            source: "advice", reason: gap.reason, from: gap.from ?? startedAt.wall,
            to: gap.to ?? now.wall)
        }
        if let cursor = progress.cursor, cursor != adviceCursor {
          adviceCursor = cursor
          record("advice.cursor") { $0.member("cursor", cursor) }
        }
        problems.clear(.adviceJournal)
        if progress.more { queue.async { self.readAdviceJournal() } }
      } catch {
        let text = "advice: \(error)"
        if problems.set(.adviceJournal, text) { settings.log(text) }
      }
    }
  }

  /// The name of the host that an entry comes from, if it is trusted; nil for this host, whose
  /// journal is read anyway, and for a name that is only made of the text of an entry without one.
  private func trustedHost(of entry: JournalAdvice) -> String? {
    guard !entry.machine.isEmpty, entry.machine != ownMachine else { return nil }
    let trusted = configuration.trustAdviceFrom
    guard trusted.contains(entry.machine) || trusted.contains(entry.host) else { return nil }
    return entry.host.isEmpty ? entry.machine : entry.host
  }
}
