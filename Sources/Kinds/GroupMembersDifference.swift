/// New names of users and groups that kept their number.
struct Renames {
  var users: [String: String] = [:]
  var groups: [String: String] = [:]

  init(from old: GroupState, to new: GroupState) {
    users = Self.pairs(old.users.mapValues(\.uid), new.users.mapValues(\.uid))
    groups = Self.pairs(old.groups, new.groups)
  }

  func carried(_ membership: Membership) -> Membership {
    Membership(
      user: users[membership.user] ?? membership.user,
      group: groups[membership.group] ?? membership.group, primary: membership.primary)
  }

  /// A name that went and one that came with its number; several of either prove nothing.
  private static func pairs(_ old: [String: UInt32], _ new: [String: UInt32]) -> [String: String] {
    var gone: [UInt32: [String]] = [:]
    for (name, number) in old where new[name] == nil { gone[number, default: []].append(name) }
    guard !gone.isEmpty else { return [:] }
    var came: [UInt32: [String]] = [:]
    for (name, number) in new where old[name] == nil { came[number, default: []].append(name) }
    var pairs: [String: String] = [:]
    for (number, names) in gone {
      guard names.count == 1, let to = came[number], to.count == 1 else { continue }
      pairs[names[0]] = to[0]
    }
    return pairs
  }
}

extension GroupMembers {
  /// What came and what went between two looks, sorted by user and group.
  ///
  /// A rename of a user or group that keeps its number is neither. The private group of an account
  /// that is as new as the group is no gain; nor is a name for the number that an account's primary
  /// group had before.
  package static func difference(
    _ old: GroupState, _ new: GroupState
  ) -> (gained: [Membership], lost: [Membership]) {
    let renames = Renames(from: old, to: new)
    let before = Set(old.memberships.map(renames.carried))
    let previousUser = Dictionary(
      renames.users.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    let previousGroup = Dictionary(
      renames.groups.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })

    func isNoGain(_ membership: Membership) -> Bool {
      let oldUser = previousUser[membership.user] ?? membership.user
      let account = old.users[oldUser]
      let gid = new.groups[membership.group] ?? UInt32(membership.group)
      if membership.primary, let account { return account.gid == gid }
      guard account == nil, new.users[membership.user] != nil else { return false }
      let oldGroup = previousGroup[membership.group] ?? membership.group
      let isNewGroup =
        old.groups[oldGroup] == nil && !(gid.map(old.groups.values.contains) ?? false)
      return isNewGroup && (membership.primary || membership.group == membership.user)
    }

    func isNoLoss(_ membership: Membership) -> Bool {
      guard membership.primary, let account = new.users[membership.user] else { return false }
      let oldGroup = previousGroup[membership.group] ?? membership.group
      return account.gid == old.groups[oldGroup] ?? UInt32(membership.group)
    }

    return (
      sorted(new.memberships.subtracting(before).filter { !isNoGain($0) }),
      sorted(before.subtracting(new.memberships).filter { !isNoLoss($0) })
    )
  }

  /// The memberships that go on under another name, old to new: grants on them go on too.
  package static func renamed(
    _ old: GroupState, _ new: GroupState
  ) -> [(from: Membership, to: Membership)] {
    let renames = Renames(from: old, to: new)
    guard !renames.users.isEmpty || !renames.groups.isEmpty else { return [] }
    return sorted(old.memberships).compactMap { membership in
      let carried = renames.carried(membership)
      guard carried != membership, new.memberships.contains(carried) else { return nil }
      return (membership, carried)
    }
  }

  /// The new names of accounts that kept their number.
  package static func renamedUsers(_ old: GroupState, _ new: GroupState) -> [String: String] {
    Renames(from: old, to: new).users
  }

  private static func sorted(_ memberships: Set<Membership>) -> [Membership] {
    memberships.sorted {
      ($0.user, $0.group, $0.primary ? 1 : 0) < ($1.user, $1.group, $1.primary ? 1 : 0)
    }
  }
}
