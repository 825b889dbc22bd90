import ByteText
import Grants

/// An event of PagerDuty's Events API v2. All events of one grant share a key, so that its end
/// resolves what its detection triggered.
func pagerDutyEvent(_ event: OutboxEvent, routingKey: String) -> [UInt8] {
  var writer = JSONWriter()
  writer.beginObject()
  writer.member("routing_key", routingKey)
  writer.member("event_action", event.isResolution ? "resolve" : "trigger")
  writer.member("dedup_key", "\(event.source)/\(event.subject ?? event.id)")
  writer.key("payload")
  writer.beginObject()
  writer.member("summary", String(event.text.unicodeScalars.prefix(1024)))
  writer.member("source", event.host)
  writer.member("severity", pagerDutySeverity(event.severity))
  writer.member("timestamp", event.time)
  writer.member("class", event.type)
  writer.key("custom_details")
  writer.value(event.data)
  writer.endObject()
  writer.endObject()
  return writer.bytes
}

private func pagerDutySeverity(_ severity: Severity) -> String {
  switch severity {
  case .critical: "critical"
  case .high: "error"
  case .medium: "warning"
  case .low: "info"
  }
}
