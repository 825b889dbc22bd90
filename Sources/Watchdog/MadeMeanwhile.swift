import ByteText
import Grants
import Kinds
import Provenance

/// What was made with access that was active: it outlives the end of that access, and is shown with
/// it.
extension Engine {
  /// Lines that are kept with a grant, the last of which says that there was more.
  private static let mostLines = 64

  /// Notes a new grant with those that its actor held when giving it.
  func noteMadeMeanwhile(_ grant: Grant) {
    let text = "\(grant.id): \(grant.kind.rawValue): \(summary(grant))"
    for held in grantsHeld(by: grant.actor)
    where held.id != grant.id && (held.incident != grant.incident || held.subject != grant.subject)
    {
      noteMade(text, with: held)
    }
  }

  /// Notes a file that cron, at or systemd runs something by with the grants that its writer held, and
  /// with those that the writer gave; `path` is as seen from the tree.
  func noteMadeMeanwhile(_ file: LaunchFile, at path: [UInt8], by writer: Attribution) {
    var found = grantsHeld(by: writer.actor)
    if !writer.packageManager {
      let known = Set(found.map(\.id))
      found += givenGrants().filter { !known.contains($0.id) && isSameActor(writer, $0) }
    }
    guard !found.isEmpty else { return }
    let name = "\(file.noun) \(escaped(path))"
    for grant in found {
      // Packages come with dozens of them: told once.
      if writer.packageManager {
        let via = writer.via ?? "a package manager"
        noteMade("files of cron, at or systemd, written by \(via), such as ", name, with: grant)
      } else {
        noteMade("\(name), written ", "at \(now.wall.rfc3339) by \(words(writer))", with: grant)
      }
    }
  }

  /// `root (login bob), pid 4711: tee /etc/cron.d/job`.
  private func words(_ writer: Attribution) -> String {
    guard writer.process.pid > 0 else { return "a process that nobody saw" }
    let login = writer.actor.loginUser.map { " (login \($0))" } ?? ""
    let who = (writer.actor.user ?? "unknown") + login
    let command = writer.actor.command ?? ""
    return "\(who), pid \(writer.process.pid)" + (command.isEmpty ? "" : ": \(command.prefix(256))")
  }

  /// Notes a line, unless there is one that begins alike.
  func noteMade(_ start: String, _ rest: String = "", with grant: Grant) {
    let count = grant.madeMeanwhile.count
    guard count < Self.mostLines, !grant.madeMeanwhile.contains(where: { $0.hasPrefix(start) })
    else { return }
    let isLast = count + 1 == Self.mostLines
    update(grant.id) {
      $0.madeMeanwhile.append(isLast ? "more was made, which is not listed" : start + rest)
    }
  }

  /// The grants whose access the actor has, by name or as a member of a group; root has none.
  private func grantsHeld(by actor: Actor) -> [Grant] {
    let names = Set([actor.user, actor.loginUser].compactMap(\.self)).subtracting(["root"])
    var ids: [String] = []
    for name in names.sorted() {
      ids += store.grants(heldBy: "user:" + name)
      for group in store.holdingGroups.sorted() where isMember(name, of: group) {
        ids += store.grants(heldBy: group)
      }
    }
    return ids.compactMap { store[$0] }.filter { !$0.standing && GrantStore.stands($0) }
  }

  func isMember(_ user: String, of holder: String) -> Bool {
    let group = String(holder.dropFirst("group:".count))
    return [false, true].contains { primary in
      groupState?.memberships.contains(Membership(user: user, group: group, primary: primary))
        == true
    }
  }

  /// The grants that somebody was seen to give and whose access is there.
  private func givenGrants() -> [Grant] {
    store.order.compactMap { store[$0] }.filter { !$0.standing && GrantStore.stands($0) }
  }

  /// True when the one who gave the grant wrote: the same agent in the same session, or somebody in
  /// the same login.
  private func isSameActor(_ writer: Attribution, _ grant: Grant) -> Bool {
    guard writer.actor.loginUID == grant.actor.loginUID,
      writer.agent?.name == grant.agent?.name, grant.provenance != .agentAdvised
    else { return false }
    if let session = writer.agent?.session { return session == grant.agent?.session }
    if writer.agent != nil { return writer.actor.session == grant.actor.session }
    return writer.actor.loginUID != nil && writer.actor.session == grant.actor.session
      && writer.actor.session != nil
  }
}
