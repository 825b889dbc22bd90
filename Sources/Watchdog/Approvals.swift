import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance

/// A request to approve, as it came over the socket.
struct ApprovalRequest: Sendable {
  var span: TimeSpan?
  var reason: String
  var code: String?
  var pid: Int32
  var uid: UInt32
  /// As in `PeerCredentials`.
  var start: UInt64
  /// Not only the process that connected wrote on its connection.
  var isHandedOn: Bool
  /// What polkit said of the caller; nil where it was not asked.
  var presence: PresenceAnswer?
}

extension Engine {
  /// Law 4, and what DESIGN §7 asks of an approver. Returns why the caller may not, or who it is.
  func approver(
    _ request: ApprovalRequest
  ) -> Result<(check: CallerCheck, name: String), Refusal> {
    let check = processes.checkCaller(
      pid: request.pid, uid: request.uid, start: request.start)
    guard check.ok else { return .failure(Refusal(check.reason)) }
    guard !request.isHandedOn else {
      return .failure(
        Refusal(
          "another process than the one that connected wrote the call: nobody knows for whom"))
    }
    let name = hostAccounts.userName(request.uid) ?? String(request.uid)
    guard isApprover(name) else {
      return .failure(
        Refusal(
          "\(name) is no approver; [Approval] Approvers= names \(configuration.approvers.joined(separator: " "))"
        ))
    }
    guard !trimmed(request.reason).isEmpty else { return .failure(Refusal("no reason given")) }
    if let span = request.span, span > configuration.maxApproval {
      return .failure(
        Refusal("\(span.text) is longer than MaxApproval=\(configuration.maxApproval.text)"))
    }
    if let span = request.span, span <= .zero {
      return .failure(Refusal("an approval must last longer than nothing"))
    }
    return .success((check, name))
  }

  struct Refusal: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// True when `Approvers=` names the host's account `name` or a group of it.
  func isApprover(_ name: String) -> Bool {
    configuration.approvers.contains { entry in
      entry.hasPrefix("%")
        ? hostAccounts.members(ofGroup: String(entry.dropFirst())).contains(name) : entry == name
    }
  }

  /// Approves each grant, incident or advice that `ids` names.
  func approve(_ ids: [String], _ request: ApprovalRequest) -> [RequestResult] {
    let who = approver(request)
    if case .failure(let refusal) = who, !readsAll(request.uid) {
      // Whoever may not approve is told nothing of what there is.
      return ids.map { text in
        let grant = store[text] == nil ? nil : text
        return refuse(text, grant: grant, request, refusal.reason)
      }
    }
    return ids.flatMap { text in
      targets(text).map { target -> RequestResult in
        switch target {
        case .none(let matches): missing(text, matches)
        case .grant(let id): approveGrant(id, request, who)
        case .advice(let id): approveAdvice(id, request, who)
        }
      }
    }
  }

  private func approveGrant(
    _ id: String, _ request: ApprovalRequest,
    _ who: Result<(check: CallerCheck, name: String), Refusal>
  ) -> RequestResult {
    guard let grant = store[id] else { return missing(id, []) }
    let check: CallerCheck
    let name: String
    switch who {
    case .failure(let refusal): return refuse(id, grant: id, request, refusal.reason)
    case .success(let approver): (check, name) = approver
    }
    guard GrantStore.stands(grant) else {
      return RequestResult(
        id: id, done: false, result: "refused: it is \(grant.state.rawValue)", status: "refused")
    }
    guard !grant.standing else {
      return RequestResult(
        id: id, done: false, result: "refused: it is standing and has no deadline",
        status: "refused")
    }
    guard !running.contains(id) else {
      return RequestResult(
        id: id, done: false, result: "refused: it is being taken back", status: "refused")
    }
    if !configuration.selfApproval, isMaker(check, of: grant) {
      return refuse(id, grant: id, request, "\(name) made this change; somebody else must approve")
    }
    if let reason = unproven(request, target: id) { return refuse(id, grant: id, request, reason) }
    let approval = makeApproval(request, check, name)
    codes.void(id)
    record("code.used", grant: id, essential: true) { $0.member("target", id) }
    closeAct(id)
    revocations.remove(id)
    update(id) {
      $0.approval = approval
      $0.state = .approved
      $0.overdueAlerted = false
    }
    agenda.add(.deadline(id), at: approval.until.up)
    settleNativeExpiry(id)
    announce(
      "approval.given", grant: id, wantsCode: true,
      "\(name) approved until \(approval.until.wall.rfc3339): \(summary(grant)): \(escaped(Array(request.reason.utf8)))"
    )
    return RequestResult(
      id: id, done: true, result: "approved until \(approval.until.wall.rfc3339)", status: "ok")
  }

