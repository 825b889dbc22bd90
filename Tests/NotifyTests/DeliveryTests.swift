import ByteText
import Dispatch
import Grants
import LinuxKit
import Notify
import Testing

/// With the real curl(1), over loopback.
@Suite struct DeliveryTests {
  private let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

  private func deliver(_ events: [JSON], to server: LoopbackHTTPServer) -> (FakeOutbox, FakeTime) {
    DispatchQueue(label: "server").async { server.serve() }
    defer { server.stop() }
    let time = FakeTime()
    let outbox = FakeOutbox(events)
    var webhook = WebhookConfiguration(name: "ops")
    webhook.url = server.url
    webhook.secretFile = "ops"
    let curl = Surroundings.host(credentials: nil, user: 0, log: { _ in }).curl
    Endpoint(
      webhook, outbox: outbox, gate: outbox.gate,
      surroundings: time.surroundings(secret: secret, curl: curl)
    ).serve()
    return (outbox, time)
  }

  @Test("503, then 429 with Retry-After, then accepted: one id, a signature of each try's time")
  func retries() throws {
    let server = try LoopbackHTTPServer(replies: [
      "503 Busy", "429 Slow down\r\nRetry-After: 9", "204 No Content",
    ])
    let (outbox, time) = deliver([sampleEvent(17), sampleEvent(18)], to: server)
    #expect(
      outbox.acknowledgements == [
        .init(sequence: 17, delivered: true, reason: nil),
        .init(sequence: 18, delivered: true, reason: nil),
      ])
    #expect(time.waits == [TimeSpan(seconds: 1), TimeSpan(seconds: 9)])
    let requests = server.requests
    #expect(
      requests.map { $0.headers["webhook-id"] } == [
        "msg_0000000017", "msg_0000000017", "msg_0000000017", "msg_0000000018",
      ])
    #expect(
      requests.map { $0.headers["webhook-timestamp"] } == [
        "1795341603", "1795341604", "1795341613", "1795341613",
      ])
    let key = try WebhookSecret(Array(secret.utf8), name: "s").keys(name: "s")
    for request in requests {
      #expect(request.line == "POST /hook HTTP/1.1")
      #expect(request.headers["content-type"] == "application/cloudevents+json")
      let id = try #require(request.headers["webhook-id"])
      let timestamp = try #require(request.headers["webhook-timestamp"].flatMap(Int64.init))
      #expect(
        request.headers["webhook-signature"]
          == webhookSignature(keys: key, id: id, timestamp: timestamp, body: request.body))
    }
    let event = try #require(OutboxEvent(sampleEvent(17)))
    #expect(requests.first?.body == MessageBody(event, as: .cloudevents, key: nil).bytes)
  }

  @Test("A body of 300 kB with every kind of byte arrives as it was")
  func longBody() throws {
    let server = try LoopbackHTTPServer(replies: ["200 OK"])
    let text = String(repeating: "@\"\\\n\t\u{1}\u{7f} é@@ x", count: 20_000)
    _ = deliver([sampleEvent(1, text: text)], to: server)
    let event = try #require(OutboxEvent(sampleEvent(1, text: text)))
    #expect(server.requests.map(\.body) == [MessageBody(event, as: .cloudevents, key: nil).bytes])
  }

  @Test("A redirect is not followed")
  func redirect() throws {
    let other = try LoopbackHTTPServer(replies: ["200 OK"])
    let server = try LoopbackHTTPServer(replies: [
      "302 Found\r\nlocation: \(other.url)", "410 Gone",
    ])
    let (outbox, time) = deliver([sampleEvent(1)], to: server)
    #expect(server.requests.count == 2)
    #expect(other.requests.isEmpty)
    #expect(outbox.acknowledgements.map(\.delivered) == [false])
    #expect(time.log.first?.contains("status 302: redirects are not followed") == true)
  }

  @Test("Nobody listens: tried again, with curl's words")
  func refused() throws {
    let server = try LoopbackHTTPServer(replies: ["200 OK"])
    var webhook = WebhookConfiguration(name: "ops")
    webhook.url = "http://127.0.0.1:\(server.port)/"
    server.stop()
    let request = CurlRequest(webhook: webhook, headers: [], body: [])
    let curl = Surroundings.host(credentials: nil, user: 0, log: { _ in }).curl
    let result = curl(try request.configuration())
    #expect(result.ending == "exit status 7")
    #expect(String(decoding: result.errors, as: UTF8.self).hasPrefix("curl: (7) "))
  }
}
