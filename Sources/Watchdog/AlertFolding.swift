package import Grants

/// Keeps one actor's one go from filling the outbox: of its events of one type the first leave one by
/// one, the rest are told together.
package struct AlertFolding {
  /// Events of one type and incident that leave one by one within a span.
  package static let most = 64
  /// How long a span is, and how long what does not leave waits to be told, in microseconds.
  package static let span: Int64 = 300_000_000
  package static let wait: Int64 = 10_000_000

  package struct Key: Hashable {
    package var incident: String
    package var type: String
  }

  /// Events that did not leave.
  package struct Fold: Equatable {
    package var count: Int
    package var severity: Severity
  }

  private struct Span {
    var began: Int64
    var left = 0
    var fold: Fold?
  }

  private var spans: [Key: Span] = [:]

  package init() {}

  /// Counts an event at `up`, CLOCK_BOOTTIME in microseconds; false when it is not to leave by itself.
  package mutating func admits(
    _ type: String, of incident: String, severity: Severity, at up: Int64
  ) -> Bool {
    let key = Key(incident: incident, type: type)
    if spans.count > 4096 {
      spans = spans.filter { $0.value.fold != nil || up - $0.value.began < Self.span }
    }
    var span = spans[key] ?? Span(began: up)
    if up - span.began >= Self.span, span.fold == nil { span = Span(began: up) }
    defer { spans[key] = span }
    if span.left < Self.most {
      span.left += 1
      return true
    }
    span.fold = Fold(
      count: (span.fold?.count ?? 0) + 1, severity: max(span.fold?.severity ?? severity, severity))
    return false
  }

  /// What is to be told together now, in the order of incidents and types.
  package mutating func take(at up: Int64) -> [(key: Key, fold: Fold)] {
    var found: [(key: Key, fold: Fold)] = []
    for (key, span) in spans {
      if let fold = span.fold { found.append((key, fold)) }
      spans[key]?.fold = nil
      if up - span.began >= Self.span { spans[key] = nil }
    }
    return found.sorted {
      ($0.key.incident, $0.key.type) < ($1.key.incident, $1.key.type)
    }
  }
}

extension Engine {
  /// True when an event about a grant may leave by itself.
  func leavesAlone(_ type: String, _ grant: Grant, _ severity: Severity) -> Bool {
    guard type.hasPrefix("grant.") else { return true }
    if folding.admits(type, of: grant.incident, severity: severity, at: now.up) { return true }
    if !foldIsAwaited {
      foldIsAwaited = true
      agenda.add(.foldedAlerts, at: now.up + AlertFolding.wait)
    }
    return false
  }

  /// Tells of all events that did not leave.
  func tellFoldedAlerts() {
    foldIsAwaited = false
    for (key, fold) in folding.take(at: now.up) {
      announce(
        key.type, severity: fold.severity, subject: key.incident,
        "\(fold.count) more of one go, incident \(key.incident):"
          + " grantctl list --incident \(key.incident)")
    }
  }
}
