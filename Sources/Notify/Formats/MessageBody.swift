import ByteText
package import Grants

/// An event in the shape of an endpoint.
package struct MessageBody: Equatable, Sendable {
  package var contentType: String
  package var bytes: [UInt8]

  /// `key` is the first line of the endpoint's secret file, for formats that send it in the body.
  package init(_ event: OutboxEvent, as format: WebhookFormat, key: String?) {
    switch format {
    case .cloudevents:
      contentType = "application/cloudevents+json"
      bytes = cloudEvent(event)
    case .slack:
      contentType = "application/json"
      bytes = slackMessage(event)
    case .teams:
      contentType = "application/json"
      bytes = teamsMessage(event)
    case .pagerduty:
      contentType = "application/json"
      bytes = pagerDutyEvent(event, routingKey: key ?? "")
    case .alertmanager:
      contentType = "application/json"
      bytes = alertmanagerAlerts(event)
    }
  }
}

/// What the approver needs to know, as names and values.
func facts(of event: OutboxEvent) -> [(String, String)] {
  let grant = event.data["grant"]
  let known: [(String, String?)] = [
    ("Host", event.host), ("Severity", event.severity.rawValue), ("Event", event.type),
    ("Grant", grant["id"].text), ("Provenance", grant["provenance"].text),
    ("Agent", grant["agent"]["name"].text), ("Command", grant["actor"]["command"].text),
    ("Expires", grant["expiresAt"].text), ("Approve", event.data["approve"].text),
  ]
  return known.compactMap { name, value in value.map { (name, $0) } }
}
