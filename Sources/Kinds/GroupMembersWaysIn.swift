internal import ByteText
internal import LinuxKit

extension GroupMembers {
  /// How somebody can become root here, one way a line: root's own login by password or key, and
  /// accounts in a group that sudo trusts (sudo, wheel, admin) that can log in.
  ///
  /// Memberships are those of `state`, so that a state without one shows what is left without it.
  /// A file that cannot be read is no way in.
  package func waysIn(_ state: GroupState) -> [String] {
    var passwords: [[UInt8]: [UInt8]] = [:]
    if let shadow = lookedAt(path("/etc/shadow")) { passwords = AccountLines.passwords(shadow) }
    var ways: [String] = []
    func credentials(_ name: String, _ account: GroupState.Account) -> [String] {
      var found: [String] = []
      if let password = passwords[unescaped(name) ?? []], PasswordField(password).isUsable {
        found.append("password")
      }
      let home = name == "root" && account.home.isEmpty ? Array("/root".utf8) : account.home
      if hasKey(root + home + Array("/.ssh/authorized_keys".utf8)) { found.append("key") }
      return found
    }
    let rootAccount =
      state.users["root"] ?? GroupState.Account(uid: 0, gid: 0, home: Array("/root".utf8))
    for credential in credentials("root", rootAccount) { ways.append("root: \(credential)") }
    for group in ["admin", "sudo", "wheel"] {
      let members = Set(state.memberships.lazy.filter { $0.group == group }.map(\.user)).sorted()
      for member in members {
        guard let account = state.users[member], !refusesLogin(shell: account.shell) else {
          continue
        }
        for credential in credentials(member, account) {
          ways.append("\(member): group \(group), \(credential)")
        }
      }
    }
    return ways
  }

  /// True when taking `membership` out of `state` would leave root without a way in that is there now.
  package func isLastWayIn(_ membership: Membership, _ state: GroupState) -> Bool {
    guard ["admin", "sudo", "wheel"].contains(membership.group) else { return false }
    var without = state
    without.memberships.remove(membership)
    return waysIn(without).isEmpty && !waysIn(state).isEmpty
  }

  private func lookedAt(_ path: [UInt8]) -> [UInt8]? {
    do throws(AccountFileError) {
      return try AccountFile(path: path, mayBeEmpty: true).bytes
    } catch {
      return nil
    }
  }

  private func hasKey(_ path: [UInt8]) -> Bool {
    guard let bytes = lookedAt(path) else { return false }
    return split(bytes[...], at: 0x0a).contains { line in
      line.first { !isBlank($0) }.map { $0 != UInt8(ascii: "#") } ?? false
    }
  }
}
