package import ByteText
package import Grants

/// One event on its way out of the host.
package struct OutboxEvent: Sendable, Equatable {
  /// The ledger's sequence number of the event: the message's id and its place in the order.
  package var sequence: Int64
  /// `grant.detected`, ...
  package var type: String
  package var time: Timestamp
  package var severity: Severity
  /// The grant, advice or incident it is about.
  package var subject: String?
  package var text: String
  /// A code that approves `subject` is to go with it.
  package var wantsCode: Bool

  package init(
    sequence: Int64, type: String, time: Timestamp, severity: Severity, subject: String?,
    text: String, wantsCode: Bool
  ) {
    self.sequence = sequence
    self.type = type
    self.time = time
    self.severity = severity
    self.subject = subject
    self.text = text
    self.wantsCode = wantsCode
  }
}

/// An event that could not be delivered.
package struct DeadLetter: Sendable, Equatable {
  package var endpoint: String
  package var sequence: Int64
  package var type: String
  package var reason: String
  package var time: Timestamp
}

/// The events that have to leave, per endpoint in their order, until each is acknowledged.
package struct Outbox {
  /// Events kept for an endpoint that never answers; the oldest is dropped with a dead letter.
  package static let limit = 50_000

  package private(set) var events: [OutboxEvent] = []
  /// The last sequence that each endpoint has dealt with.
  package private(set) var acknowledged: [String: Int64] = [:]
  package private(set) var deadLetters: [DeadLetter] = []

  package init() {}

  /// Keeps the endpoints that the configuration names. A new one gets what comes from `now` on.
  package mutating func setEndpoints(_ names: [String], newFrom sequence: Int64) {
    for name in names where acknowledged[name] == nil { acknowledged[name] = sequence }
    for name in acknowledged.keys where !names.contains(name) { acknowledged[name] = nil }
    prune()
  }

  package mutating func restore(endpoint: String, acknowledged sequence: Int64) {
    acknowledged[endpoint] = max(sequence, acknowledged[endpoint] ?? .min)
  }

  package mutating func add(_ event: OutboxEvent) {
    guard !acknowledged.isEmpty, event.sequence > events.last?.sequence ?? .min else { return }
    events.append(event)
    if events.count > Self.limit {
      let dropped = events.removeFirst()
      for (endpoint, last) in acknowledged where last < dropped.sequence {
        acknowledged[endpoint] = dropped.sequence
        bury(endpoint, dropped, "outbox is full")
      }
    }
  }

  /// What `endpoint` has not dealt with, in order.
  package func waiting(for endpoint: String, limit: Int) -> [OutboxEvent] {
    guard let last = acknowledged[endpoint] else { return [] }
    return Array(events.lazy.filter { $0.sequence > last }.prefix(limit))
  }

  /// Takes an endpoint's word for `sequence` and all before it; nil for an unknown endpoint.
  package mutating func acknowledge(
    _ endpoint: String, _ sequence: Int64, delivered: Bool, reason: String, at time: Timestamp
  ) -> OutboxEvent? {
    guard let last = acknowledged[endpoint],
      let event = events.first(where: { $0.sequence == sequence })
    else { return nil }
    acknowledged[endpoint] = max(last, sequence)
    if !delivered {
      bury(endpoint, event, reason, at: time)
    }
    prune()
    return event
  }

  private mutating func bury(
    _ endpoint: String, _ event: OutboxEvent, _ reason: String, at time: Timestamp? = nil
  ) {
    deadLetters.append(
      DeadLetter(
        endpoint: endpoint, sequence: event.sequence, type: event.type, reason: reason,
        time: time ?? event.time))
    if deadLetters.count > 1000 { deadLetters.removeFirst() }
  }

  private mutating func prune() {
    guard let slowest = acknowledged.values.min() else {
      events.removeAll()
      return
    }
    let dealtWith = events.prefix { $0.sequence <= slowest }.count
    if dealtWith > 0 { events.removeFirst(dealtWith) }
  }
}