  func makeApproval(
    _ request: ApprovalRequest, _ check: CallerCheck, _ name: String
  ) -> Approval {
    let until = Deadline(request.span ?? configuration.maxApproval, after: now)
    return Approval(
      by: name, byUID: request.uid, byLoginUID: check.loginUID, time: now.wall, until: until,
      reason: escaped(Array(request.reason.utf8).prefix(1024)),
      proof: configuration.authenticate == .no ? "none" : configuration.authenticate.rawValue)
  }

  /// Somebody unknown may be the approver as well as not.
  func isSame(_ maker: UInt32?, _ approver: UInt32) -> Bool {
    maker == nil || maker == approver
  }

  /// True when the caller is who made the change: by login uid, else by uid.
  func isMaker(_ check: CallerCheck, of grant: Grant) -> Bool {
    isSame(grant.actor.loginUID ?? grant.actor.uid, check.loginUID ?? check.uid)
  }

  /// Why the proof of presence that `Authenticate=` asks for is missing; nil when it is there.
  func unproven(_ request: ApprovalRequest, target: String) -> String? {
    switch configuration.authenticate {
    case .no: nil
    case .code: withoutCode(request, target)
    case .polkit: withoutPresence(request)
    // Codes are tried by those only who are known to be there.
    case .both: withoutPresence(request) ?? withoutCode(request, target)
    }
  }

  private func withoutPresence(_ request: ApprovalRequest) -> String? {
    switch request.presence {
    case .proven: nil
    case .refused(let reason): reason
    case nil: "polkit was not asked: ask again"
    }
  }

  private func withoutCode(_ request: ApprovalRequest, _ target: String) -> String? {
    guard let code = request.code else {
      return configuration.webhooks.isEmpty
        ? "a code is needed and no webhook is configured that could bring one"
        : "a code is needed: it came with the alert; give it as --code"
    }
    let outcome = codes.check(code, for: target)
    if case .wrong = outcome { recordCode(target) }
    switch outcome {
    case .right: return nil
    case .wrong(let left):
      return left > 0 ? "wrong code; \(left) tries left" : "wrong code; it is void now"
    case .none: return "no code is valid for it: used, void, or not delivered yet"
    }
  }

  /// Keeps a code's hash and its wrong tries.
  func recordCode(_ target: String) {
    guard let kept = codes.kept[target] else { return }
    record("code.issued", essential: true) { writer in
      writer.member("target", target)
      writer.member("salt", hexadecimal(kept.salt))
      writer.member("hash", hexadecimal(kept.hash))
      writer.member("wrong", kept.wrongTries)
      writer.member("delivered", kept.delivered)
    }
  }

  func refuse(
    _ id: String, grant: String?, _ request: ApprovalRequest, _ reason: String
  ) -> RequestResult {
    let who = hostAccounts.userName(request.uid) ?? String(request.uid)
    let named = escaped(Array(id.utf8).prefix(64))
    let text = "\(who) (pid \(request.pid)) tried to approve \(named) and was refused: \(reason)"
    switch refusals.count(request.uid, at: now.up) {
    case .said: announce("approval.refused", grant: grant, severity: .high, subject: id, text)
    case .last:
      announce(
        "approval.refused", grant: grant, severity: .high, subject: id,
        text + "; more of uid \(request.uid) in this minute are counted, not told")
    case .counted: break
    }
    return RequestResult(id: id, done: false, result: "refused: \(reason)", status: "refused")
  }

  // MARK: Advice

  private func approveAdvice(
    _ id: String, _ request: ApprovalRequest,
    _ who: Result<(check: CallerCheck, name: String), Refusal>
  ) -> RequestResult {
    guard let entry = advice.all[id] else { return missing(id, []) }
    let check: CallerCheck
    let name: String
    switch who {
    case .failure(let refusal): return refuse(id, grant: nil, request, refusal.reason)
    case .success(let approver): (check, name) = approver
    }
    guard entry.until.left(at: now) > .zero else {
      return RequestResult(
        id: id, done: false, result: "refused: the advice has ended", status: "refused")
    }
    if !configuration.selfApproval,
      entry.host == nil, entry.submittedBy != 0,
      entry.submittedBy == check.uid || entry.submittedBy == check.loginUID
    {
      return refuse(
        id, grant: nil, request, "\(name) submitted this advice; somebody else must approve")
    }
    if let reason = unproven(request, target: id) {
      return refuse(id, grant: nil, request, reason)
    }
    let approval = makeApproval(request, check, name)
    codes.void(id)
    record("code.used", essential: true) { $0.member("target", id) }
    advice.change(id) { $0.approval = approval }
    recordAdvice(id, type: "advice.changed", text: "approved")
    announce(
      "approval.given", subject: id,
      "\(name) approved advice \(id) of \(entry.agent) until \(approval.until.wall.rfc3339)")
    return RequestResult(
      id: id, done: true, result: "approved until \(approval.until.wall.rfc3339)", status: "ok")
  }
}
