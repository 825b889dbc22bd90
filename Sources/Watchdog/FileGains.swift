import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance

/// Grants of owners, access control lists and capabilities: the kinds `file-owner`, `file-acl` and
/// `file-capability`.
extension Engine {
  /// What an item of one of these kinds gave; nil for other kinds and bad records.
  func gain(_ item: GrantItem, of kind: GrantKind) -> FileGain? {
    item.gain.flatMap { FileGain(kind, detail: $0) }
  }

  // MARK: Giving

  /// What an observation tells was given, and no grant tells of yet.
  func gains(of observation: FileObservation) -> [FileGain] {
    let former = observation.replaced.map { lent in withoutAgents(lent, observation) }
    if let former { endTakenOver(former, observation) }
    return observation.gains(beside: former).compactMap { gain in
      let gain = goingBack(gain, observation.identity)
      if case .owner(let owner) = gain, owner.before == owner.after { return nil }
      return isKnown(gain, observation.identity) ? nil : gain
    }
  }

  /// What a name gave without what agents had added to it: else a copy put in its place would keep
  /// it.
  private func withoutAgents(_ former: FileAccess, _ observation: FileObservation) -> FileAccess {
    var former = former
    for reference in store.itemsByObject["file:" + escaped(observation.path)] ?? [] {
      guard let grant = store[reference.grant], !grant.standing, !shelters(grant),
        let item = activeItem(reference), item.identity != observation.identity,
        let gain = gain(item, of: grant.kind)
      else { continue }
      former = gain.takenBack(from: former, keeping: [])
    }
    return former
  }

  /// A file that was made for the place of another gives no more than that one did.
  private func endTakenOver(_ former: FileAccess, _ observation: FileObservation) {
    guard observation.isFresh, let access = observation.access else { return }
    let gains = FileGain.gains(from: former, to: access)
    for (reference, grant, gain) in active(on: observation.identity)
    where !running.contains(reference.grant) {
      if gains.contains(where: { $0.kind == gain.kind && $0.who == gain.who }) { continue }
      update(grant.id) { $0.because.append("the file took the place of one that gave the same") }
      endItem(reference, by: .removed)
    }
  }

  /// What was an agent's doing before is not what a file goes back to.
  private func goingBack(_ gain: FileGain, _ identity: FileIdentity) -> FileGain {
    guard case .owner(var owner) = gain else { return gain }
    for (_, grant, other) in active(on: identity) {
      guard case .owner(let earlier) = other, earlier.isGroup == owner.isGroup,
        earlier.after == owner.before, !shelters(grant)
      else { continue }
      owner.before = earlier.before
    }
    return .owner(owner)
  }

  /// Puts one gain on one file into the act it belongs to, or begins a new one.
  func add(
    _ gain: FileGain, _ observation: FileObservation, _ attribution: Attribution, at now: Moment,
    earliest: Timestamp?, evidence: @autoclosure () -> Evidence
  ) {
    let object = "file:" + escaped(observation.path)
    let (before, after) = text(gain, observation)
    let item = GrantItem(
      object: object, before: before, after: after, identity: observation.identity,
      gain: gain.detail)
    let subject = subject(gain.who, observation)
    let key = ActKey(process: attribution.process, kind: gain.kind, detail: subject)
    if let joined = acts.open(key, forQueued: latestChange(by: key.process)).first {
      acts.touch(joined.grant, at: now.up)
      if enlarge(gain, observation, in: joined.grant) { return }
      update(joined.grant) { grant in
        grant.items.append(item)
        grant.object = commonRoot(grant.object, object)
        grant.right = rights(grant.right, gain)
      }
      return
    }
    var grant = newGrant(
      gain.kind, subject: subject, object: object, right: gain.right, attribution, at: now)
    grant.items = [item]
    grant.earliest = earliest
    grant.evidence.insert(evidence(), at: 0)
    if let earliest, observation.changed > earliest, observation.changed < now.wall {
      // While nobody looked, the inode's change time is the best witness of when.
      grant.backdate(to: observation.changed)
    }
    begin(grant, key, attribution, at: now)
  }

  /// A tool that changes a file in steps, as setfacl(1) does the lists of a folder, gives one item.
  private func enlarge(
    _ gain: FileGain, _ observation: FileObservation, in id: String
  ) -> Bool {
    for (reference, grant, earlier) in active(on: observation.identity) where grant.id == id {
      guard let whole = earlier.followed(by: gain), let access = observation.access else {
        continue
      }
      let after = whole.after(access, accessNames)
      update(id, items: [reference.index]) {
        $0.items[reference.index].gain = whole.detail
        $0.items[reference.index].after = after
        $0.right = rights($0.right, gain)
      }
      return true
    }
    return false
  }

  /// What is there at the first start is standing.
  func takeStandingGains(_ observation: FileObservation) {
    for gain in observation.ownGains where !isKnown(gain, observation.identity) {
      let object = "file:" + escaped(observation.path)
      standing(
        gain.kind, subject(gain.who, observation), object, gain.right,
        GrantItem(
          object: object, before: nil, after: text(gain, observation).after,
          identity: observation.identity, gain: gain.detail))
    }
  }

