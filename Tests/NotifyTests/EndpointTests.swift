import ByteText
import Grants
import LinuxKit
import Notify
import Synchronization
import Testing

@Suite struct EndpointTests {
  private func webhook(_ change: (inout WebhookConfiguration) -> Void = { _ in })
    -> WebhookConfiguration
  {
    var webhook = WebhookConfiguration(name: "ops")
    webhook.url = "https://hooks.example.org/"
    change(&webhook)
    return webhook
  }

  /// Serves the outbox until it is empty, with these results of curl, the last one for ever.
  private func serve(
    _ webhook: WebhookConfiguration, _ outbox: FakeOutbox, _ time: FakeTime = FakeTime(),
    secret: String? = nil, results: [CurlResult]
  ) -> Int {
    let tries = Mutex(0)
    let surroundings = time.surroundings(secret: secret) { _ in
      tries.withLock {
        $0 += 1
        return results[min($0, results.count) - 1]
      }
    }
    Endpoint(webhook, outbox: outbox, gate: outbox.gate, surroundings: surroundings).serve()
    return tries.withLock { $0 }
  }

  @Test("What is not wanted is acknowledged as filtered")
  func filter() {
    let outbox = FakeOutbox([
      sampleEvent(1), sampleEvent(2, type: "source.gap"), sampleEvent(3, severity: "low"),
    ])
    let hook = webhook {
      $0.events = ["grant.*"]
      $0.minSeverity = .medium
    }
    #expect(serve(hook, outbox, results: [reply(204)]) == 1)
    #expect(outbox.acknowledgements.map(\.reason) == [nil, "filtered", "filtered"])
    #expect(outbox.acknowledgements.allSatisfy { $0.delivered })
  }

  @Test("A message that fails holds back those behind it; then each goes once")
  func order() {
    let time = FakeTime()
    let outbox = FakeOutbox([sampleEvent(1), sampleEvent(2)])
    let tries = serve(
      webhook(), outbox, time, results: [reply(503), reply(429, retryAfter: "7"), reply(200)])
    #expect(tries == 4)
    #expect(outbox.acknowledgements.map(\.sequence) == [1, 2])
    #expect(time.waits == [TimeSpan(seconds: 1), TimeSpan(seconds: 7)])
    #expect(
      time.log == [
        "ops: msg_0000000001: status 503; next try in 1s",
        "ops: msg_0000000001: status 429; next try in 7s", "ops: working again",
      ])
  }

  @Test("A message that is refused is given up at once, one that never arrives after a day")
  func dead() {
    let refused = FakeOutbox([sampleEvent(1), sampleEvent(2)])
    #expect(serve(webhook(), refused, results: [reply(410), reply(200)]) == 2)
    #expect(
      refused.acknowledgements == [
        .init(
          sequence: 1, delivered: false, reason: "the endpoint refuses the message: status 410"),
        .init(sequence: 2, delivered: true, reason: nil),
      ])
    let time = FakeTime()
    let never = FakeOutbox([sampleEvent(1)])
    let down = CurlResult(
      output: Array("000 \n".utf8), errors: Array("curl: (7) Failed to connect\n".utf8),
      ending: "exit status 7")
    #expect(serve(webhook(), never, time, results: [down]) > 280)
    #expect(
      never.acknowledgements == [
        .init(
          sequence: 1, delivered: false,
          reason: "given up after 1d: curl: (7) Failed to connect")
      ])
    let waited = time.waits.reduce(0) { $0 + $1.seconds }
    #expect(waited >= 86_400 && waited < 86_400 + 300)
  }

  @Test("Nothing leaves while the secret cannot be had")
  func noSecret() {
    let outbox = FakeOutbox([sampleEvent(1)])
    let hook = webhook { $0.secretFile = "ops" }
    #expect(serve(hook, outbox, results: [reply(200)]) == 0)
    #expect(outbox.acknowledgements.first?.reason == "given up after 1d: secret ops: none")
  }

  @Test("A daemon that is away is waited for; what it did not hear is told, not sent, again")
  func reconnect() {
    let time = FakeTime()
    let outbox = FakeOutbox([sampleEvent(1), sampleEvent(2)], absences: (2, 1))
    #expect(serve(webhook(), outbox, time, results: [reply(200)]) == 2)
    #expect(outbox.acknowledgements.map(\.sequence) == [1, 2])
    #expect(time.waits.count == 3)
  }

  @Test("An event that cannot be read does not stop those behind it")
  func malformed() {
    let bad = JSON.object([JSONMember("sequence", .integer(1))])
    let outbox = FakeOutbox([bad, .null, sampleEvent(2)])
    #expect(serve(webhook(), outbox, results: [reply(200)]) == 1)
    #expect(outbox.acknowledgements.map(\.delivered) == [false, true])
  }
}
