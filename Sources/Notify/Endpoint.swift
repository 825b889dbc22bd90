import ByteText
import Dispatch
package import Grants
import LinuxKit

/// Takes the events of one endpoint and delivers them, in order, each at least once.
///
/// Runs on one thread, that of its caller.
package final class Endpoint {
  private let webhook: WebhookConfiguration
  private let outbox: any Outbox
  private let gate: DeliveryGate
  private let surroundings: Surroundings
  private var complaint: String?
  /// What became of the last events, for a daemon that did not hear it and hands them over again.
  private var outcomes: [(event: OutboxEvent, outcome: Outcome)] = []

  private struct Outcome {
    var delivered: Bool
    var reason: String?
  }

  package init(
    _ webhook: WebhookConfiguration, outbox: any Outbox, gate: DeliveryGate,
    surroundings: Surroundings
  ) {
    self.webhook = webhook
    self.outbox = outbox
    self.gate = gate
    self.surroundings = surroundings
  }

  /// Serves the endpoint until the gate is closed; connects again when the daemon went away.
  package func serve() {
    var failures = 0
    while true {
      var goesOn = true
      do throws(OutboxProblem) {
        try outbox.take(endpoint: webhook.name) { events in
          failures = 0
          say(nil)
          goesOn = events.allSatisfy(handle)
          return goesOn
        }
        if gate.isClosed { return }
        say("the daemon ended the subscription; connecting again")
      } catch {
        say("no outbox: \(error); connecting again")
      }
      failures += 1
      // The daemon is on this host, and asking costs little: every 2 s at the latest.
      let wait = Backoff.wait(
        afterFailure: min(failures, 2), fraction: surroundings.fraction())
      surroundings.sleep(wait)
      if gate.isClosed { return }
    }
  }

  /// False when the subscription must be made anew or the gate is closed.
  private func handle(_ json: JSON) -> Bool {
    guard let event = OutboxEvent(json) else {
      surroundings.log("\(webhook.name): an event that cannot be read was given up")
      guard let sequence = json["sequence"].integer else { return true }
      return acknowledge(sequence, Outcome(delivered: false, reason: "malformed event"))
    }
    if let known = outcomes.last(where: { $0.event == event }) {
      return acknowledge(event.sequence, known.outcome)
    }
    guard webhook.wants(type: event.type, severity: event.severity) else {
      return acknowledge(event.sequence, Outcome(delivered: true, reason: "filtered"))
    }
    let begun = surroundings.up()
    var failures = 0
    while true {
      var answer = Answer.failed(reason: "", retryAfter: nil)
      var heard: Bool?
      let passed = gate.pass {
        answer = attempt(event)
        heard = conclude(event, answer, begun: begun)
      }
      guard passed else { return false }
      if let heard { return heard }
      guard case .failed(let reason, let retryAfter) = answer else { return true }
      failures += 1
      let wait = Backoff.wait(
        afterFailure: failures, fraction: surroundings.fraction(), retryAfter: retryAfter)
      say("\(event.id): \(reason); next try in \(wait.text)")
      surroundings.sleep(wait)
    }
  }

  /// Tells the daemon what became of the event, once that is known; nil while it is not.
  private func conclude(_ event: OutboxEvent, _ answer: Answer, begun: Int64) -> Bool? {
    let outcome: Outcome
    switch answer {
    case .delivered:
      outcome = Outcome(delivered: true, reason: nil)
      say(nil)
    case .refused(let reason): outcome = Outcome(delivered: false, reason: reason)
    case .failed(let reason, _):
      guard surroundings.up() - begun >= Backoff.patience.microseconds else { return nil }
      outcome = Outcome(
        delivered: false, reason: "given up after \(Backoff.patience.text): \(reason)")
    }
    if !outcome.delivered {
      surroundings.log("\(webhook.name): \(event.id) given up: \(outcome.reason ?? "")")
    }
    outcomes.append((event, outcome))
    if outcomes.count > 64 { outcomes.removeFirst() }
    return acknowledge(event.sequence, outcome)
  }

  private func acknowledge(_ sequence: Int64, _ outcome: Outcome) -> Bool {
    do throws(OutboxProblem) {
      try outbox.acknowledge(
        endpoint: webhook.name, sequence: sequence, delivered: outcome.delivered,
        reason: outcome.reason)
      return true
    } catch {
      say("acknowledgement of \(sequence) not taken: \(error)")
      return false
    }
  }

  /// One try.
  private func attempt(_ event: OutboxEvent) -> Answer {
    var keys: [[UInt8]] = []
    var first: String?
    if let file = webhook.secretFile {
      do throws(SecretProblem) {
        let secret = try surroundings.secret(file)
        first = secret.lines.first
        if webhook.format == .cloudevents { keys = try secret.keys(name: file) }
      } catch {
        return .failed(reason: error.description, retryAfter: nil)
      }
    }
    let body = MessageBody(event, as: webhook.format, key: first)
    let now = surroundings.wall()
    var headers = [("content-type", body.contentType)]
    if webhook.format == .cloudevents {
      let seconds = now.microseconds / 1_000_000
      headers.append(("webhook-id", event.id))
      headers.append(("webhook-timestamp", String(seconds)))
      if !keys.isEmpty {
        let signature = webhookSignature(
          keys: keys, id: event.id, timestamp: seconds, body: body.bytes)
        headers.append(("webhook-signature", signature))
      }
    }
    let request = CurlRequest(
      webhook: webhook, headers: headers.map { (name: $0.0, value: $0.1) }, body: body.bytes)
    do throws(CurlRequest.Refusal) {
      return Answer(surroundings.curl(try request.configuration()), now: now)
    } catch {
      return .refused(reason: error.reason)
    }
  }

  /// Logs a trouble when it begins or changes, and its end.
  private func say(_ trouble: String?) {
    let cause = trouble.map { String($0.prefix { $0 != ";" }) }
    if let trouble, cause != complaint { surroundings.log("\(webhook.name): \(trouble)") }
    if trouble == nil, complaint != nil { surroundings.log("\(webhook.name): working again") }
    complaint = cause
  }
}
