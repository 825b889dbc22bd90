import ByteText
import Grants
import Kinds

/// Kinds whose state cannot be read whole: a gap, told when it begins and when it is over.
extension Engine {
  /// How often it is told at the most that a kind cannot be read: whoever can break a file could fill
  /// the outbox.
  private static let tellEvery: Int64 = 60_000_000

  /// A look failed: nothing was read.
  func entriesUnreadable(_ watch: EntryWatch, _ error: EntryKindError) {
    watch.lookFailed()
    let isTorn = if case .torn = error { true } else { false }
    // A file that is just being written is whole a little later, and no event may tell.
    if isTorn { agenda.add(.entriesAgain(watch.kind.kind), at: now.up + 2_000_000) }
    isBlind(watch, "\(error)", isTorn: isTorn)
  }

  /// A look succeeded; what could not be read is in its problems.
  func sayEntryProblems(_ watch: EntryWatch, _ state: EntryState) {
    guard let first = state.problems.first else { return sees(watch) }
    let more = state.problems.count > 1 ? " (and \(state.problems.count - 1) more)" : ""
    isBlind(watch, first + more, isTorn: false)
  }

  private func isBlind(_ watch: EntryWatch, _ reason: String, isTorn: Bool) {
    let kind = watch.kind.kind
    let text = "\(kind.rawValue): \(reason)"
    if problems.set(.entries(kind), text) { settings.log(text) }
    guard var blindness = watch.blindness else {
      watch.blindness = EntryWatch.Blindness(since: now.wall, reason: reason)
      if !isTorn { tell(watch) }
      return
    }
    blindness.reason = reason
    watch.blindness = blindness
    if !blindness.isTold { tell(watch) }
  }

  private func tell(_ watch: EntryWatch) {
    guard let blindness = watch.blindness, !blindness.isTold else { return }
    if let told = watch.toldBlind, now.up - told < Self.tellEvery {
      let due = told + Self.tellEvery
      guard watch.tellAt != due else { return }
      watch.tellAt = due
      return agenda.add(.entriesAgain(watch.kind.kind), at: due)
    }
    watch.toldBlind = now.up
    watch.blindness?.isTold = true
    announce(
      "source.gap", severity: .high,
      "\(watch.kind.kind.rawValue): \(blindness.reason); from \(blindness.since.rfc3339) until it can"
        + " be read again")
  }

  /// All of it can be read: the span is over, and what came in it is of no known time.
  private func sees(_ watch: EntryWatch) {
    problems.clear(.entries(watch.kind.kind))
    guard let blindness = watch.blindness else { return }
    watch.blindness = nil
    watch.noteGap(since: blindness.since)
    let (source, reason) = (watch.kind.kind.rawValue, "it could not be read: \(blindness.reason)")
    if blindness.isTold {
      return gap(source: source, reason: reason, from: blindness.since, to: now.wall)
    }
    // Too short or too often to be told: on record it is all the same.
    record(
      "source.gap",
      text: "\(source): \(reason); from \(blindness.since.rfc3339) to \(now.wall.rfc3339)")
  }
}
