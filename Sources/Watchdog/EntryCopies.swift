import ByteText
import Dispatch
import Grants
import Kinds
import Provenance

/// Entries that one place holds more than once: each copy is a cause of the same access, which stands
/// as long as one of them does (law 3).
///
/// Which copy is whose nothing tells. So the number of them counts: what is taken back of several
/// causes is all copies but one, and where somebody leaves one of several it is not the agent's.
extension Engine {
  /// True where more copies of an entry stand than before, or fewer.
  func hasRecounted(_ old: EntryState, _ new: EntryState, _ kind: any EntryKind) -> Bool {
    new.entries.values.contains { isRecounted($0, old, kind) }
  }

  private func isRecounted(
    _ entry: AccessEntry, _ old: EntryState, _ kind: any EntryKind
  ) -> Bool {
    guard let former = old[entry.key], former.detail != entry.detail else { return false }
    return kind.copies(of: former) != kind.copies(of: entry)
  }

  /// Takes in that entries were written once more, and that copies of them went.
  func recount(
    _ old: EntryState, _ new: EntryState, _ watch: EntryWatch, _ touched: TouchedBy,
    gap: Timestamp?
  ) {
    for entry in new.sorted where isRecounted(entry, old, watch.kind) {
      let before = old[entry.key].map(watch.kind.copies) ?? 1
      let now = watch.kind.copies(of: entry)
      if now > before {
        addCopy(EntryGain(entry), watch, attribution(of: EntryGain(entry), touched, gap: gap))
      } else if now == 1 {
        endAgentsCopy(entry, watch.kind.kind)
      }
    }
  }

  /// The grants on an entry by who is behind them, those left aside that are being taken back.
  private func causes(
    of entry: AccessEntry, _ kind: GrantKind
  ) -> (agents: [ItemReference], others: [ItemReference]) {
    let all = store.entries(ItemKey(kind, entry.key)).filter {
      store.item($0)?.gain == nil && !running.contains($0.grant)
    }
    let isAgents = { [store] (reference: ItemReference) in
      store[reference.grant].map { !$0.standing && $0.provenance.isAgents && $0.state != .approved }
        ?? true
    }
    return (all.filter(isAgents), all.filter { !isAgents($0) })
  }

  /// A copy is a grant where it is another sort of cause than those that are there: the agent's of
  /// what others gave, or a human's of what an agent gave. One that nobody was seen to write is
  /// none: it would shelter what an agent gave.
  private func addCopy(_ gain: EntryGain, _ watch: EntryWatch, _ attribution: Attribution) {
    let causes = causes(of: gain.entry, watch.kind.kind)
    guard attribution.provenance != .unknown,
      attribution.provenance.isAgents
        ? causes.agents.isEmpty && !causes.others.isEmpty
        : causes.others.isEmpty && !causes.agents.isEmpty
    else { return }
    var attribution = attribution
    attribution.because.append(
      "it is a further copy of what \(gain.entry.object) gave already: the access stands as long as"
        + " one of them does")
    add(gain, watch, attribution, at: now, earliest: nil)
  }

  /// One of several copies is left.
  private func endAgentsCopy(_ entry: AccessEntry, _ kind: GrantKind) {
    let causes = causes(of: entry, kind)
    guard !causes.others.isEmpty else { return }
    for reference in causes.agents { endItem(reference, by: .removed) }
  }

  /// True where another grant stands on one of several copies: this one's end takes none from it.
  func sharesCopies(_ gain: EntryGain, of grant: Grant) -> Bool {
    guard !gain.isLonger, let watch = entryWatch(grant.kind),
      let entry = watch.state?[gain.entry.key], watch.kind.copies(of: entry) > 1
    else { return false }
    return store.entries(ItemKey(grant.kind, gain.entry.key)).contains { reference in
      guard reference.grant != grant.id, let other = store[reference.grant],
        GrantStore.stands(other), other.state != .expiring
      else { return false }
      return other.items[reference.index].state == .active
        && other.items[reference.index].gain == nil
    }
  }

  /// Takes out the copies that were one cause's, of entries that others go on to give.
  func leaveOne(of entries: [AccessEntry], _ id: String, _ watch: EntryWatch) {
    let (kind, queue, log) = (watch.kind, queue, settings.log)
    let quarantine = Quarantine(directory: settings.stateDirectory + "/quarantine", grant: id)
    kindQueue.async {
      for entry in entries {
        switch kind.leaveOne(entry, quarantine: quarantine) {
        case .done, .alreadyDone: break
        case .drifted(let reason), .failed(let reason), .impossible(let reason):
          log("copies: \(id): \(reason)")
        case .unsupported: log("copies: \(id): \(entry.object): not to be told apart")
        }
      }
      queue.async { [weak self] in
        guard let self else { return }
        turn { self.lookAgain(at: kind.kind) }
      }
    }
  }
}
