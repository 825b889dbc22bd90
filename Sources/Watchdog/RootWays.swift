import Grants
import Kinds

/// Law 9: the last way in for root is not taken away by itself.
extension Engine {
  /// How somebody can become root here when the entries `excluded`, and `membership`, are gone, one
  /// way a line: root's own login, and accounts that can log in and that a sudo rule, by name or by
  /// group, lets run everything as root.
  ///
  /// `putBack` are rules and keys that stand in their place then. Without a readable sudoers the
  /// groups count that distributions let in.
  func rootWays(
    without excluded: Set<AccessEntry.Key> = [], membership: Membership? = nil,
    memberships: Set<Membership> = [], putBack: [AccessEntry] = []
  ) -> [String] {
    guard var members = groupState else { return [] }
    if let membership { members.memberships.remove(membership) }
    members.memberships.subtract(memberships)
    let accounts = waysIntoAccounts(without: excluded, putBack)
    var ways: [String] = []
    for (name, account) in members.users.sorted(by: { $0.key < $1.key }) where account.uid == 0 {
      for way in accounts[name] ?? [] { ways.append("\(name): \(way)") }
    }
    let rules = remaining(.sudoRule, without: excluded, putBack)
    let subjects =
      rules.map(SudoRules.subjectsAsRoot) ?? ["group:admin", "group:sudo", "group:wheel"]
    for (name, found) in accounts.sorted(by: { $0.key < $1.key })
    where members.users[name].map({ $0.uid != 0 }) ?? false {
      let groups = members.memberships.lazy.filter { $0.user == name }.map(\.group)
      let holders = ["everyone", "user:\(name)"] + groups.sorted().map { "group:\($0)" }
      guard let rule = holders.first(where: subjects.contains) else { continue }
      for way in found { ways.append("\(name): \(way), sudo for \(rule)") }
    }
    return ways
  }

  /// True when taking back `grant` would leave root without a way in that is there now, and there
  /// were others when it was given.
  func isLastWayIn(_ grant: Grant) -> Bool {
    guard !grant.otherWaysIn.isEmpty, !hasSureWayIn() else { return false }
    let membership = grant.kind == .groupMember ? membership(of: grant) : nil
    // An entry whose former end is put back stands until then.
    let gains = grant.items.compactMap { gain($0, of: grant) }.filter { !isOpenStill($0, grant) }
    guard membership != nil || entryWatch(grant.kind) != nil else { return false }
    let left = rootWays(
      without: Set(gains.map(\.entry.key)), membership: membership,
      putBack: gains.compactMap(\.former))
    return left.isEmpty && !rootWays().isEmpty
  }

  private func isOpenStill(_ gain: EntryGain, _ grant: Grant) -> Bool {
    guard gain.isLonger, let former = gain.former, let kind = entryWatch(grant.kind)?.kind,
      let end = kind.end(of: former)
    else { return false }
    return end > .at(now.wall)
  }

  /// True when there is a way in for root that no agent's grant gives: then none is the last. Asked
  /// once a turn, however many grants fall due in it.
  private func hasSureWayIn() -> Bool {
    if let sureWayIn { return sureWayIn }
    var entries: Set<AccessEntry.Key> = []
    var members: Set<Membership> = []
    for id in store.order {
      guard let grant = store[id], !grant.standing, GrantStore.stands(grant) else { continue }
      if let membership = grant.kind == .groupMember ? membership(of: grant) : nil {
        members.insert(membership)
      } else if entryWatch(grant.kind) != nil {
        entries.formUnion(grant.items.compactMap { gain($0, of: grant)?.entry.key })
      }
    }
    let isSure = !rootWays(without: entries, memberships: members).isEmpty
    sureWayIn = isSure
    return isSure
  }

  private func remaining(
    _ kind: GrantKind, without excluded: Set<AccessEntry.Key>, _ putBack: [AccessEntry] = []
  ) -> EntryState? {
    guard var state = entryWatch(kind)?.state else { return nil }
    for key in excluded { state.remove(key) }
    let place = kind == .sudoRule ? "sudoers:" : kind == .sshKey ? "account:" : nil
    for entry in putBack {
      let isKinds = place.map(entry.object.hasPrefix) ?? false
      if isKinds, kind != .sshKey || entry.subject.hasPrefix("key:") { state.insert(entry) }
    }
    return state
  }

  /// By account, what opens it: a password, a key.
  private func waysIntoAccounts(
    without excluded: Set<AccessEntry.Key>, _ putBack: [AccessEntry]
  ) -> [String: [String]] {
    var ways: [String: [String]] = [:]
    let accounts = remaining(.account, without: excluded)?.sorted ?? []
    let shells = Set(
      accounts.filter { $0.value == Accounts.loginShell }.map(\.subject))
    for entry in accounts where Accounts.opensByPassword(entry) && shells.contains(entry.subject) {
      ways[String(entry.subject.dropFirst("user:".count)), default: []].append("password")
    }
    if let keys = remaining(.sshKey, without: excluded, putBack),
      let kind = entryWatch(.sshKey)?.kind as? SSHKeys
    {
      for name in kind.accountsWithUsableKey(in: keys).sorted() {
        ways[name, default: []].append("key")
      }
    }
    return ways
  }
}
