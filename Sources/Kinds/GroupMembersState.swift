/// A user in a group; names escaped.
package struct Membership: Hashable, Sendable {
  package var user: String
  package var group: String
  /// The group is the account's primary one.
  package var primary: Bool

  package init(user: String, group: String, primary: Bool) {
    self.user = user
    self.group = group
    self.primary = primary
  }
}

/// Who is in which group, as the account files say.
package struct GroupState: Sendable, Equatable {
  /// The numbers of an account.
  package struct Account: Sendable, Equatable {
    package var uid: UInt32
    /// The primary group.
    package var gid: UInt32
    /// Bytes as in the file.
    package var home: [UInt8]
    package var shell: [UInt8]

    package init(uid: UInt32, gid: UInt32, home: [UInt8] = [], shell: [UInt8] = []) {
      self.uid = uid
      self.gid = gid
      self.home = home
      self.shell = shell
    }
  }

  /// Listed in group or gshadow, whose members newgrp(1) lets in; of groups with one number a
  /// member of one is a member of all. A primary group without a name stands as its number.
  package var memberships: Set<Membership>
  package var groups: [String: UInt32]
  package var users: [String: Account]

  package init(
    memberships: Set<Membership> = [], groups: [String: UInt32] = [:],
    users: [String: Account] = [:]
  ) {
    self.memberships = memberships
    self.groups = groups
    self.users = users
  }

  /// Takes a former name of an account, where no account has it now, for the new one.
  package mutating func follow(_ renamed: [String: String]) {
    guard !renamed.isEmpty else { return }
    memberships = Set(
      memberships.map { membership in
        guard users[membership.user] == nil, let name = renamed[membership.user],
          users[name] != nil
        else { return membership }
        return Membership(user: name, group: membership.group, primary: membership.primary)
      })
  }
}
