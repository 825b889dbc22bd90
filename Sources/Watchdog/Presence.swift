import ByteText
import Control
import Dispatch
import Grants
import Kinds
package import LinuxKit

/// Whether somebody showed that a human who knows a secret is there.
package enum PresenceAnswer: Sendable, Equatable {
  case proven
  case refused(String)
}

/// Who asks for that proof. It may take as long as a human does: never called on the engine's queue.
package protocol PresenceAuthority: Sendable {
  /// Why nobody can be asked here; nil when all that it takes is in place.
  func obstacle() -> String?
  /// Asks; `message` is what the human gets to read.
  func ask(_ subject: PolkitSubject, message: String) -> PresenceAnswer
}

/// polkit, with the action `io.grantwatch.approve`.
package struct PolkitPresence: PresenceAuthority {
  static let action = "io.grantwatch.approve"
  private static let policy = "/usr/share/polkit-1/actions/io.grantwatch.policy"
  /// How long polkitd may take to say whether it would ask, and to ask; microseconds.
  private static let toSay: UInt64 = 5_000_000
  private static let toAsk: UInt64 = 120_000_000

  package init() {}

  package func obstacle() -> String? {
    PolkitAuthority.obstacle(to: Self.action, policy: Self.policy)
  }

  package func ask(_ subject: PolkitSubject, message: String) -> PresenceAnswer {
    do throws(SystemError) {
      // Who need not answer has proved nothing.
      switch try answer(subject, message: nil, timeout: Self.toSay) {
      case .authorized:
        return .refused(
          "polkit would ask nobody: a rule, or an authorization that it kept, lets the caller in")
      case .refused: return .refused("polkit refuses the caller \(Self.action)")
      case .challenge: break
      }
      switch try answer(subject, message: message, timeout: Self.toAsk) {
      case .authorized: return .proven
      case .refused: return .refused("polkit was given no right answer")
      case .challenge:
        return .refused(
          "nobody could be asked: the caller's session has no authentication agent of polkit;"
            + " pkttyagent(1) is one for terminals")
      }
    } catch {
      return .refused("\(error)")
    }
  }

  private func answer(
    _ subject: PolkitSubject, message: String?, timeout: UInt64
  ) throws(SystemError) -> PolkitAnswer {
    try PolkitAuthority.check(
      subject, may: Self.action, message: message, asking: message != nil, timeout: timeout)
  }
}

extension Engine {
  /// Callers that are being asked at the same time; each uid once.
  private static let mostAsked = 8

  /// Has the caller's presence proved where `Authenticate=` wants polkit's word, and goes on with the
  /// answer in the request. Time goes by meanwhile, in which nothing is held: what follows looks at
  /// the caller, the grants and the configuration anew.
  func whenProven(
    _ ids: [String], _ request: ApprovalRequest, _ call: ControlCall,
    _ body: @escaping @Sendable (ApprovalRequest) -> Void
  ) {
    guard asksPolkit, isWorthAsking(ids, request) else { return body(request) }
    var request = request
    guard askedUIDs.count < Self.mostAsked, askedUIDs.insert(request.uid).inserted else {
      request.presence = .refused("polkit is asking uid \(request.uid), or too many, already")
      return body(request)
    }
    let subject = PolkitSubject(pid: request.pid, start: request.start, uid: request.uid)
    let message =
      "Grantwatch: \(call.method.lowercased()) \(ids.prefix(4).joined(separator: " "))"
      + (ids.count > 4 ? " and \(ids.count - 4) more" : "")
    let said = escaped(Array(message.utf8).prefix(256))
    let authority = settings.presence
    let asked = request
    presenceQueue.async { [queue] in
      let answer = Self.presence(of: subject, said, authority)
      queue.async { [weak self] in
        guard let self else { return }
        turn {
          self.askedUIDs.remove(asked.uid)
          // Who left has withdrawn it.
          guard !call.isClosed else { return }
          var answered = asked
          answered.presence = answer
          body(answered)
        }
      }
    }
  }

  var asksPolkit: Bool {
    configuration.authenticate == .polkit || configuration.authenticate == .both
  }

  /// Doubts come first, and again afterwards: what the answer is worth may have changed meanwhile.
  private static func presence(
    of subject: PolkitSubject, _ message: String, _ authority: any PresenceAuthority
  ) -> PresenceAnswer {
    if let doubt = PresenceDoubt.ofHost(uid: subject.uid) { return .refused(doubt) }
    if let obstacle = authority.obstacle() { return .refused("polkit: \(obstacle)") }
    let answer = authority.ask(subject, message: message)
    if answer == .proven, let doubt = PresenceDoubt.ofHost(uid: subject.uid) {
      return .refused(doubt)
    }
    return answer
  }

  /// False where the answer would be no whatever polkit says: nobody is asked for nothing.
  private func isWorthAsking(_ ids: [String], _ request: ApprovalRequest) -> Bool {
    guard case .success(let (check, _)) = approver(request) else { return false }
    return ids.contains { text in
      targets(text).contains { target in
        switch target {
        case .none: return false
        case .advice(let id):
          return advice.all[id].map { $0.until.left(at: now) > .zero } ?? false
        case .grant(let id):
          guard let grant = store[id], !grant.standing, !running.contains(id) else { return false }
          return (GrantStore.stands(grant) || isRestorable(grant))
            && (configuration.selfApproval || !isMaker(check, of: grant))
        }
      }
    }
  }

  /// Says whether polkit can be asked at all.
  func sayWhetherPolkitIsThere() {
    guard asksPolkit, let obstacle = settings.presence.obstacle() else {
      return problems.clear(.polkit)
    }
    problems.set(
      .polkit,
      "approval: Authenticate=\(configuration.authenticate.rawValue): \(obstacle):"
        + " nothing can be approved")
  }
}
