import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance
import Sources

extension Engine {
  /// Reads what the kernel has to tell, in the one order that is causally safe: the file events into
  /// a buffer, then all process events, then who did what.
  func readKernelEvents() {
    turn {
      readLaunchFiles()
      guard let fileWatch else { return }
      let clock = TurnClock()
      repeat {
        let asked = now.up
        do {
          guard try fileWatch.read() else {
            processes.signalsReadTo = asked
            break
          }
        } catch {
          if problems.set(.fanotify, "\(error)") { settings.log("\(error)") }
          break
        }
        processes.drain()
        var batch = SignalBatch(now: now)
        var signals: [FileSignal] = []
        fileWatch.signals { signals.append($0) }
        batch.noteRivals(signals, ownPid: ownPid)
        for signal in signals { take(signal, &batch) }
        if batch.accountsTouched { lookAtAccounts(batch.accountPids, &batch, gap: nil) }
      } while !clock.isOver
      lookAtEntries()
      if fileWatch.overflows + fileWatch.damaged > lostFileEvents {
        lostFileEvents = fileWatch.overflows + fileWatch.damaged
        fileGap("the kernel's queue of file events overflowed", from: lastLook)
      } else if fileModes.wantsRescan {
        rescanFiles(since: lastLook.wall)
      }
      lastLook = now
      takeProcessGaps()
    }
  }

  /// Has the process table forget nobody whose changes may still wait to be read.
  func noteReadFileEvents() {
    let asked = now.up
    if fileWatch?.hasUnread != true { processes.signalsReadTo = asked }
  }

  /// The latest moment at which a process that is not known to run can have made a change.
  func latestChange(by process: ProcessKey) -> Int64 {
    min(now.up, processes.ended(process) ?? .max)
  }

  private func take(_ signal: FileSignal, _ batch: inout SignalBatch) {
    // Our own work is in the baseline already. To look again now would take in what somebody else
    // did a moment later, and nobody would be asked for it.
    if signal.pid == ownPid { return }
    noteEntries(signal, &batch)
    if groupMembers.watchedFiles.contains(signal.path) {
      batch.accountsTouched = true
      if !batch.accountPids.contains(where: { $0.pid == signal.pid }) {
        batch.accountPids.append((signal.pid, signal.alive))
      }
    }
    fileModes.observe(signal) { observation in
      take(observation, signal, &batch)
    }
    if let outside = signal.outside, fileModes.wantsRescan {
      // The look at all trees that follows finds the name inside; who did it is known now.
      changedElsewhere[FileKey(device: outside.device, inode: outside.inode)] =
        batch.attribution(of: signal.pid, alive: signal.alive, by: processes)
    }
  }

  private func take(
    _ observation: FileObservation, _ signal: FileSignal, _ batch: inout SignalBatch
  ) {
    if observation.gone { return vanished("file:" + escaped(observation.path)) }
    let gains = gains(of: observation)
    let observation = comparedWithReplaced(observation)
    shrink(observation)
    let isWider =
      !observation.gain.isEmpty && (observation.replaced == nil || !isKnown(observation))
    guard isWider || !gains.isEmpty else { return shrinkGains(observation) }
    let attribution = batch.attribution(of: signal, observation, by: processes)
    let verb = signal.changes.contains(.attributes) ? "changed attributes of" : "made or moved"
    let evidence = Evidence(
      time: batch.now.wall, source: "fanotify",
      text: "pid \(signal.pid) \(verb) \(escaped(observation.path))")
    if isWider {
      add(observation, attribution, at: batch.now, earliest: nil, evidence: evidence)
    }
    for gain in gains {
      add(gain, observation, attribution, at: batch.now, earliest: nil, evidence: evidence)
    }
    shrinkGains(observation)
  }

