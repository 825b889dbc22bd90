import ByteText
import Control
import Grants
import Ledger
import LinuxKit
import Provenance

extension Engine {
  /// Longest text of an advice, in bytes.
  static let adviceLimit = 262_144

  /// Takes in an advice that somebody submitted over the socket.
  func addAdvice(_ call: ControlCall) {
    let parameters = call.parameters
    guard let agent = parameters["agent"].text, !agent.isEmpty, agent.utf8.count <= 256 else {
      return call.fail(.invalid("agent: a name of at most 256 bytes is needed"))
    }
    guard let text = parameters["text"].text, text.utf8.count <= Self.adviceLimit else {
      return call.fail(.invalid("text: at most \(Self.adviceLimit) bytes are taken"))
    }
    guard !ledger.isDiskFull else {
      return call.fail(.failed("the ledger's disk is full; the advice was not recorded"))
    }
    guard advice.mayAdd(call.peer.uid, at: now.up) else {
      return call.fail(
        .permissionDenied(
          "uid \(call.peer.uid) submitted more than \(AdviceBook.perMinute) in a minute"))
    }
    func short(_ name: String) -> String? {
      parameters[name].text.map { escaped(Array($0.utf8).prefix(1024)) }
    }
    if let parent = parameters["parent"].text, advice.all[parent] == nil {
      return call.fail(.notFound(id: parent, matches: advice.ids(beginningWith: parent)))
    }
    var entry = Advice(
      id: Identifier.make("a", length: 4) { advice.all[$0] != nil },
      agent: escaped(Array(agent.utf8)), time: now.wall,
      until: Deadline(configuration.adviceLifetime, after: now), submittedBy: call.peer.uid,
      text: text)
    entry.audience = short("audience")
    entry.url = short("url")
    entry.session = short("session")
    entry.model = short("model")
    entry.parent = parameters["parent"].text
    let report = ChangeGrammar.report(onText: text)
    entry.changes = report.changes
    entry.unclear = report.notUnderstood
    advice.add(entry)
    agenda.add(.adviceEnd(entry.id), at: entry.until.up)
    let list = entry.changes.map(\.command).prefix(3).joined(separator: "; ")
    let said =
      "\(entry.agent) advised \(entry.audience ?? "everybody"): "
      + (entry.changes.isEmpty ? "nothing that would widen access" : list)
    let sequence = recordAdvice(entry.id, type: "advice.recorded", text: said)
    if !entry.changes.isEmpty, configuration.mode != .observe {
      outbox.add(
        OutboxEvent(
          sequence: sequence, type: "advice.recorded", time: now.wall, severity: .low,
          subject: entry.id, text: said, wantsCode: true))
    }
    afterCommit { [self] in
      call.reply { writer in
        writer.key("advice")
        entry.write(to: &writer, at: now)
      }
    }
  }

  /// Writes an advice as it is now.
  @discardableResult
  func recordAdvice(_ id: String, type: String, text: String) -> Int64 {
    record(type, text: text) { writer in
      guard let entry = advice.all[id] else { return }
      writer.key("advice")
      entry.writeRecord(to: &writer)
      if type == "advice.recorded", !entry.changes.isEmpty, configuration.mode != .observe {
        writer.key("outbox")
        writer.beginObject()
        writer.member("type", type)
        writer.member("severity", Severity.low.rawValue)
        writer.member("subject", id)
        writer.member("code", true)
        writer.endObject()
      }
    }
  }
}
