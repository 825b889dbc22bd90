import ByteText
import Dispatch
import Grants
import Kinds
import LinuxKit

/// Putting access back that was taken back, and lengthening approvals: the same check as for an
/// approval stands before each (law 4).
extension Engine {
  /// True when `grantctl restore` may put the grant's access back.
  func isRestorable(_ grant: Grant) -> Bool {
    grant.state == .ended && (grant.endedBy == .expired || grant.endedBy == .revoked)
      && !grant.standing && grant.items.contains(where: \.isTakenBack)
      && (grant.kind == .groupMember || grant.kind.isFiles || entryWatch(grant.kind) != nil)
  }

  /// Lengthens the approval of each grant that `ids` names, from now on.
  func extend(_ ids: [String], _ request: ApprovalRequest) -> [RequestResult] {
    decide(ids, request) { id, grant in
      guard grant.state == .approved else {
        return RequestResult(
          id: id, done: false,
          result: "refused: it is \(grant.state.rawValue), and only an approval can be extended",
          status: "refused")
      }
      return nil
    } act: { id, grant, approval in
      update(id) { $0.approval = approval }
      agenda.add(.deadline(id), at: approval.until.up)
      settleNativeExpiry(id)
      announce(
        "approval.given", grant: id, wantsCode: true,
        "\(approval.by) extended the approval until \(approval.until.wall.rfc3339):"
          + " \(summary(grant)): \(approval.reason)")
      return RequestResult(
        id: id, done: true, result: "approved until \(approval.until.wall.rfc3339)", status: "ok")
    }
  }

  /// Puts back what `ids` names, each as a new grant that is approved from its beginning.
  func restore(_ ids: [String], _ request: ApprovalRequest) -> [RequestResult] {
    decide(ids, request) { id, grant in
      if isRestorable(grant) { return nil }
      let reason =
        grant.state == .ended
        ? "what was not taken back from here cannot be put back" : "it is \(grant.state.rawValue)"
      return RequestResult(id: id, done: false, result: "refused: \(reason)", status: "refused")
    } act: { id, grant, approval in
      let copy = beginRestoration(of: grant, approval)
      return RequestResult(id: id, done: true, result: copy, status: "ok")
    }
  }

  /// Finds the grants, asks `obstacle` about each, checks the caller, and acts.
  private func decide(
    _ ids: [String], _ request: ApprovalRequest,
    obstacle: (String, Grant) -> RequestResult?,
    act: (String, Grant, Approval) -> RequestResult
  ) -> [RequestResult] {
    let who = approver(request)
    if case .failure(let refusal) = who, !readsAll(request.uid) {
      return ids.map { refuse($0, grant: store[$0] == nil ? nil : $0, request, refusal.reason) }
    }
    return ids.flatMap { text in
      targets(text).map { target -> RequestResult in
        guard case .grant(let id) = target, let grant = store[id] else {
          if case .none(let matches) = target { return missing(text, matches) }
          return RequestResult(
            id: text, done: false, result: "refused: it is an advice", status: "refused")
        }
        switch who {
        case .failure(let refusal): return refuse(id, grant: id, request, refusal.reason)
        case .success(let (check, name)):
          if let result = obstacle(id, grant) { return result }
          if !configuration.selfApproval, isMaker(check, of: grant) {
            return refuse(
              id, grant: id, request, "\(name) made this change; somebody else must approve")
          }
          if let reason = unproven(request, target: id) {
            return refuse(id, grant: id, request, reason)
          }
          codes.void(id)
          record("code.used", grant: id, essential: true) { $0.member("target", id) }
          return act(id, grant, makeApproval(request, check, name))
        }
      }
    }
  }

