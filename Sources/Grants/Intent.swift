/// How a grant compares with what was said to be done before.
package enum IntentFit: String, Sendable, CaseIterable {
  /// All of it was said.
  case within
  /// It gives more than was said.
  case wider
  /// The agent tells of its commands, and none that it told of would give this.
  case untold
}

/// Who said what was to be done.
package enum IntentSource: String, Sendable {
  /// A human, who approved an advice before the fact.
  case approval
  /// The agent itself, in a hook, before it ran the command.
  case hook
}

/// What was said to be done, and how the grant that came compares with it.
package struct Intent: Equatable, Sendable {
  package var fit: IntentFit
  package var source: IntentSource
  /// The id of the advice that was approved, or that the hook left; nil where none was kept.
  package var advice: String?
  /// For people: `group:* read execute on file:/srv/data (chmod 750 /srv/data)`.
  package var said: String

  package init(_ fit: IntentFit, by source: IntentSource, advice: String?, said: String) {
    self.fit = fit
    self.source = source
    self.advice = advice
    self.said = said
  }

  /// One line: how they compare.
  package var text: String {
    switch (fit, source) {
    case (.within, .approval): "within what was approved: \(said)"
    case (.wider, .approval): "wider than approved: what was approved is \(said)"
    case (.within, .hook): "within what the agent's hook told: \(said)"
    case (.wider, .hook): "wider than the agent's hook told: what it told is \(said)"
    case (.untold, _): "no command that the agent's hooks told of would give this; \(said)"
    }
  }
}
