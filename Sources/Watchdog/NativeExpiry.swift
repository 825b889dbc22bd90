import ByteText
import Dispatch
import Grants
import Kinds

/// The mechanism's own end of a grant (`NativeExpiry=yes`): the second fuse, which holds when the
/// daemon is dead.
extension Engine {
  /// How long after the deadline the mechanism's own end lies: the daemon comes first.
  private static let nativeGrace = TimeSpan(seconds: 60)
  /// Ends that differ by less are the same: the wall's clock is set a little now and then.
  private static let nativeTolerance = TimeSpan(seconds: 5)

  /// Brings the mechanism's own end in line with the grant's deadline or approval.
  func settleNativeExpiry(_ id: String) {
    var isTried = false
    defer { if !isTried { fuseDelays[id] = nil } }
    guard let grant = store[id], let watch = entryWatch(grant.kind), !running.contains(id),
      !grant.lacksNativeExpiry
    else { return }
    let wanted = wantedNativeExpiry(grant)
    switch (wanted, grant.nativeExpiry) {
    case (nil, nil): return
    case (let wanted?, let written?)
    where wanted - written < Self.nativeTolerance && written - wanted < Self.nativeTolerance:
      return
    default: break
    }
    // Where only the end is later there was one before, which no fuse may cut short. Of several
    // copies it would cut short another's too.
    let entries = grant.items.filter { $0.state == .active && $0.gain == nil }.compactMap {
      gain($0, of: grant)
    }.filter { !sharesCopies($0, of: grant) }
      .map { recounted($0.entry, watch) }
    guard !entries.isEmpty else { return }
    isTried = true
    record(
      "fuse.intent", grant: id,
      text: wanted.map { "its mechanism shall end it at \($0.rfc3339)" }
        ?? "its mechanism's own end is taken away")
    let (kind, queue) = (watch.kind, queue)
    afterCommit { [self] in
      kindQueue.async {
        let outcome = kind.setNativeExpiry(entries, until: wanted)
        queue.async { [weak self] in
          guard let self else { return }
          turn { self.nativeExpirySettled(id, wanted, outcome) }
        }
      }
    }
  }

  /// The entry of a grant, with as many copies as it has now. Nothing else of what the last look found
  /// counts: what stood before the grant only its own entry tells.
  private func recounted(_ entry: AccessEntry, _ watch: EntryWatch) -> AccessEntry {
    guard let found = watch.state?[entry.key],
      watch.kind.copies(of: found) != watch.kind.copies(of: entry)
    else { return entry }
    return found
  }

  /// Nil where the mechanism must not end it: nobody decided that it ends.
  private func wantedNativeExpiry(_ grant: Grant) -> Timestamp? {
    let verdict = configuration.verdict(for: grant)
    guard verdict.nativeExpiry, grant.state == .active || grant.state == .approved,
      verdict.willRevoke, guardRail(grant) == nil, let deadline = effectiveDeadline(grant)
    else { return nil }
    let end = now.wall + deadline.left(at: now) + Self.nativeGrace
    return Timestamp(microseconds: (end.microseconds + 999_999) / 1_000_000 * 1_000_000)
  }

  private func nativeExpirySettled(_ id: String, _ wanted: Timestamp?, _ outcome: EntryOutcome) {
    switch outcome {
    case .done, .alreadyDone:
      if wanted == nil, let grant = store[id], let watch = entryWatch(grant.kind) {
        let gains = grant.items.compactMap { gain($0, of: grant) }
        watch.noteOwnEndTaken(gains.map { $0.entry.key })
      }
      update(id) { grant in
        grant.nativeExpiry = wanted
        let text = wanted.map { "its mechanism ends it at \($0.rfc3339), should nobody else" }
        grant.because.removeAll { $0.hasPrefix("its mechanism ends it at ") }
        if let text { grant.because.append(text) }
      }
    case .unsupported:
      update(id) {
        $0.lacksNativeExpiry = true
        $0.because.append("NativeExpiry=yes: its mechanism has no end of its own")
      }
    case .drifted(let reason), .failed(let reason), .impossible(let reason):
      settings.log("native expiry: \(id): \(reason)")
      if store[id].map(GrantStore.stands) == true {
        agenda.add(.nativeExpiry(id), at: now.up + nextFuseDelay(id))
        return lookAgain(at: store[id]?.kind)
      }
    }
    fuseDelays[id] = nil
    lookAgain(at: store[id]?.kind)
  }

  /// One second, then twice as long each time, at most a minute: account tools hold their locks for
  /// seconds, and the grant may not last a minute.
  private func nextFuseDelay(_ id: String) -> Int64 {
    let delay = fuseDelays[id] ?? 1_000_000
    fuseDelays[id] = min(delay * 2, 60_000_000)
    return delay
  }
}
