package import Grants
package import LinuxKit

/// The kind `group-member`: memberships in groups, read from the account files below a root.
package final class GroupMembers: Sendable {
  /// Without a slash at its end; empty for the host's own.
  let root: [UInt8]

  package init(root: [UInt8]) {
    var root = root
    while root.last == UInt8(ascii: "/") { root.removeLast() }
    self.root = root
  }

  /// The files whose change is worth a look, absolute on the host. Tools replace them by rename.
  package var watchedFiles: [[UInt8]] {
    ["group", "gshadow", "passwd"].map { path("/etc/\($0)") }
  }

  /// The file with the accounts and their homes.
  package var passwdFile: [UInt8] { path("/etc/passwd") }

  /// Reads the state now. A file that is missing, unreadable or just being written is an error: the
  /// last good state still counts then. Only a host without gshadow does without it.
  package func read() throws(AccountFileError) -> GroupState {
    let group = try AccountFile(path: path("/etc/group"))
    let passwd = try AccountFile(path: path("/etc/passwd"))
    var shadows: [GroupShadowLine] = []
    do throws(AccountFileError) {
      let file = try AccountFile(path: path("/etc/gshadow"), mayBeEmpty: true)
      shadows = AccountLines.groupShadows(file.bytes)
    } catch {
      guard case .unreadable(let reason) = error, reason.isMissing else { throw error }
    }
    return GroupState(
      groups: AccountLines.groups(group.bytes), shadows: shadows,
      users: AccountLines.users(passwd.bytes))
  }

  /// What a membership is worth: groups that make root of a member are critical, others medium.
  package static func severity(group: String) -> Severity {
    asGoodAsRoot.contains(group) ? .critical : .medium
  }

  private static let asGoodAsRoot: Set<String> = [
    "root", "sudo", "wheel", "admin", "docker", "disk", "shadow", "lxd", "incus-admin", "libvirt",
    "kmem", "0",
  ]

  func path(_ below: String) -> [UInt8] { root + Array(below.utf8) }
}
