/// What is known of an agent's own question to its human before it acted, weakest first. A click is
/// evidence and no approval.
package enum PromptGrade: String, Sendable, Comparable, CaseIterable {
  /// Nothing is known.
  case none
  /// The agent says that nobody sits before it.
  case unattended
  /// A mode, a rule, a hook or the agent's own reviewer let it pass.
  case auto
  /// A question for this very command came up; who answered it is not known.
  case asked
  /// A human agreed once, for a whole session or for good.
  case remembered
  /// A human agreed to this very command.
  case clicked

  package static func < (left: Self, right: Self) -> Bool {
    guard let left = allCases.firstIndex(of: left), let right = allCases.firstIndex(of: right)
    else { return false }
    return left < right
  }
}

/// The evidence of an agent's own question, kept with the grant.
package struct PromptEvidence: Equatable, Sendable {
  package var grade: PromptGrade
  /// The permission mode, as the agent names it.
  package var mode: String?
  /// The agent says that a human sits before it.
  package var attended: Bool?
  /// From the question to the grant.
  package var thinkMilliseconds: Int64?
  /// Told by somebody with no agent above him, as root; else by whoever the agent runs as, so that
  /// the agent may have told it itself.
  package var isIndependent: Bool

  package init(
    _ grade: PromptGrade, mode: String? = nil, attended: Bool? = nil,
    thinkMilliseconds: Int64? = nil, isIndependent: Bool = false
  ) {
    self.grade = grade
    self.mode = mode
    self.attended = attended
    self.thinkMilliseconds = thinkMilliseconds
    self.isIndependent = isIndependent
  }

  /// One line for people.
  package var text: String {
    let how =
      switch grade {
      case .none: "whether the agent asked is not known"
      case .unattended: "the agent says that nobody sits before it"
      case .auto: "the agent asked nobody"
      case .asked: "the agent's question came up, who answered is not known"
      case .remembered: "a human agreed once for more than this command"
      case .clicked: "a human clicked yes to this command"
      }
    let named = mode.map { ", mode \($0)" } ?? ""
    let thought = thinkMilliseconds.map { ", \($0) ms after the question" } ?? ""
    let teller =
      grade == .none ? "" : isIndependent ? ", told by root" : ", told by the agent's own user"
    return how + named + thought + teller
  }
}

/// Whose word on an agent's question a rule takes.
package enum PromptTeller: String, Sendable, CaseIterable {
  /// Only what somebody with no agent above him told as root.
  case root
  /// The agent's own user too.
  case any
}