  /// Stores the new grant, which is known before its access is there; returns its id.
  private func beginRestoration(of grant: Grant, _ approval: Approval) -> String {
    let now = now
    var copy = Grant(
      id: Identifier.make("g", length: 6) { store[$0] != nil }, incident: grant.incident,
      host: grant.host, kind: grant.kind, subject: grant.subject, object: grant.object,
      right: grant.right, at: now)
    copy.items = grant.items.filter(\.isTakenBack)
    for index in copy.items.indices {
      copy.items[index].state = .active
      copy.items[index].isTakenBack = false
    }
    copy.provenance = grant.provenance
    copy.confidence = grant.confidence
    copy.agent = grant.agent
    copy.via = grant.via
    copy.actor = grant.actor
    copy.advice = grant.advice
    copy.previousPrimary = grant.previousPrimary
    copy.skipsPermissions = grant.skipsPermissions
    copy.fromPackageManager = grant.fromPackageManager
    copy.otherWaysIn = grant.otherWaysIn
    copy.state = .approved
    copy.approval = approval
    copy.alerted = true
    copy.open = false
    copy.because = ["\(approval.by) put back what was taken back with grant \(grant.id)"]
    copy.evidence = [
      Evidence(
        time: now.wall, source: "state", text: "put back by grantctl restore: \(approval.reason)")
    ]
    insert(copy)
    agenda.add(.deadline(copy.id), at: approval.until.up)
    restoring.insert(copy.id)
    announce(
      "approval.given", grant: copy.id, wantsCode: true,
      "\(approval.by) put it back until \(approval.until.wall.rfc3339): \(summary(copy)):"
        + " \(approval.reason)")
    let id = copy.id
    afterCommit { [self] in putBack(id) }
    return id
  }

  private func putBack(_ id: String) {
    guard let grant = store[id] else { return }
    let queue = queue
    if grant.kind == .groupMember, let membership = membership(of: grant) {
      return groupMembers.restore(membership, queue: queue) { [weak self] outcome in
        guard let self else { return }
        turn { self.putBack(id, outcome) }
      }
    }
    if grant.kind.isFiles { return putBackFiles(of: id, from: 0) }
    guard let watch = entryWatch(grant.kind) else { return putBack(id, .unsupported) }
    let gains = grant.items.compactMap { gain($0, of: grant) }
    let kind = watch.kind
    kindQueue.async {
      var worst = EntryOutcome.done
      for gain in gains {
        let outcome = kind.restore(gain)
        if outcome != .done, outcome != .alreadyDone { worst = outcome }
      }
      let outcome = worst
      queue.async { [weak self] in
        guard let self else { return }
        turn { self.putBack(id, outcome) }
      }
    }
  }

  /// All of it was tried: says what came of it.
  func putBack(_ id: String, _ outcome: EntryOutcome) {
    restoring.remove(id)
    switch outcome {
    case .done, .alreadyDone: settleNativeExpiry(id)
    case .drifted(let reason), .failed(let reason), .impossible(let reason):
      restoreErrors[id] = reason
    case .unsupported: restoreErrors[id] = "its kind cannot be put back"
    }
    if store.isOver(id) { restoreErrors[id] = restoreErrors[id] ?? "what it was about is gone" }
    if let reason = restoreErrors[id] {
      update(id) {
        $0.because.append("it could not be put back: \(reason)")
        for index in $0.items.indices { $0.items[index].state = .ended }
      }
      end(id, by: .removed)
    }
    lookAgain(at: store[id]?.kind)
  }

  /// Answers the restore calls whose access is back, or cannot be put back.
  func answerRestoreCalls() {
    guard !restoreCalls.isEmpty else { return }
    var left: [RevokeCall] = []
    for entry in restoreCalls {
      if entry.pending.contains(where: restoring.contains) {
        left.append(entry)
        continue
      }
      let results = entry.results.map { result -> RequestResult in
        guard result.status == "ok" else { return result }
        var result = result
        let copy = result.result
        if let reason = restoreErrors.removeValue(forKey: copy) {
          result.done = false
          result.status = "failed"
          result.result = "failed: \(reason)"
          return result
        }
        let until = store[copy]?.approval?.until.wall.rfc3339 ?? ""
        result.result = "put back as \(copy), approved until \(until)"
        if let reason = leftOut.removeValue(forKey: copy) {
          result.done = false
          result.status = "failed"
          result.result = "failed in part: \(result.result), but \(reason)"
        }
        return result
      }
      reply(entry.call, results)
    }
    restoreCalls = left
  }
}
