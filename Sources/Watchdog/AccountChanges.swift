import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance

extension Engine {
  /// Reads the account files again and takes in what changed.
  ///
  /// - Parameter pids: who touched the files, in order; empty when nobody was seen.
  /// - Parameter gap: since when nobody looked, where that is so.
  func lookAtAccounts(
    _ pids: [(pid: Int32, alive: Bool)], _ batch: inout SignalBatch, gap: Timestamp?
  ) {
    let state: GroupState
    do {
      state = try readGroups()
      problems.clear(.accounts)
    } catch {
      if problems.set(.accounts, "\(error)") { settings.log("\(error)") }
      // A file that is just being written is whole a little later, and no event may tell.
      agenda.add(.accountsAgain, at: now.up + 2_000_000)
      return
    }
    guard let old = groupState else {
      groupState = state
      return
    }
    guard old != state else { return }
    let (gained, lost) = GroupMembers.difference(old, state)
    carryRenames(from: old, to: state)
    noteNewGroups(from: old, to: state)
    groupState = state
    keepGroupState(state)
    for membership in lost { endMembership(membership) }
    for membership in gained
    where !isKnown(membership) && !isBeingRestored(membership)
      && !isPrivate(membership, of: old, state)
    {
      let attribution = attribution(of: membership, pids, &batch, gap: gap)
      // What our own tool set back is no news.
      if attribution.chain.contains(where: { $0.pid == ownPid }) { continue }
      add(
        membership, was: old.primaryGroup(of: membership.user), attribution, at: batch.now,
        earliest: gap)
    }
  }

  /// Tools that make an account make its private group first, and a look may fall between.
  private func noteNewGroups(from old: GroupState, to new: GroupState) {
    let up = now.up
    newGroups = newGroups.filter { up - $0.value < 60_000_000 }
    guard old.groups != new.groups else { return }
    let numbers = Set(old.groups.values)
    for (name, gid) in new.groups where old.groups[name] == nil && !numbers.contains(gid) {
      newGroups[name] = up
    }
  }

  /// True for the primary group of a new account that has its name, was made just before it, and has
  /// nobody else: it gives nothing.
  private func isPrivate(_ membership: Membership, of old: GroupState, _ new: GroupState) -> Bool {
    membership.primary && membership.group == membership.user && old.users[membership.user] == nil
      && newGroups[membership.group] != nil
      && !new.memberships.contains {
        $0.group == membership.group && $0.user != membership.user
      }
  }

  /// What the account files say now. usermod(8) renames in one file after the other: a list that
  /// still has an account's former name means that account.
  func readGroups() throws(AccountFileError) -> GroupState {
    var state = try groupMembers.read()
    if let old = groupState {
      renamedUsers.merge(GroupMembers.renamedUsers(old, state)) { _, new in new }
    }
    state.follow(renamedUsers)
    return state
  }

  /// Our own revocation sets a primary group back: that is no news.
  private func isBeingRestored(_ membership: Membership) -> Bool {
    membership.primary
      && running.contains { id in
        guard let grant = store[id], let taken = self.membership(of: grant) else { return false }
        return taken.primary && taken.user == membership.user
          && (grant.previousPrimary ?? membership.user) == membership.group
      }
  }

  /// A grant goes on under the new name of its account or group.
  private func carryRenames(from old: GroupState, to new: GroupState) {
    for (from, to) in GroupMembers.renamed(old, new) {
      for id in standing(from) where !running.contains(id) {
        guard var grant = store[id] else { continue }
        grant.subject = "user:" + to.user
        grant.object = "group:" + to.group
        grant.because.append("\(from.user) in \(from.group) is \(to.user) in \(to.group) now")
        if !grant.items.isEmpty { grant.items[0].object = grant.object }
        replace(grant, changedItems: [0])
      }
    }
  }

  /// Of several processes that touched the files at once, the one whose command names the change;
  /// else an agent's; else the last; as `TouchedBy` says.
  private func attribution(
    of membership: Membership, _ pids: [(pid: Int32, alive: Bool)], _ batch: inout SignalBatch,
    gap: Timestamp?
  ) -> Attribution {
    var candidates: [Attribution] = []
    for entry in pids {
      candidates.append(batch.attribution(of: entry.pid, alive: entry.alive, by: processes))
    }
    if candidates.count > 1 {
      let naming = candidates.first {
        let words = ($0.actor.command ?? "").split(whereSeparator: { " ,:".contains($0) })
        return words.contains { $0 == membership.user }
          && words.contains { $0 == membership.group }
      }
      if let naming { return naming }
      let foreign = candidates.filter { candidate in
        !candidate.chain.contains { $0.pid == ownPid }
      }
      if let agent = foreign.first(where: { $0.provenance == .agentExecuted }) {
        return agent.inDoubt(beside: foreign, atMost: .strong)
      }
      if let last = foreign.last { return last.inDoubt(beside: foreign, atMost: .weak) }
    }
    if let last = candidates.last { return last }
    let since = gap.map { ", at or after \($0.rfc3339)" } ?? ""
    return .unseen(reason: "given while nobody could look\(since)")
  }

  private func add(
    _ membership: Membership, was primary: String?, _ attribution: Attribution, at now: Moment,
    earliest: Timestamp?
  ) {
    let subject = "user:" + membership.user
    let object = "group:" + membership.group
    var grant = newGrant(
      .groupMember, subject: subject, object: object, right: "member", attribution, at: now)
    grant.items = [
      GrantItem(
        object: object, before: "absent", after: membership.primary ? "primary" : "member")
    ]
    if membership.primary, let primary {
      grant.because.append("its primary group was \(primary)")
      grant.previousPrimary = primary
    }
    grant.earliest = earliest
    grant.evidence.insert(
      Evidence(
        time: now.wall, source: attribution.process.pid == 0 ? "state" : "fanotify",
        text: attribution.process.pid == 0
          ? "\(membership.user) is in group \(membership.group) now"
          : "pid \(attribution.process.pid) put a new account file in place"), at: 0)
    grant.otherWaysIn = Array(rootWays(membership: membership).prefix(8))
    begin(
      grant,
      ActKey(process: attribution.process, kind: .groupMember, detail: "\(subject) \(object)"),
      attribution, at: now)
  }

  func isKnown(_ membership: Membership) -> Bool {
    standing(membership).contains { store[$0].map(GrantStore.stands) == true }
  }

  /// The grants that give `membership` and are not ended.
  func standing(_ membership: Membership) -> [String] {
    let key = GrantStore.membershipKey(
      subject: "user:" + membership.user, object: "group:" + membership.group)
    let after = membership.primary ? "primary" : "member"
    return (store.byMembership[key] ?? []).filter { store[$0]?.items.first?.after == after }
  }

  private func endMembership(_ membership: Membership) {
    for id in standing(membership) where !running.contains(id) {
      endItem(ItemReference(grant: id, index: 0), by: .removed)
    }
  }
}
