import ByteText

/// A message for Slack's incoming webhooks, in its markup: `&`, `<` and `>` are escaped, so that
/// no text of an event can call a channel or hide a link.
func slackMessage(_ event: OutboxEvent) -> [UInt8] {
  var lines = ["*\(slackEscaped(event.text))*"]
  lines += facts(of: event).map { "\($0.0): \(slackEscaped($0.1))" }
  var writer = JSONWriter()
  writer.beginObject()
  writer.member("text", lines.joined(separator: "\n"))
  writer.endObject()
  return writer.bytes
}

private func slackEscaped(_ text: String) -> String {
  var escaped = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": escaped += "&amp;"
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}
