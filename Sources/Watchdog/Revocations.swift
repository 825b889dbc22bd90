import ByteText
import Dispatch
import Grants
import Kinds
import LinuxKit

extension Engine {
  /// Items taken back in one turn at the most.
  private static let itemsPerTurn = 512
  private static let tries = 6
  /// Queued revocations begun in one turn at the most.
  private static let begunPerTurn = 100

  /// Puts an overdue grant in the queue of automatic revocations.
  func queueRevocation(_ id: String) {
    guard let grant = store[id] else { return }
    update(id) {
      $0.state = .expiring
      $0.ending = .expired
    }
    revocations.add(
      id, severity: grant.severity, due: effectiveDeadline(grant)?.up ?? now.up)
    // What else is due may be more severe: it comes up before this.
    guard !startsRevocations else { return }
    startsRevocations = true
    agenda.add(.revocationQueue, at: dueUp ?? now.up)
  }

  /// Begins as many queued revocations as the minute allows, a turn's worth at once.
  func startRevocations() {
    startsRevocations = false
    var begun = 0
    while begun < Self.begunPerTurn,
      let id = revocations.next(at: now.up, perMinute: configuration.maxRevokesPerMinute)
    {
      guard let grant = store[id], grant.state == .expiring else { continue }
      begun += 1
      sayExpired(grant)
      beginRevocation(id)
    }
    if begun == Self.begunPerTurn {
      startsRevocations = true
      return agenda.add(.revocationQueue, at: dueUp ?? now.up)
    }
    guard revocations.count > 0,
      let room = revocations.roomAt(perMinute: configuration.maxRevokesPerMinute)
    else {
      problems.clear(.revokesHeldBack)
      return
    }
    let text =
      "\(revocations.count) revocations are held back: more than"
      + " \(configuration.maxRevokesPerMinute) in a minute; look before they go on"
    let wasHeld = problems.has(.revokesHeldBack)
    problems.set(.revokesHeldBack, text)
    if !wasHeld { announce("grant.warning", severity: .critical, text) }
    agenda.add(.revocationQueue, at: room)
  }

  /// Tells that a grant's time is over, unless a stop or crash came after that was told.
  func sayExpired(_ grant: Grant) {
    guard resumed.remove(grant.id) == nil else { return }
    announce(
      "grant.expired", grant: grant.id,
      "\(summary(grant)): its time is over, it is taken back")
  }

  /// Somebody asked for it: no queue, no deadline.
  func revokeNow(_ id: String) {
    revocations.remove(id)
    update(id) {
      $0.state = .expiring
      $0.ending = .revoked
    }
    beginRevocation(id)
  }

  /// Writes the intent; the work begins when it is durable.
  private func beginRevocation(_ id: String) {
    guard running.insert(id).inserted else { return }
    closeAct(id)
    record("revocation.intent", grant: id, text: "taking back", essential: true)
    afterCommit { [self] in work(on: id, from: 0) }
  }

  /// Goes on with revocations that a stop or crash left between intent and result.
  func resumeRevocations() {
    resumed = resumed.filter { store[$0]?.state == .expiring }
    for id in store.order where store[id]?.state == .expiring {
      if store[id]?.ending == .revoked {
        beginRevocation(id)
      } else {
        queueRevocation(id)
      }
    }
  }

  private func work(on id: String, from start: Int) {
    switch store[id]?.kind {
    case .fileMode, .fileOwner, .fileACL, .fileCapability: restoreModes(of: id, from: start)
    case .groupMember: if let grant = store[id] { removeMember(grant) }
    default: revokeEntries(id)
    }
  }

  /// The grant without its items, and those from `start` on that a turn may come to: whoever holds
  /// all of them while they change pays with a copy of all.
  private func piece(of id: String, from start: Int) -> (Grant, ArraySlice<GrantItem>, Int)? {
    guard var grant = store[id] else { return nil }
    let count = grant.items.count
    let items = Array(grant.items[min(start, count)..<min(start + Self.itemsPerTurn, count)])
    grant.items = []
    return (grant, items[...], count)
  }

  private func restoreModes(of id: String, from start: Int) {
    turn {
      guard let (grant, rest, count) = piece(of: id, from: start) else { return }
      let clock = TurnClock()
      var items = rest
      var end = start
      var states: [(Int, ItemState)] = []
      var taken: [Int] = []
      while let item = items.popFirst(), end - start < 16 || !clock.isOver {
        let index = end
        end += 1
        guard item.state == .active || item.state == .revokeFailed else { continue }
        if isSheltered(item, of: grant) {
          states.append((index, .ended))
          sheltered[grant.id, default: 0] += 1
          continue
        }
        switch restore(item, of: grant, dryRun: false) {
        case .restored:
          states.append((index, .ended))
          taken.append(index)
        case .alreadyGone:
          states.append((index, .ended))
          gone[grant.id, default: 0] += 1
        case .drifted(let reason):
          states.append((index, .drifted))
          noteDrift(grant.id, "\(item.object): \(reason)")
        case .failed(let error):
          states.append((index, .revokeFailed))
          store.change(grant.id) { $0.revokeError = "\(error)" }
        }
      }
      update(grant.id, items: states.map(\.0)) { grant in
        for (index, state) in states { grant.items[index].state = state }
        for index in taken { grant.items[index].isTakenBack = true }
      }
      for (index, state) in states where state == .ended {
        goBackFurther(past: ItemReference(grant: grant.id, index: index))
      }
      if end < count {
        let next = end
        afterCommit { [self] in queue.async { self.work(on: id, from: next) } }
      } else {
        finishRevocation(id)
      }
    }
  }

