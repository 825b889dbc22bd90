import Grants
import Kinds
import LinuxKit

extension Engine {
  /// Takes back what `ids` names, or says what would be done.
  func revoke(_ ids: [String], dryRun: Bool, pid: Int32, uid: UInt32) -> [RequestResult] {
    let name = hostAccounts.userName(uid) ?? String(uid)
    guard uid == 0 || isApprover(name) else {
      return ids.map { text in
        RequestResult(
          id: text, done: false, result: "refused: \(name) is neither root nor an approver",
          status: "refused")
      }
    }
    return ids.flatMap { text in
      targets(text).map { target -> RequestResult in
        guard case .grant(let id) = target, let grant = store[id] else {
          if case .none(let matches) = target { return missing(text, matches) }
          return RequestResult(
            id: text, done: false, result: "refused: an advice cannot be taken back",
            status: "refused")
        }
        guard GrantStore.stands(grant) else {
          return RequestResult(
            id: id, done: false, result: "refused: it is \(grant.state.rawValue)",
            status: "refused")
        }
        if isOnlyToldOf(grant.kind) {
          return RequestResult(
            id: id, done: false, result: "refused: \(notFromHere(grant.kind))", status: "refused")
        }
        if dryRun {
          return RequestResult(id: id, done: false, result: plan(grant), status: "dry-run")
        }
        record("revocation.asked", grant: id, text: "\(name) (pid \(pid)) asked for it")
        revokeNow(id)
        return RequestResult(id: id, done: true, result: "", status: "ok")
      }
    }
  }

  /// What a revocation would do, in one line.
  private func plan(_ grant: Grant) -> String {
    switch grant.kind {
    case .groupMember:
      return membership(of: grant).map {
        groupMembers.plan($0, previousPrimary: grant.previousPrimary)
      } ?? "nothing: its record cannot be read"
    case .fileMode, .fileOwner, .fileACL, .fileCapability:
      var counts = (restore: 0, gone: 0, drifted: 0, failing: 0)
      var example: String?
      for item in grant.items where item.state == .active || item.state == .revokeFailed {
        switch restore(item, of: grant, dryRun: true) {
        case .restored(let mode):
          counts.restore += 1
          if example == nil {
            let to = grant.kind == .fileMode ? octal(mode) : item.before ?? "none"
            example = "\(item.object.dropFirst(5)) to \(to)"
          }
        case .alreadyGone: counts.gone += 1
        case .drifted: counts.drifted += 1
        case .failed: counts.failing += 1
        }
      }
      var parts = ["would restore \(counts.restore) of \(grant.items.count) items"]
      if let example { parts.append("such as \(example)") }
      if counts.gone > 0 { parts.append("\(counts.gone) are gone already") }
      if counts.drifted > 0 { parts.append("\(counts.drifted) are not the same objects any more") }
      if counts.failing > 0 { parts.append("\(counts.failing) cannot be looked at") }
      return parts.joined(separator: ", ")
    default: return planEntries(grant)
    }
  }
}
