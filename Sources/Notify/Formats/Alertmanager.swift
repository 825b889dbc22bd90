import ByteText

/// Alerts for Alertmanager's `POST /api/v2/alerts`. The labels are the same at a grant's detection
/// and its end, which ends the alert; one that nothing ends goes out after a day.
func alertmanagerAlerts(_ event: OutboxEvent) -> [UInt8] {
  let grant = event.data["grant"]
  let labels: [(String, String?)] = [
    ("alertname", grant.isNull ? "Grantwatch" : "GrantwatchGrant"),
    ("event", grant.isNull ? event.type : nil), ("instance", event.host),
    ("grant", grant.isNull ? nil : event.subject), ("kind", grant["kind"].text),
  ]
  let time = Timestamp(rfc3339: event.time)
  var writer = JSONWriter()
  writer.beginArray()
  writer.beginObject()
  writer.key("labels")
  writer.beginObject()
  for (name, value) in labels {
    if let value { writer.member(name, value) }
  }
  writer.endObject()
  writer.key("annotations")
  writer.beginObject()
  writer.member("summary", event.text)
  for (name, value) in facts(of: event) { writer.member(name.lowercased(), value) }
  writer.endObject()
  if let time {
    writer.member("startsAt", time: time)
    writer.member("endsAt", time: event.isResolution ? time : time + TimeSpan(seconds: 86_400))
  }
  writer.endObject()
  writer.endArray()
  return writer.bytes
}
