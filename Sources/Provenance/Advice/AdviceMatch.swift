package import Grants

/// One reason for a match and what it counts for.
package struct MatchFactor: Equatable, Sendable {
  /// As `explain` prints it: `same command`, `same effect`, `time since`, …
  package var name: String
  package var points: Int

  package init(name: String, points: Int) {
    self.name = name
    self.points = points
  }
}

/// An open advice that a grant follows.
package struct AdviceMatch: Equatable, Sendable {
  /// The advice's id.
  package var advice: String
  /// `strong`: every right granted on every item lies within the advised effect. `weak`: a part of
  /// it does, or the advice leaves something open (a relative path, a variable, a pattern).
  package var confidence: Confidence
  /// The sum of the factors' points.
  package var score: Int
  package var factors: [MatchFactor]
  /// The advised change that fits best.
  package var change: ProposedChange

  /// What a match's factors count, `explain` shows the same numbers.
  enum Points {
    static let sameEffect = 40
    static let within = 30
    static let part = 10
    static let sameCommand = 25
    static let audience = 15
    static let ownAccount = 5

    /// Points for the time between the advice and the grant.
    static func since(seconds: Double) -> Int {
      switch seconds {
      case ...3600: 20
      case ...28_800: 15
      case ...86_400: 10
      case ...259_200: 5
      default: 0
      }
    }
  }
}
