import ByteText
import Dispatch
import LinuxKit
import Notify
import Synchronization

/// An outbox in memory. When all of its events are acknowledged it closes the gate.
final class FakeOutbox: Outbox {
  struct Acknowledgement: Equatable {
    var sequence: Int64
    var delivered: Bool
    var reason: String?
  }

  let gate = DeliveryGate()
  private let events: [JSON]
  private let state = Mutex<(taken: Int, heard: [Acknowledgement])>((0, []))
  /// So many subscriptions and acknowledgements fail at first.
  private let absences: Mutex<(subscriptions: Int, acknowledgements: Int)>

  init(_ events: [JSON], absences: (Int, Int) = (0, 0)) {
    self.events = events
    self.absences = Mutex(absences)
  }

  var acknowledgements: [Acknowledgement] { state.withLock { $0.heard } }

  func take(endpoint: String, _ each: ([JSON]) -> Bool) throws(OutboxProblem) {
    let isAway = absences.withLock { absences in
      absences.subscriptions -= 1
      return absences.subscriptions >= 0
    }
    if isAway { throw OutboxProblem("connect: No such file or directory") }
    let done = Set(acknowledgements.map(\.sequence))
    let left = events.filter { !done.contains($0["sequence"].integer ?? -1) }
    if left.isEmpty || each(left) { _ = gate.close(waiting: 0) }
  }

  func acknowledge(
    endpoint: String, sequence: Int64, delivered: Bool, reason: String?
  ) throws(OutboxProblem) {
    let isAway = absences.withLock { absences in
      absences.acknowledgements -= 1
      return absences.acknowledgements >= 0
    }
    if isAway { throw OutboxProblem("connect: Connection refused") }
    state.withLock {
      $0.heard.append(
        Acknowledgement(sequence: sequence, delivered: delivered, reason: reason))
    }
  }
}

/// Surroundings whose time passes only by waiting for it.
final class FakeTime: Sendable {
  private let state = Mutex<(up: Int64, waits: [TimeSpan], log: [String])>((0, [], []))

  var waits: [TimeSpan] { state.withLock { $0.waits } }
  var log: [String] { state.withLock { $0.log } }

  func surroundings(
    secret: String? = nil, curl: @escaping @Sendable ([UInt8]) -> CurlResult
  ) -> Surroundings {
    Surroundings(
      wall: { Timestamp(microseconds: 1_795_341_603_122_000 + self.state.withLock { $0.up }) },
      up: { self.state.withLock { $0.up } }, fraction: { 0.5 },
      sleep: { span in
        self.state.withLock {
          $0.waits.append(span)
          $0.up += span.microseconds
        }
      },
      secret: { (name) throws(SecretProblem) in
        guard let secret else { throw SecretProblem("secret \(name): none") }
        return try WebhookSecret(Array(secret.utf8), name: name)
      },
      curl: curl, log: { line in self.state.withLock { $0.log.append(line) } })
  }
}

/// What curl leaves behind after a reply of this status.
func reply(_ status: Int, retryAfter: String = "") -> CurlResult {
  CurlResult(
    output: Array("\(status) \(retryAfter)\n".utf8), errors: [], ending: "exit status 0")
}
