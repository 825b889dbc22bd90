import ByteText

/// A message for a Teams workflow that posts to a channel: one Adaptive Card.
func teamsMessage(_ event: OutboxEvent) -> [UInt8] {
  var writer = JSONWriter()
  writer.beginObject()
  writer.member("type", "message")
  writer.key("attachments")
  writer.beginArray()
  writer.beginObject()
  writer.member("contentType", "application/vnd.microsoft.card.adaptive")
  writer.key("content")
  writer.beginObject()
  writer.member("$schema", "http://adaptivecards.io/schemas/adaptive-card.json")
  writer.member("type", "AdaptiveCard")
  writer.member("version", "1.4")
  writer.key("body")
  writer.beginArray()
  writer.beginObject()
  writer.member("type", "TextBlock")
  writer.member("text", event.text)
  writer.member("weight", "Bolder")
  writer.member("wrap", true)
  writer.endObject()
  writer.beginObject()
  writer.member("type", "FactSet")
  writer.key("facts")
  writer.beginArray()
  for (name, value) in facts(of: event) {
    writer.beginObject()
    writer.member("title", name)
    writer.member("value", value)
    writer.endObject()
  }
  writer.endArray()
  writer.endObject()
  writer.endArray()
  writer.endObject()
  writer.endObject()
  writer.endArray()
  writer.endObject()
  return writer.bytes
}
