import LinuxKit

/// The names of uids: the host's own accounts decide who is who; below `--root` the tree's accounts
/// name what the host does not know.
///
/// Unchecked: confined to the engine's queue, like all that asks it.
final class HostAccounts: @unchecked Sendable {
  private let host: AccountNames
  private let tree: AccountNames?

  init(root: [UInt8]) {
    host = AccountNames(passwd: Array("/etc/passwd".utf8), group: Array("/etc/group".utf8))
    tree =
      root.isEmpty
      ? nil
      : AccountNames(
        passwd: root + Array("/etc/passwd".utf8), group: root + Array("/etc/group".utf8))
  }

  /// The host's account of this uid, for decisions.
  func userName(_ uid: UInt32) -> String? { host.userName(uid) }

  /// A name to show.
  func displayName(_ uid: UInt32) -> String? { host.userName(uid) ?? tree?.userName(uid) }

  /// The name of a file's owner: below `--root` files belong to the tree's accounts.
  func treeName(_ uid: UInt32) -> String? { (tree ?? host).userName(uid) }

  func uid(ofUser name: String) -> UInt32? { host.uid(ofUser: name) }

  /// Names of those in a group of the host, by the group file or as their primary group.
  func members(ofGroup name: String) -> Set<String> { host.members(ofGroup: name) }
}