  /// A file that takes the place of another gives what the name did not give before. What agents
  /// had added to the name is not what it gave: else a copy put in its place would keep it.
  private func comparedWithReplaced(_ observation: FileObservation) -> FileObservation {
    guard let former = observation.replaced?.effectiveMode else { return observation }
    var lent: UInt16 = 0
    for reference in store.itemsByObject["file:" + escaped(observation.path)] ?? [] {
      guard let grant = store[reference.grant], !grant.standing, !shelters(grant),
        let item = activeItem(reference), item.identity != observation.identity
      else { continue }
      lent |= gainedBits(item)
    }
    let own = former & ~lent
    let items = observation.isFresh ? store.itemsByFile[FileKey(observation.identity)] ?? [] : []
    for reference in items {
      guard let item = activeItem(reference), !running.contains(reference.grant) else { continue }
      let gained = gainedBits(item)
      guard gained & own != 0, let after = item.after.flatMap(mode) else { continue }
      let before = (item.before.flatMap(mode) ?? after & ~gained) | (gained & own)
      // Of an item that ends too: what stands on must not pass for what was taken away.
      update(reference.grant, items: [reference.index]) {
        $0.items[reference.index].before = octal(before)
      }
      guard gained & ~own == 0 else { continue }
      update(reference.grant) {
        $0.because.append("the file took the place of one with the same mode")
      }
      endItem(reference, by: .removed)
    }
    var compared = observation
    compared.before = observation.before.map { $0 & ~lent }
    compared.gain = ModeGain(
      before: compared.before, after: observation.after, isDirectory: observation.isDirectory)
    return compared
  }

  func activeItem(_ reference: ItemReference) -> GrantItem? {
    guard let grant = store[reference.grant], grant.items.indices.contains(reference.index) else {
      return nil
    }
    let item = grant.items[reference.index]
    return item.state == .active || item.state == .revokeFailed ? item : nil
  }

  private func gainedBits(_ item: GrantItem) -> UInt16 {
    guard let after = item.after.flatMap(mode) else { return 0 }
    return ModeGain(before: item.before.flatMap(mode), after: after, isDirectory: false).bits
  }

  /// Puts one widened file into the act it belongs to, or begins a new one.
  func add(
    _ observation: FileObservation, _ attribution: Attribution, at now: Moment,
    earliest: Timestamp?, evidence: @autoclosure () -> Evidence
  ) {
    let object = "file:" + escaped(observation.path)
    let item = GrantItem(
      object: object, before: observation.before.map(octal), after: octal(observation.after),
      identity: observation.identity)
    let everyone = observation.gain.widensOthers
    let subject =
      everyone ? "everyone" : "group:" + (groupName(observation.group))
    let key = ActKey(process: attribution.process, kind: .fileMode, detail: nil)
    let open = acts.open(key, forQueued: latestChange(by: key.process))
    let joined =
      open.first { store[$0.grant]?.subject == subject }
      ?? open.first { everyone || store[$0.grant]?.subject == "everyone" }
    if let joined {
      acts.touch(joined.grant, at: now.up)
      update(joined.grant) { grant in
        grant.items.append(item)
        if everyone { grant.subject = "everyone" }
        grant.object = commonRoot(grant.object, object)
        grant.right = union(grant.right, observation.gain.rights)
      }
      return
    }
    var grant = newGrant(
      .fileMode, subject: subject, object: object, right: observation.gain.rights.text,
      attribution, at: now)
    grant.items = [item]
    grant.earliest = earliest
    grant.evidence.insert(evidence(), at: 0)
    if earliest != nil, let earliest, observation.changed > earliest, observation.changed < now.wall
    {
      // While nobody looked, the inode's change time is the best witness of when.
      grant.backdate(to: observation.changed)
    }
    begin(grant, key, attribution, at: now)
  }

  /// Another's narrowing of a file ends the items that gave what is gone, or makes them smaller.
  func shrink(_ observation: FileObservation) {
    let key = FileKey(observation.identity)
    guard let references = store.itemsByFile[key] else { return }
    for reference in references {
      guard !running.contains(reference.grant), let item = store.item(reference) else { continue }
      // A number that came again belongs to another file.
      guard item.state == .active || item.state == .revokeFailed,
        item.identity == observation.identity, let after = item.after.flatMap(mode)
      else { continue }
      let before = item.before.flatMap(mode)
      let gain = ModeGain(
        before: before, after: after, isDirectory: observation.isDirectory)
      let left = gain.bits & observation.after
      let stickyStillTaken = gain.stickyTaken && observation.after & 0o1000 == 0
      if left == gain.bits, stickyStillTaken == gain.stickyTaken { continue }
      if left == 0, !stickyStillTaken {
        endItem(reference, by: .removed)
      } else {
        var rest = (after & ~gain.bits) | left
        if gain.stickyTaken, !stickyStillTaken { rest |= 0o1000 }
        update(reference.grant, items: [reference.index]) {
          $0.items[reference.index].after = octal(rest)
        }
      }
    }
  }

