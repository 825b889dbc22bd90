import ByteText
import Grants
import Kinds

/// What `status` and `doctor` say of connectors.
extension Engine {
  /// How a connector is, in the words that sources have.
  func sourceState(of connector: Connector) -> String {
    switch connector.condition {
    case "waiting": "silent"
    case "stale": "failed"
    case let word: word
    }
  }

  func diagnose(_ connector: Connector) -> SourceDiagnosis {
    let entries = connector.watch.state?.count ?? 0
    var found = SourceDiagnosis(
      name: connector.kind.rawValue, state: sourceState(of: connector),
      sees: "\(entries) entries of at most \(connector.configuration.maxEntries)",
      lost: connector.refusedCount,
      lagMilliseconds: connector.lastReport.map { Int((now.up - $0.up) / 1000) })
    let look = "grantctl connector check \(connector.name)"
    if let problem = connectorProblem(connector) {
      found.lacks = problem
      found.mend = look
    } else if connector.lastReport == nil {
      found.lacks = "its first report"
      found.mend = "start it as \(connector.configuration.user); then \(look)"
    } else if !connector.isTaken {
      found.state = "limited"
      found.lacks = "somebody who takes its revocations: nothing of it can be taken back"
      found.mend = look
    }
    return found
  }
}