  /// Takes back one file's widening, but for what other grants that shelter it give too.
  func restore(_ item: GrantItem, of grant: Grant, dryRun: Bool) -> FileModes.Restored {
    let unreadable = FileModes.Restored.drifted("its record cannot be read")
    guard let path = unescaped(String(item.object.dropFirst(5))) else { return unreadable }
    if grant.kind != .fileMode {
      guard let gain = gain(item, of: grant.kind) else { return unreadable }
      return fileModes.restore(
        object: path, identity: item.identity, gain, keeping: gainsKept(for: item, of: grant),
        dryRun: dryRun)
    }
    guard let after = item.after.flatMap(mode) else { return unreadable }
    return fileModes.restore(
      object: path, identity: item.identity, before: item.before.flatMap(mode), after: after,
      isDirectory: nil, keeping: bitsKept(for: item, of: grant), dryRun: dryRun)
  }

  /// The bits of the item's file that other grants give and keep.
  private func bitsKept(for item: GrantItem, of grant: Grant) -> UInt16 {
    guard let identity = item.identity else { return 0 }
    var kept: UInt16 = 0
    for reference in store.itemsByFile[FileKey(identity)] ?? [] where reference.grant != grant.id {
      guard let other = store[reference.grant], shelters(other),
        other.items[reference.index].state == .active,
        let after = other.items[reference.index].after.flatMap(mode)
      else { continue }
      let before = other.items[reference.index].before.flatMap(mode)
      kept |= ModeGain(before: before, after: after, isDirectory: false).bits
    }
    return kept
  }

  /// True when all that the item gave is given by another grant that stands.
  func isSheltered(_ item: GrantItem, of grant: Grant) -> Bool {
    if grant.kind != .fileMode {
      return gain(item, of: grant.kind)?.isGiven(by: gainsKept(for: item, of: grant)) ?? false
    }
    guard let after = item.after.flatMap(mode) else { return false }
    let gain = ModeGain(before: item.before.flatMap(mode), after: after, isDirectory: false)
    return gain.bits != 0 && !gain.stickyTaken && gain.bits & ~bitsKept(for: item, of: grant) == 0
  }

  /// Law 3: approved, human, automation and unknown grants keep what they gave; agents' do not.
  func shelters(_ grant: Grant) -> Bool {
    guard GrantStore.stands(grant), grant.state != .expiring, !grant.standing else { return false }
    return grant.state == .approved || !grant.provenance.isAgents
  }

  private func removeMember(_ grant: Grant) {
    guard let membership = membership(of: grant) else {
      return turn { revocationFailed(grant.id, "its record cannot be read", final: true) }
    }
    groupMembers.revoke(membership, previousPrimary: grant.previousPrimary, queue: queue) {
      [self] outcome in
      turn {
        // Given again between the tool's end and now: the state decides.
        let again = (try? readGroups().memberships.contains(membership)) == true
        switch again ? .failed("it was given again at once") : outcome {
        case .done, .alreadyGone:
          if outcome == .alreadyGone { gone[grant.id] = 1 }
          update(grant.id, items: [0]) {
            $0.items[0].state = .ended
            $0.items[0].isTakenBack = outcome == .done
          }
          finishRevocation(grant.id)
        case .failed(let reason):
          update(grant.id, items: [0]) {
            $0.items[0].state = .revokeFailed
            $0.revokeError = reason
          }
          finishRevocation(grant.id)
        }
      }
    }
  }

  func membership(of grant: Grant) -> Membership? {
    guard grant.subject.hasPrefix("user:"), grant.object.hasPrefix("group:") else { return nil }
    return Membership(
      user: String(grant.subject.dropFirst(5)), group: String(grant.object.dropFirst(6)),
      primary: grant.items.first?.after == "primary")
  }