  /// Nothing stands under this name any more: an item whose file is nowhere else has ended.
  private func vanished(_ object: String) {
    for reference in store.itemsByObject[object] ?? [] { endIfGone(reference) }
  }

  private func endIfGone(_ reference: ItemReference) {
    guard !running.contains(reference.grant), let item = store.item(reference) else { return }
    guard item.state == .active || item.state == .revokeFailed,
      let path = unescaped(String(item.object.dropFirst(5)))
    else { return }
    if fileModes.current(path: path, identity: item.identity) == .gone {
      endItem(reference, by: .removed)
    }
  }

  /// Ends one item; the grant ends with its last.
  func endItem(_ reference: ItemReference, by cause: EndedBy) {
    // What a crash left between the deed and its record was our deed.
    let isOurs = store[reference.grant]?.state == .expiring
    let cause = isOurs ? store[reference.grant]?.ending ?? cause : cause
    update(reference.grant, items: [reference.index]) {
      $0.items[reference.index].state = .ended
      $0.items[reference.index].isTakenBack = isOurs || cause == .expired
    }
    if cause == .removed, let grant = store[reference.grant] {
      rememberDeadline(grant.items[reference.index], of: grant)
    }
    goBackFurther(past: reference)
    guard store.isOver(reference.grant) else { return }
    if isOurs, cause == .expired, !running.contains(reference.grant),
      let grant = store[reference.grant]
    {
      sayExpired(grant)
    }
    end(reference.grant, by: cause, announcing: isOurs ? "grant.revoked" : "grant.ended")
    let kind = store[reference.grant]?.kind
    if isOurs, !running.contains(reference.grant), kind.flatMap(connector) == nil {
      lookForResidue(reference.grant)
    }
  }

  /// A loss of file events: said, and followed by a full look.
  func fileGap(_ reason: String, from: Moment) {
    let now = now
    gap(source: "fanotify", reason: reason, from: from.wall, to: now.wall)
    lookingSince = from.wall
    rescanFiles(since: from.wall)
    var batch = SignalBatch(now: now)
    lookAtAccounts([], &batch, gap: from.wall)
    lookAtAllEntries(gap: from.wall)
    lookingSince = nil
  }

  /// Looks at every watched file; what is wider than known is a grant nobody was seen to give.
  func rescanFiles(since earliest: Timestamp) {
    let now = now
    let nobody = Attribution.unseen(
      reason: "given while nobody could look, at or after \(earliest.rfc3339)")
    fileModes.rescan { observation in
      if observation.gone { return }
      let gains = gains(of: observation)
      let observation = comparedWithReplaced(observation)
      shrink(observation)
      let somebody = changedElsewhere[FileKey(observation.identity)]
      let since = somebody == nil ? earliest : nil
      if !observation.gain.isEmpty, !isKnown(observation) {
        add(
          observation, somebody ?? nobody, at: now, earliest: since,
          evidence: Evidence(
            time: now.wall, source: "state",
            text: "\(escaped(observation.path)) is \(octal(observation.after)) now"))
      }
      for gain in gains {
        add(
          gain, observation, somebody ?? nobody, at: now, earliest: since,
          evidence: Evidence(
            time: now.wall, source: "state",
            text: "\(escaped(observation.path)) is \(text(gain, observation).after) now"))
      }
      shrinkGains(observation)
    }
    changedElsewhere = [:]
    // A look at the trees does not tell of what is not there any more.
    for reference in store.itemsByObject.values.flatMap({ $0 }) { endIfGone(reference) }
  }

  /// The name of a group of the tree, or its number.
  func groupName(_ gid: UInt32) -> String { groupState?.groupName(gid) ?? String(gid) }

  /// True when a grant that stands already tells of this widening.
  func isKnown(_ observation: FileObservation) -> Bool {
    guard let references = store.itemsByFile[FileKey(observation.identity)] else { return false }
    var covered: UInt16 = 0
    var sticky = false
    for reference in references {
      guard let item = store[reference.grant]?.items[reference.index], item.state != .ended,
        let after = item.after.flatMap(mode)
      else { continue }
      let gain = ModeGain(
        before: item.before.flatMap(mode), after: after, isDirectory: observation.isDirectory)
      covered |= gain.bits
      sticky = sticky || gain.stickyTaken
    }
    return observation.gain.bits & ~covered == 0 && (!observation.gain.stickyTaken || sticky)
  }

  private func union(_ text: String, _ rights: FileRights) -> String {
    (FileRights(text: text) ?? []).union(rights).text
  }
}
