import ByteText
import Grants
import Kinds

/// Deadlines of access that an agent had before: giving it again gains no time.
extension Engine {
  /// An agent that takes away its access and gives it again, or the like of it, gains no time by it:
  /// what was given before sets the deadline. True when it became shorter.
  @discardableResult
  func shortenDeadline(_ id: String) -> Bool {
    guard !givenBefore.isEmpty, let grant = store[id], grant.provenance.isAgents,
      let deadline = grant.deadline
    else { return false }
    let now = now
    func soonest(_ keys: (GrantItem) -> [String]) -> Deadline? {
      grant.items.flatMap(keys).compactMap { givenBefore[$0] }
        .filter { $0.left(at: now) > .zero && $0.up < deadline.up }.min { $0.up < $1.up }
    }
    let same = soonest { accessKeys($0, of: grant) }
    let like = soonest { likenessKey($0, of: grant).map { [$0] } ?? [] }
    guard let shortest = [same, like].compactMap(\.self).min(by: { $0.up < $1.up }) else {
      return false
    }
    store.change(id) {
      $0.deadline = shortest
      $0.because.append(
        same == shortest
          ? "an agent gave it before: the deadline is that of then"
          : "the agent gave somebody the same right before: the deadline is that of then")
    }
    return true
  }

  /// Keeps the deadline of an agent's item that was taken away by others, until it has passed.
  func rememberDeadline(_ item: GrantItem, of grant: Grant) {
    guard grant.provenance.isAgents, let deadline = grant.deadline, deadline.boot == now.boot,
      deadline.left(at: now) > .zero
    else { return }
    if givenBefore.count > 20_000 { forgetPastGifts() }
    for key in accessKeys(item, of: grant) { remember(deadline, key) }
    if let key = likenessKey(item, of: grant) { remember(deadline, key) }
  }

  /// What is given from now on as `entry` has this deadline at the latest.
  func inherit(_ deadline: Deadline, _ entry: AccessEntry, _ kind: GrantKind) {
    remember(deadline, "\(kind.rawValue) \(entry.object) \(entry.subject)")
  }

  private func remember(_ deadline: Deadline, _ key: String) {
    if givenBefore[key].map({ deadline.up < $0.up }) ?? true { givenBefore[key] = deadline }
  }

  /// Deadlines that have passed are nobody's any more.
  func forgetPastGifts() {
    let now = now
    givenBefore = givenBefore.filter { $0.value.left(at: now) > .zero }
  }

  /// What makes an item the same access as an earlier one. A rule of sudo is that wherever it stands,
  /// and a file of polkit's whatever its name is.
  private func accessKeys(_ item: GrantItem, of grant: Grant) -> [String] {
    let kind = grant.kind.rawValue
    let object = item.identity.map { "\($0.device):\($0.inode)" } ?? item.object
    switch grant.kind {
    case .fileMode: return ["\(kind) \(object) "]
    case .sudoRule: return ["\(kind) \(item.gain == nil ? "" : object) \(grant.subject)"]
    case .polkitRule:
      return ["\(kind) \(object) \(grant.subject)"] + (item.after.map { ["\(kind) \($0)"] } ?? [])
    default: return ["\(kind) \(object) \(grant.subject)"]
    }
  }

  /// What makes an item the like of an earlier one of the same agent: the same right on the same object,
  /// whoever has it, such as login to an account by whatever key. Of rules of sudo the right says it
  /// all, wherever they stand. Nil where `accessKeys` names no subject, and for what was only advised:
  /// its doers are many.
  private func likenessKey(_ item: GrantItem, of grant: Grant) -> String? {
    guard grant.provenance == .agentExecuted, let agent = grant.agent,
      item.gain == nil || grant.kind.isFiles
    else { return nil }
    let object: String
    switch grant.kind {
    case .fileMode, .polkitRule: return nil
    case .sudoRule: object = ""
    default: object = item.identity.map { "\($0.device):\($0.inode)" } ?? item.object
    }
    let login = grant.actor.loginUID.map { "\($0)/\(grant.actor.session ?? 0)" }
    let who = agent.session ?? login ?? grant.incident
    return "\(grant.kind.rawValue) \(object) \(grant.right) by \(agent.name) \(who)"
  }
}
