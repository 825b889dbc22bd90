import ByteText

/// CloudEvents 1.0 in JSON, structured mode.
func cloudEvent(_ event: OutboxEvent) -> [UInt8] {
  var writer = JSONWriter(reserving: 2048)
  writer.beginObject()
  writer.member("specversion", "1.0")
  writer.member("id", event.id)
  writer.member("source", event.source)
  writer.member("type", OutboxEvent.prefix + event.type)
  writer.member("time", event.time)
  if let subject = event.subject { writer.member("subject", subject) }
  writer.member("datacontenttype", "application/json")
  writer.key("data")
  writer.value(event.data)
  writer.endObject()
  return writer.bytes
}
