import ByteText
import Grants
import Kinds
import Ledger
import LinuxKit
import Provenance

/// What was known at the last look: found again at a start, and kept for the next.
extension Engine {
  private var baselinePath: String { settings.stateDirectory + "/baseline" }
  private var groupStatePath: String { settings.stateDirectory + "/groups.json" }

  func firstLook() {
    if isFirstStart {
      takeStandingMembers()
      takeStandingFiles()
      firstLookAtEntries(since: nil)
    } else {
      let from = lastLook
      gap(source: "daemon", reason: "it was not running", from: from.wall, to: now.wall)
      lookingSince = from.wall
      downSince = from.wall
      defer { lookingSince = nil }
      loadBaseline()
      forgetEndedGains()
      takeStandingFiles()
      rescanFiles(since: from.wall)
      endFilesNotThere()
      groupState = GroupStateFile.load(groupStatePath)
      if groupState == nil {
        takenAsKnown("account state: \(groupStatePath): missing or damaged")
        takeStandingMembers()
      } else {
        var batch = SignalBatch(now: now)
        lookAtAccounts([], &batch, gap: from.wall)
        endMembersNotThere()
      }
      firstLookAtEntries(since: from.wall)
    }
    lastLook = now
    saveBaseline()
  }

  /// A crash may have cut between the putting back of a member and its record.
  private func endMembersNotThere() {
    guard let groupState else { return }
    for id in store.order {
      guard let grant = store[id], grant.kind == .groupMember, GrantStore.stands(grant),
        let membership = membership(of: grant), !groupState.memberships.contains(membership)
      else { continue }
      endItem(ItemReference(grant: id, index: 0), by: .removed)
    }
  }

  private func loadBaseline() {
    do {
      if try fileModes.load(from: baselinePath) { return }
      takenAsKnown("baseline: \(baselinePath): missing")
    } catch {
      takenAsKnown("baseline: \(error)")
    }
  }

  /// The last known state is lost, so that nobody can tell what changed since.
  func takenAsKnown(_ what: String) {
    problems.set(.baselineLost, what)
    settings.log(what)
    announce("ledger.damaged", severity: .high, "\(what); what is there now is taken as known")
  }

  /// The baseline on disk is older than a crash: what it remembers of access that ended since then
  /// would let the same access, given while nobody looked, pass for known.
  private func forgetEndedGains() {
    for id in store.order {
      guard let grant = store[id], grant.kind.isFiles, !grant.standing else { continue }
      for item in grant.items where item.state == .ended {
        guard let identity = item.identity else { continue }
        if grant.kind != .fileMode {
          if let gain = gain(item, of: grant.kind) { fileModes.forgetGain(of: identity, gain) }
          continue
        }
        guard let after = item.after.flatMap(mode) else { continue }
        fileModes.forgetGain(of: identity, before: item.before.flatMap(mode), after: after)
      }
    }
  }

  func standing(
    _ kind: GrantKind, _ subject: String, _ object: String, _ right: String, _ item: GrantItem
  ) {
    let process = Attribution.unseen(reason: "it was there at the first start")
    var grant = newGrant(kind, subject: subject, object: object, right: right, process, at: now)
    grant.standing = true
    grant.open = false
    grant.alerted = true
    grant.items = [item]
    grant.severity = defaultSeverity(of: grant)
    insert(grant)
  }

  /// Takes in the trees that the baseline does not have yet.
  private func takeStandingFiles() {
    fileModes.takeBaseline { observation in
      takeStandingGains(observation)
      guard !observation.gain.isEmpty, !isKnown(observation) else { return }
      let object = "file:" + escaped(observation.path)
      let subject =
        observation.gain.widensOthers ? "everyone" : "group:" + groupName(observation.group)
      standing(
        .fileMode, subject, object, observation.gain.rights.text,
        GrantItem(
          object: object, before: nil, after: octal(observation.after),
          identity: observation.identity))
    }
  }

  /// What is there at the first start is standing: shown, never expired.
  private func takeStandingMembers() {
    do {
      let state = try groupMembers.read()
      for membership in state.memberships.sorted(by: { ($0.group, $0.user) < ($1.group, $1.user) })
      where !isKnown(membership) {
        let object = "group:" + membership.group
        standing(
          .groupMember, "user:" + membership.user, object, "member",
          GrantItem(object: object, before: nil, after: membership.primary ? "primary" : "member"))
      }
      groupState = state
      keepGroupState(state)
    } catch {
      problems.set(.accounts, "\(error)")
      settings.log("\(error)")
    }
  }

  static let saveBaselineEvery: Int64 = 600_000_000

  func saveBaseline() {
    saveBaselineNow()
    agenda.add(.saveBaseline, at: now.up + Self.saveBaselineEvery)
  }

  func saveBaselineNow() {
    // A baseline must not know of a widening that the ledger does not have: after a crash nobody
    // would ever see it.
    afterCommit { [self] in
      guard ledger.pendingBytes == 0 else { return }
      do {
        try fileModes.save(to: baselinePath)
        problems.clear(.baseline)
      } catch {
        if problems.set(.baseline, "baseline: \(error)") { settings.log("baseline: \(error)") }
      }
    }
  }

  /// Keeps what the account files say, for the difference after a stop.
  func keepGroupState(_ state: GroupState) {
    afterCommit { [self] in
      guard ledger.pendingBytes == 0 else { return }
      do {
        try GroupStateFile.save(state, to: groupStatePath)
        problems.clear(.accountState)
      } catch {
        if problems.set(.accountState, "account state: \(error)") {
          settings.log("account state: \(error)")
        }
      }
    }
  }
}