  /// All items were tried: says what came of it.
  func finishRevocation(_ id: String) {
    guard let grant = store[id] else { return }
    running.remove(id)
    let allSheltered = sheltered.removeValue(forKey: id) == grant.items.count
    let allGone = gone.removeValue(forKey: id) == grant.items.count
    let cause: EndedBy = allSheltered ? .superseded : allGone ? .removed : grant.ending ?? .expired
    if grant.items.contains(where: { $0.state == .revokeFailed }) {
      revocationFailed(
        id, grant.revokeError ?? "unknown error", final: hopeless.remove(id) != nil)
    } else if grant.items.contains(where: { $0.state == .drifted }) {
      let seconds = grant.activeSeconds(at: now)
      update(id) {
        $0.state = .drifted
        $0.activeSecondsAtEnd = seconds
      }
      codes.void(id)
      sayDrift(id)
    } else {
      end(id, by: cause, announcing: "grant.revoked")
      if cause == .expired || cause == .revoked { lookForResidue(id) }
    }
  }

  /// Tells that another object stands in the place of the grant's.
  func sayDrift(_ id: String) {
    guard let grant = store[id] else { return }
    announce(
      "grant.drifted", grant: id,
      "\(summary(grant)): not the same object any more, left alone: "
        + (grant.items.first { $0.state == .drifted }?.object ?? ""))
  }

  func revocationFailed(_ id: String, _ reason: String, final: Bool) {
    running.remove(id)
    let tries = (store[id]?.revokeTries ?? 0) + 1
    update(id) {
      $0.state = .revokeFailed
      $0.outcome = .failed
      $0.revokeTries = tries
      $0.revokeError = reason
    }
    guard let grant = store[id] else { return }
    // Five seconds, doubling, half as much more or less; after six tries, or where none can help,
    // once a day.
    let goesOn = tries < Self.tries && !final
    let base: Int64 = goesOn ? 5_000_000 << Int64(tries - 1) : 86_400_000_000
    let delay = goesOn ? Int64.random(in: base / 2...base * 3 / 2) : base
    nextTries[id] = now.up + delay
    agenda.add(.retryRevocation(id), at: now.up + delay)
    if tries == 1 || tries >= Self.tries || final {
      announce(
        "grant.revoke-failed", grant: id,
        "\(summary(grant)): cannot be taken back: \(reason); tried \(tries) times, next in"
          + " \(TimeSpan(microseconds: delay).text)")
    }
  }

  func retry(_ id: String) {
    guard let grant = store[id], grant.state == .revokeFailed, !running.contains(id),
      // Somebody asked for it meanwhile: the try after that one counts.
      nextTries[id].map({ $0 <= now.up }) ?? true
    else { return }
    update(id) { $0.state = .expiring }
    beginRevocation(id)
  }

  /// Looks for the users of access whose end a stop cut off from their search.
  func resumeResidueSearches() {
    for id in store.order {
      guard let grant = store[id], grant.state == .ended, grant.outcome == nil,
        grant.endedBy == .expired || grant.endedBy == .revoked, !searching.contains(id),
        // A connector tells of it when it takes the access back, or never.
        connector(grant.kind) == nil
      else { continue }
      lookForResidue(id)
    }
  }

  /// Sets the times of tries to come for what failed before the daemon's start.
  func resumeFailed() {
    for id in store.order where store[id]?.state == .revokeFailed {
      agenda.add(.retryRevocation(id), at: now.up + 1_000_000)
    }
  }

  /// Keeps what was found in an object's place.
  func noteDrift(_ id: String, _ text: String) {
    let evidence = Evidence(time: now.wall, source: "state", text: text)
    update(id) { if $0.evidence.count < 32 { $0.evidence.append(evidence) } }
  }

  /// The access is gone.
  func end(_ id: String, by cause: EndedBy, announcing type: String = "grant.ended") {
    guard let grant = store[id], grant.state != .ended else { return }
    let seconds = grant.activeSeconds(at: now)
    revocations.remove(id)
    acts.close(id)
    codes.void(id)
    update(id) {
      $0.state = .ended
      $0.endedBy = cause
      $0.endedAt = now.wall
      if cause == .removed, let lookingSince { $0.endedEarliest = max(lookingSince, $0.grantedAt) }
      $0.activeSecondsAtEnd = seconds
      $0.open = false
      // What came of tries before is over; what is found of users is told when it is known.
      $0.outcome = nil
      $0.revokeError = nil
    }
    nextTries[id] = nil
    sayEnd(id, type)
  }

  /// Tells that the access is gone, and why.
  func sayEnd(_ id: String, _ type: String) {
    guard let grant = store[id], let cause = grant.endedBy else { return }
    let seconds = grant.activeSeconds(at: now)
    let how =
      switch cause {
      case .expired: "its time was over, it was taken back"
      case .revoked: "it was taken back as asked"
      case .removed: "somebody took it away"
      case .superseded: "another grant gives the same"
      }
    announce(
      type, grant: id, wantsCode: type == "grant.revoked",
      "\(summary(grant)): ended after \(TimeSpan(microseconds: Int64(seconds * 1_000_000)).text): \(how)"
    )
  }
}