  private func rights(_ text: String, _ gain: FileGain) -> String {
    if gain.kind != .fileCapability {
      return (FileRights(text: text) ?? []).union(FileRights(text: gain.right) ?? []).text
    }
    // Files with different capabilities in one act: each is named, as long as there is room.
    if text == gain.right || text.contains(gain.right + ";") || text.hasSuffix("; " + gain.right)
      || text.utf8.count > 512
    {
      return text
    }
    return text + "; " + gain.right
  }

  // MARK: Names

  private var accessNames: AccessNames {
    AccessNames(
      user: { [self] in hostAccounts.treeName($0) ?? String($0) },
      group: { [self] in groupName($0) })
  }

  private func subject(_ who: AccessWho, _ observation: FileObservation) -> String {
    switch who {
    case .user(let uid): "user:" + accessNames.user(uid)
    case .group(let gid): "group:" + groupName(gid)
    case .owningGroup: "group:" + groupName(observation.group)
    case .everyone: "everyone"
    }
  }

  /// The item's `before` and `after`.
  func text(_ gain: FileGain, _ observation: FileObservation) -> (before: String?, after: String) {
    let names = accessNames
    return (
      gain.before(observation.replaced ?? observation.former, names),
      observation.access.flatMap { gain.after($0, names) } ?? ""
    )
  }

  // MARK: Standing

  /// The items of these kinds on a file whose access is still there, with their grants.
  private func active(
    on identity: FileIdentity
  ) -> [(reference: ItemReference, grant: Grant, gain: FileGain)] {
    (store.itemsByFile[FileKey(identity)] ?? []).compactMap { reference in
      guard let item = store.item(reference), item.gain != nil, item.identity == identity,
        item.state == .active || item.state == .revokeFailed,
        let grant = store[reference.grant], let gain = gain(item, of: grant.kind)
      else { return nil }
      return (reference, grant, gain)
    }
  }

  /// True when grants that stand already tell of all that `gain` gives.
  private func isKnown(_ gain: FileGain, _ identity: FileIdentity) -> Bool {
    gain.isGiven(by: active(on: identity).map(\.gain).filter { $0.kind == gain.kind })
  }

  /// What other grants gave on the item's file and keep.
  func gainsKept(for item: GrantItem, of grant: Grant) -> [FileGain] {
    guard let identity = item.identity, store.itemsByFile[FileKey(identity)]?.count ?? 0 > 1 else {
      return []
    }
    return active(on: identity).filter { entry in
      entry.grant.id != grant.id && entry.grant.kind == grant.kind && shelters(entry.grant)
        && store.item(entry.reference)?.state == .active
    }.map(\.gain)
  }

  // MARK: Narrowing

  /// Ends the items of which nothing is left on the file, and makes those smaller that gave more.
  ///
  /// Whether an owner was put aside by an agent or replaced by somebody else is known when the
  /// later grant was compared with the advice: until then it is left.
  func shrinkGains(_ observation: FileObservation, isJudged: Bool = false) {
    guard let access = observation.access else { return }
    var isUndecided = false
    // An owner that stands aside for an agent's stays for as long as that one does.
    var endsOne: Bool
    repeat {
      endsOne = false
      let entries = active(on: observation.identity)
      for (reference, grant, gain) in entries where !running.contains(reference.grant) {
        guard let left = gain.left(in: access) else {
          let later = replacers(of: gain, grant, entries.map { ($0.grant, $0.gain) })
          if later.contains(where: \.provenance.isAgents) { continue }
          if later.isEmpty || isJudged {
            endItem(reference, by: .removed)
            endsOne = true
          } else {
            isUndecided = true
          }
          continue
        }
        guard left != gain else { continue }
        let after = left.after(access, accessNames)
        update(reference.grant, items: [reference.index]) {
          $0.items[reference.index].gain = left.detail
          $0.items[reference.index].after = after
        }
      }
    } while endsOne
    if isUndecided {
      afterGrantsWritten { [self] in shrinkGains(observation, isJudged: true) }
    }
  }

  /// Those whose later change put an owner aside that is to be kept. Where an agent's did, approved or
  /// not, the file goes back to that owner when it is taken back, unless this one has ended by then.
  private func replacers(
    of gain: FileGain, _ grant: Grant, _ others: [(grant: Grant, gain: FileGain)]
  ) -> [Grant] {
    guard case .owner(let owner) = gain, shelters(grant) else { return [] }
    return others.filter { other in
      guard case .owner(let later) = other.gain else { return false }
      return later.isGroup == owner.isGroup && later.before == owner.after
    }.map(\.grant)
  }

  /// An owner's grant has ended: what would give the file back to that owner gives it back to the
  /// one before.
  func goBackFurther(past reference: ItemReference) {
    guard let grant = store[reference.grant], grant.kind == .fileOwner,
      let item = store.item(reference), let identity = item.identity,
      case .owner(let ended) = gain(item, of: .fileOwner)
    else { return }
    for (other, _, gain) in active(on: identity) {
      guard case .owner(var later) = gain, later.isGroup == ended.isGroup,
        later.before == ended.after, other != reference
      else { continue }
      later.before = ended.before
      update(other.grant, items: [other.index]) { $0.items[other.index].gain = later.detail }
    }
  }
}
