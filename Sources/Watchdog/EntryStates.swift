import ByteText
import Grants
import Kinds
import Ledger
import LinuxKit
import Sources

/// The states of kinds at the start, and on the disk.
extension Engine {
  /// What is there at the first start is standing: shown, never expired.
  func takeStanding(_ watch: EntryWatch, _ state: EntryState) {
    for entry in state.sorted where watch.kind.isStanding(entry) {
      guard !isKnown(entry, watch.kind.kind) else { continue }
      standing(
        watch.kind.kind, entry.subject, entry.object, entry.right,
        GrantItem(
          object: entry.object, before: nil, after: entry.value,
          detail: EntryDetail(own: entry.detail, former: "")))
    }
  }

  /// The first look of this run, on the engine's queue: nothing is promised before it is done.
  func firstLookAtEntries(since down: Timestamp?) {
    for watch in entryWatches {
      if let down {
        loadEntryState(watch)
        // Nobody saw how they fared since.
        if let known = watch.state { watch.state?.presumed = Set(known.entries.keys) }
        forgetTakenOut(watch)
        watch.noteGap(since: down)
      }
      do throws(EntryKindError) {
        let state = try watch.kind.read(previous: watch.state)
        sayEntryProblems(watch, state)
        take(state, watch)
        endWhatIsNotThere(watch.kind.kind, state)
        endShortened(watch, state)
      } catch {
        entriesUnreadable(watch, error)
      }
      watch.setPaths(watch.kind.watchedPaths())
    }
    fileWatch?.watch(files: singleFiles)
  }

  /// The state on disk may be older than a crash: what was taken back since then, and was given again
  /// while nobody looked, must not pass for known.
  private func forgetTakenOut(_ watch: EntryWatch) {
    guard let state = watch.state else { return }
    for id in store.order {
      guard let grant = store[id], grant.kind == watch.kind.kind, grant.state == .ended,
        grant.endedBy == .expired || grant.endedBy == .revoked
      else { continue }
      for item in grant.items {
        guard let gain = gain(item, of: grant), let entry = state[gain.entry.key] else { continue }
        if !gain.isLonger {
          watch.noteTakenOut(gain)
        } else if let former = gain.former.flatMap(watch.kind.end),
          let end = watch.kind.end(of: entry),
          end > former
        {
          watch.noteEndPutBack(gain)
        }
      }
    }
  }

  /// A crash may have cut between an entry's end, or its putting back, and the record of it.
  func endWhatIsNotThere(_ kind: GrantKind, _ state: EntryState) {
    for id in store.order {
      guard let grant = store[id], grant.kind == kind, GrantStore.stands(grant),
        !running.contains(id)
      else { continue }
      for (index, item) in grant.items.enumerated()
      where item.state == .active || item.state == .revokeFailed {
        guard let key = gain(item, of: grant)?.entry.key, !state.contains(key),
          !standsAside(key, grant)
        else { continue }
        endItem(ItemReference(grant: id, index: index), by: .removed)
      }
    }
  }

  /// Takes the state that was known last from the disk. One that is lost, or cannot be used, is said.
  func loadEntryState(_ watch: EntryWatch, mustBeThere: Bool = true) {
    let kind = watch.kind.kind.rawValue
    let path = entryStatePath(watch)
    switch EntryStateFile.load(path) {
    case .state(let state): watch.state = state
    case .missing: if mustBeThere { takenAsKnown("\(kind): \(path): missing") }
    case .unusable(let reason): takenAsKnown("\(kind): \(reason)")
    }
  }

  func entryStatePath(_ watch: EntryWatch) -> String {
    let name = watch.kind.kind.rawValue.map { $0 == ":" ? "-" : $0 }
    return settings.stateDirectory + "/entries-" + String(name) + ".json"
  }

  /// Keeps what a kind's state is, for the difference after a stop.
  func keepEntryState(_ watch: EntryWatch) {
    afterCommit { [self] in
      guard ledger.pendingBytes == 0, let state = watch.state else { return }
      do throws(SystemError) {
        try EntryStateFile.save(state, to: entryStatePath(watch))
        problems.clear(.entryState(watch.kind.kind))
        watch.unkeptSince = nil
      } catch {
        stateUnkept(watch, error)
      }
    }
  }

  /// The state on disk grows old: said once, since what is compared with it after a stop is news.
  private func stateUnkept(_ watch: EntryWatch, _ error: SystemError) {
    let kind = watch.kind.kind
    let text =
      error.isTooLong
      ? "\(kind.rawValue): \(watch.state?.count ?? 0) entries are too many to be kept"
        + " (\(entryStatePath(watch)), \(EntryStateFile.longest >> 20) MiB at the most): after a stop all"
        + " that came since now is told anew; look for what fills its files"
      : "\(kind.rawValue): \(error)"
    if problems.set(.entryState(kind), text) { settings.log(text) }
    guard watch.unkeptSince == nil else { return }
    watch.unkeptSince = now.wall
    turn {
      announce(
        "source.gap", severity: .high,
        "\(text); from \(now.wall.rfc3339) until it can be kept again")
    }
  }
}
