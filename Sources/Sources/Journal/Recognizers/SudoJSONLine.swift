internal import ByteText
internal import Grants

/// sudo(8)'s lines with `log_format=json`: `@cee:{"sudo":{"accept":{…}}}`, see sudo_logsrv.proto(5).
enum SudoJSONLine {
  static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let text = rest(of: line, after: "@cee:"), let json = try? JSON.parse(text) else {
      return nil
    }
    let event = json["sudo"].members.first
    let type: SignalType
    switch event?.name {
    case "accept": type = .use
    case "reject": type = .denied
    default: return nil
    }
    guard let facts = event?.value, let user = facts["submituser"].text else { return nil }
    var recognition = Recognition(
      type, kind: .sudoRule, subject: "user:" + escaped(Array(user.utf8)))
    recognition.actorUser = escaped(Array(user.utf8))
    recognition.object = facts["runuser"].text.map { "account:" + escaped(Array($0.utf8)) }
    let command = facts["command"].text ?? ""
    let arguments = facts["runargv"].elements.dropFirst().compactMap(\.text)
    recognition.command = escaped(
      Array(([command] + arguments).joined(separator: " ").utf8).prefix(4096))
    recognition.trusted = true
    if type == .use { recognition.echo = Echo(.process, "run") }
    return recognition
  }
}
