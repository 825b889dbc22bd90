import ByteText
import Grants
import Notify
import Testing

@Suite struct FormatTests {
  private func body(
    _ format: WebhookFormat, type: String = "grant.detected", text: String = "a <b> & \"c\""
  ) throws -> JSON {
    let event = try #require(OutboxEvent(sampleEvent(type: type, text: text)))
    return try JSON.parse(MessageBody(event, as: format, key: "R0UTE").bytes)
  }

  @Test("A CloudEvent has exactly the members of the contract, in their order")
  func cloudEvent() throws {
    let event = try #require(OutboxEvent(sampleEvent(text: "t")))
    let body = MessageBody(event, as: .cloudevents, key: nil)
    #expect(body.contentType == "application/cloudevents+json")
    #expect(
      String(decoding: body.bytes, as: UTF8.self) == #"{"specversion":"1.0","#
        + #""id":"msg_0000000017","source":"grantwatch://web1","#
        + #""type":"io.grantwatch.grant.detected","time":"2026-11-22T10:00:03.122Z","#
        + #""subject":"g-4kq7m2","datacontenttype":"application/json","data":{"grant":"#
        + #"{"id":"g-4kq7m2","kind":"file-mode","activeSeconds":61.4,"advice":null},"#
        + #""text":"t","code":"7QK-M2X"}}"#)
  }

  @Test("A type that already has its prefix gets no second one")
  func prefix() throws {
    let json = try body(.cloudevents, type: "io.grantwatch.source.gap")
    #expect(json["type"].text == "io.grantwatch.source.gap")
  }

  @Test("Slack: markup in an event stays text")
  func slack() throws {
    let text = try #require(try body(.slack)["text"].text)
    #expect(text.hasPrefix("*a &lt;b&gt; &amp; \"c\"*\n"))
    #expect(text.contains("Severity: high"))
  }

  @Test("Teams: one Adaptive Card")
  func teams() throws {
    let json = try body(.teams)
    let card = try #require(json["attachments"].elements.first)["content"]
    #expect(json["type"].text == "message")
    #expect(card["type"].text == "AdaptiveCard")
    #expect(card["body"].elements.first?["text"].text == "a <b> & \"c\"")
  }

  @Test("PagerDuty: the end of a grant resolves what its detection triggered")
  func pagerDuty() throws {
    let begin = try body(.pagerduty)
    let end = try body(.pagerduty, type: "grant.revoked")
    #expect(begin["routing_key"].text == "R0UTE")
    #expect(begin["event_action"].text == "trigger")
    #expect(begin["payload"]["severity"].text == "error")
    #expect(end["event_action"].text == "resolve")
    #expect(begin["dedup_key"] == end["dedup_key"])
  }

  @Test("Alertmanager: same labels at both ends of a grant")
  func alertmanager() throws {
    let begin = try #require(try body(.alertmanager).elements.first)
    let end = try #require(try body(.alertmanager, type: "grant.ended").elements.first)
    #expect(begin["labels"] == end["labels"])
    #expect(begin["startsAt"].text == "2026-11-22T10:00:03.122Z")
    #expect(begin["endsAt"].text == "2026-11-23T10:00:03.122Z")
    #expect(end["endsAt"].text == "2026-11-22T10:00:03.122Z")
  }

  @Test("An event of no grant, such as a gap, goes out without a subject")
  func withoutSubject() throws {
    var members = sampleEvent(type: "source.gap", text: "t").members
    members[5].value = .null
    let event = try #require(OutboxEvent(.object(members)))
    for format in [WebhookFormat.cloudevents, .slack, .teams, .pagerduty, .alertmanager] {
      let json = try JSON.parse(MessageBody(event, as: format, key: "R0UTE").bytes)
      #expect(json["subject"].isNull)
    }
  }

  @Test("An event without its parts, or with an id that could break out of a header, is none")
  func malformed() {
    #expect(OutboxEvent(.object([])) == nil)
    var members = sampleEvent().members
    members[1].value = .string("msg\r\nx: y")
    #expect(OutboxEvent(.object(members)) == nil)
  }
}
