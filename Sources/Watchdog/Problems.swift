package import Grants

/// What is wrong now, shown by `status`; each kind once.
package struct Problems {
  package enum Kind: Hashable {
    case diskFull, ledger, ledgerDamaged, snapshot, baseline, baselineLost, accountState
    case fanotify, processEvents, journal, tree(String), logFile(String), accounts, configuration
    case entries(GrantKind), entryState(GrantKind), connector(String)
    case noWebhook, polkit, adviceJournal, noAgents, revokesHeldBack, notifier, readOnly
  }

  private var texts: [Kind: String] = [:]
  private var order: [Kind] = []

  package init() {}

  /// Returns true when the problem is new or says something new.
  @discardableResult
  package mutating func set(_ kind: Kind, _ text: String) -> Bool {
    if texts[kind] == nil { order.append(kind) }
    return texts.updateValue(text, forKey: kind) != text
  }

  package mutating func clear(_ kind: Kind) {
    guard texts.removeValue(forKey: kind) != nil else { return }
    order.removeAll { $0 == kind }
  }

  package func has(_ kind: Kind) -> Bool { texts[kind] != nil }

  package var ledgerStuck: Bool { has(.ledger) || has(.diskFull) }

  package var all: [String] { order.compactMap { texts[$0] } }

  /// True when something the daemon exists for does not work; a note on the configuration is not.
  package var isDegraded: Bool {
    order.contains {
      switch $0 {
      case .noWebhook, .polkit, .adviceJournal, .noAgents, .configuration, .notifier, .tree,
        .logFile:
        false
      default: true
      }
    }
  }
}
