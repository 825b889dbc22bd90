internal import ByteText
package import Dispatch
internal import LinuxKit

/// How the revocation of a membership ended.
package enum RevokeOutcome: Sendable, Equatable {
  /// Taken back, and the state, read again, says so.
  case done
  /// It was not there any more.
  case alreadyGone
  /// It is still there, or nobody can tell; the words of the tool or of the reading.
  case failed(String)
}

extension GroupMembers {
  /// Takes `membership` back and looks again; `completion` runs on `queue`.
  ///
  /// On the host by gpasswd(1), below a root by usermod(8) with `--prefix`, then by gpasswd with
  /// `-Q`, which knows members without an account too, but needs chroot(2). A primary group is set
  /// back to `previousPrimary`, or else to the group named as the user.
  package func revoke(
    _ membership: Membership, previousPrimary: String?, queue: DispatchQueue,
    completion: @escaping @Sendable (RevokeOutcome) -> Void
  ) {
    queue.async { [self] in
      do throws(AccountFileError) {
        let state = try read()
        guard state.memberships.contains(membership) else { return completion(.alreadyGone) }
        let commands = try commands(membership, state, previousPrimary: previousPrimary)
        attempt(commands[...], membership, queue: queue, words: "", completion: completion)
      } catch {
        completion(.failed("\(error)"))
      }
    }
  }

  /// The command that `revoke` tries first, as one would type it.
  package func plan(_ membership: Membership, previousPrimary: String? = nil) -> String {
    do throws(AccountFileError) {
      let state = try read()
      let first = try commands(membership, state, previousPrimary: previousPrimary).first
      return first?.text ?? ""
    } catch {
      return "\(error)"
    }
  }

  private func commands(
    _ membership: Membership, _ state: GroupState, previousPrimary: String?
  ) throws(AccountFileError) -> [ToolCommand] {
    guard let user = unescaped(membership.user), let group = unescaped(membership.group) else {
      throw .unreadable(SystemError(SystemError.invalidArgument, "read name", membership.user))
    }
    func words(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }
    let usermod = "/usr/sbin/usermod"
    if membership.primary {
      // By number: the name may have several. `--prefix` would look numbers up on the host.
      guard let gid = state.groups[previousPrimary ?? membership.user] else {
        throw .unreadable(
          SystemError(SystemError.invalidArgument, "find the primary group before", membership.user)
        )
      }
      let below = root.isEmpty ? [] : words("-R") + [root]
      return [
        ToolCommand(tool: usermod, arguments: below + words("-g", String(gid), "--") + [user])
      ]
    }
    let gpasswd = "/usr/bin/gpasswd"
    let delete = words("-d") + [user] + words("--") + [group]
    if root.isEmpty { return [ToolCommand(tool: gpasswd, arguments: delete)] }
    let byAccount = words("--prefix") + [root] + words("-r", "-G") + [group] + words("--") + [user]
    var commands = [ToolCommand(tool: gpasswd, arguments: words("-Q") + [root] + delete)]
    if state.users[membership.user] != nil {
      commands.insert(ToolCommand(tool: usermod, arguments: byAccount), at: 0)
    }
    return commands
  }

  private func attempt(
    _ commands: ArraySlice<ToolCommand>, _ membership: Membership, queue: DispatchQueue,
    words: String,
    completion: @escaping @Sendable (RevokeOutcome) -> Void
  ) {
    guard let command = commands.first else { return completion(.failed(words)) }
    Spawn.run(command.tool, command.arguments, queue: queue) { [self] result in
      let failure = command.failure(result, otherwise: "the member is still there")
      let said = words.isEmpty ? failure : words
      do throws(AccountFileError) {
        guard try read().memberships.contains(membership) else { return completion(.done) }
        attempt(
          commands.dropFirst(), membership, queue: queue, words: said, completion: completion)
      } catch {
        completion(.failed("\(error)"))
      }
    }
  }
}
