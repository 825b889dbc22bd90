internal import ByteText
package import Dispatch
internal import LinuxKit

extension GroupMembers {
  /// Puts `membership` back by gpasswd(1) or usermod(8), and looks again; `completion` runs on
  /// `queue`.
  package func restore(
    _ membership: Membership, queue: DispatchQueue,
    completion: @escaping @Sendable (EntryOutcome) -> Void
  ) {
    queue.async { [self] in
      do throws(AccountFileError) {
        let state = try read()
        if state.memberships.contains(membership) { return completion(.alreadyDone) }
        guard let user = unescaped(membership.user), let group = unescaped(membership.group),
          state.users[membership.user] != nil, state.groups[membership.group] != nil
        else { return completion(.impossible("the account or the group is gone")) }
        let below = root.isEmpty ? [] : [Array("--prefix".utf8), root]
        let change =
          membership.primary
          ? [Array("-g".utf8), group] : [Array("-a".utf8), Array("-G".utf8), group]
        Spawn.run(
          "/usr/sbin/usermod", below + change + [Array("--".utf8), user], queue: queue
        ) { [self] result in
          let isThere = (try? read())?.memberships.contains(membership) == true
          let words = escaped(result.errors.prefix(400).map { $0 == 0x0a ? 0x20 : $0 })
          completion(isThere ? .done : .failed(words.isEmpty ? "usermod: \(result.status)" : words))
        }
      } catch {
        completion(.failed("\(error)"))
      }
    }
  }
}
