import ByteText
import Control
import Grants
import Kinds

/// Taking back through a connector: it is asked, it answers, and the state that it reports after
/// that decides (law 3).
extension Engine {
  /// Asks for the grant's entries to be taken back; those of `known` are settled already.
  func revoke(
    _ gains: [(index: Int, gain: EntryGain)], of id: String, known: [Int: ItemState],
    by connector: Connector
  ) {
    guard !gains.isEmpty else { return entriesRevoked(id, [], known) }
    connector.residue[id] = nil
    let parts = Self.parts(of: gains)
    connector.tasks[id] = ConnectorTask(parts: parts.count, known: known)
    for part in parts {
      let key = Identifier.make("v", length: 8) { connector.revocations[$0] != nil }
      connector.revocations[key] = ConnectorRevocation(
        id: key, grant: id, gains: part, until: answerDue)
    }
    push(to: connector)
  }

  private var answerDue: Int64 { now.up + ConnectorLimits.answer * 1_000_000 }

  /// Pieces that fit into one message each.
  private static func parts(
    of gains: [(index: Int, gain: EntryGain)]
  ) -> [[(index: Int, gain: EntryGain)]] {
    var parts: [[(index: Int, gain: EntryGain)]] = []
    var bytes = 0
    for entry in gains {
      let size = entry.gain.entry.size + (entry.gain.former?.size ?? 0)
      if let last = parts.last, last.count < ConnectorLimits.revokedEntries,
        bytes + size <= ConnectorLimits.revokedBytes
      {
        parts[parts.count - 1].append(entry)
        bytes += size
      } else {
        parts.append([entry])
        bytes = size
      }
    }
    return parts
  }

  // MARK: The stream

  func takeRevocations(_ call: ControlCall, _ connector: Connector) {
    guard call.wantsMore else { return hand(to: call, of: connector, continues: false, false) }
    let before = connector.stream
    connector.stream = call
    before?.fail(.failed("connector \(connector.name): another takes its revocations"))
    // What was sent to the one before may never have arrived.
    for id in connector.revocations.keys where connector.revocations[id]?.answer == nil {
      connector.revocations[id]?.isSent = false
    }
    hand(to: call, of: connector, continues: true, true)
    retryFailed(of: connector)
  }

  /// Somebody is there again: what waits for its next try need not, but not at every turn.
  func retryFailed(of connector: Connector) {
    guard connector.resumed.map({ now.up - $0 > 30_000_000 }) ?? true else { return }
    connector.resumed = now.up
    for id in store.order {
      guard let grant = store[id], grant.kind == connector.kind, grant.state == .revokeFailed
      else { continue }
      retry(id)
    }
  }

  /// Hands what is not sent yet to who takes it, and asks for a report where that is wanted.
  func push(to connector: Connector, askingForReport: Bool = false) {
    guard let stream = connector.stream, !stream.isClosed else { return }
    let waits = connector.revocations.values.contains { !$0.isSent }
    guard waits || askingForReport else { return }
    // One that takes nothing gets nothing more: its time runs.
    guard stream.backlog <= ControlCall.comfortableBacklog else { return }
    hand(to: stream, of: connector, continues: true, askingForReport)
  }

  private func hand(
    to call: ControlCall, of connector: Connector, continues: Bool, _ report: Bool
  ) {
    var waiting = connector.revocations.values.filter { !$0.isSent }.sorted { $0.id < $1.id }
    repeat {
      let batch = waiting.first
      if batch != nil { waiting.removeFirst() }
      let isLast = waiting.isEmpty || !continues
      if let batch { connector.revocations[batch.id]?.isSent = true }
      call.reply(continues: continues) { writer in
        writer.key("revocations")
        writer.beginArray()
        if let batch { write(batch, of: connector, to: &writer) }
        writer.endArray()
        writer.member("report", report && isLast)
      }
      if !continues { return }
    } while !waiting.isEmpty
  }

  /// The entry with its own right: a grant has one text for those of all its items.
  private func ownRight(_ entry: AccessEntry, _ connector: Connector) -> AccessEntry {
    var entry = entry
    if let reported = connector.watch.state?[entry.key] { entry.right = reported.right }
    return entry
  }

  private func write(
    _ revocation: ConnectorRevocation, of connector: Connector, to writer: inout JSONWriter
  ) {
    writer.beginObject()
    writer.member("id", revocation.id)
    writer.member("grant", revocation.grant)
    writer.key("entries")
    writer.beginArray()
    for (_, gain) in revocation.gains {
      writer.beginObject()
      writer.key("entry")
      ownRight(gain.entry, connector).writeReported(to: &writer)
      writer.key("former")
      if let former = gain.former { former.writeReported(to: &writer) } else { writer.null() }
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  // MARK: Answers

  func revoked(_ call: ControlCall, _ connector: Connector) {
    guard let id = call.parameters["revocation"].text,
      let word = call.parameters["outcome"].text
    else { return refuse(call, connector, .invalid("revocation and outcome are needed")) }
    guard let revocation = connector.revocations[id], revocation.isSent else {
      return call.fail(.notFound(id: escaped(Array(id.utf8).prefix(128)), matches: []))
    }
    let text = escaped(
      Array((call.parameters["text"].text ?? "").utf8).prefix(ConnectorLimits.words))
    let reason = text.isEmpty ? "connector \(connector.name) says \(word)" : text
    switch word {
    case "done": connector.revocations[id]?.answer = (.done, now.up)
    case "gone": connector.revocations[id]?.answer = (.alreadyDone, now.up)
    case "drifted": finish(revocation, of: connector, .drifted(reason))
    case "failed": finish(revocation, of: connector, .failed(reason))
    case "impossible": finish(revocation, of: connector, .impossible(reason))
    default:
      return refuse(
        call, connector,
        .invalid("outcome: done, gone, drifted, failed or impossible expected"))
    }
    connector.revocations[id]?.until = answerDue
    keepWords(text, call.parameters["residue"], of: revocation.grant, connector)
    afterCommit { call.reply() }
  }

  private func keepWords(
    _ text: String, _ residue: JSON, of id: String, _ connector: Connector
  ) {
    let left = residue.elements.prefix(ConnectorLimits.problems).compactMap(\.text).map {
      escaped(Array($0.utf8).prefix(ConnectorLimits.words))
    }.filter { !$0.isEmpty }
    if !text.isEmpty {
      let evidence = Evidence(time: now.wall, source: connector.kind.rawValue, text: text)
      update(id) { if $0.evidence.count < 32 { $0.evidence.append(evidence) } }
    }
    if !left.isEmpty { connector.residue[id, default: []] += left }
  }

  /// A whole report came: answers that were given before it began show whether they are so.
  func judgeRevocations(of connector: Connector, reportBegan began: Int64) {
    for revocation in connector.revocations.values {
      guard let answer = revocation.answer, answer.up < began else { continue }
      finish(revocation, of: connector, answer.outcome)
    }
  }

  /// Who does not answer in time, or does not report after its answer, has failed.
  func lookAtAnswers(of connector: Connector) {
    for revocation in connector.revocations.values where now.up >= revocation.until {
      let why: String
      if revocation.answer != nil {
        why = "it answered, and did not report within \(ConnectorLimits.answer) s after that"
      } else if revocation.isSent {
        why = "no answer within \(ConnectorLimits.answer) s"
      } else {
        why = "nobody takes its revocations"
      }
      if revocation.isSent { accuse(connector, "revocation of \(revocation.grant): \(why)") }
      turn { finish(revocation, of: connector, .failed("connector \(connector.name): \(why)")) }
    }
  }

  private func accuse(_ connector: Connector, _ text: String) {
    connector.misconduct = (text, now.up)
    sayCondition(of: connector)
  }

  /// Says what became of each entry: the state as reported last decides.
  private func finish(
    _ revocation: ConnectorRevocation, of connector: Connector, _ outcome: EntryOutcome
  ) {
    guard connector.revocations.removeValue(forKey: revocation.id) != nil,
      var task = connector.tasks[revocation.grant]
    else { return }
    let state = connector.watch.state
    for (index, gain) in revocation.gains {
      let isThere = state?.contains(gain.entry.key) ?? true
      var found = outcome
      switch (isThere, outcome) {
      case (false, .done): break
      case (false, _): found = .alreadyDone
      case (true, .done), (true, .alreadyDone):
        found = .failed(
          "connector \(connector.name) said that it is gone, and reports it still")
        accuse(
          connector,
          "it said that \(gain.entry.value) on \(gain.entry.object) is gone, and reports it still")
      case (true, _): break
      }
      task.outcomes.append((index, found))
    }
    task.parts -= 1
    guard task.parts == 0 else {
      connector.tasks[revocation.grant] = task
      return
    }
    connector.tasks[revocation.grant] = nil
    entriesRevoked(
      revocation.grant, withoutGivenAgain(task.outcomes, of: revocation.grant, state), task.known)
  }

  /// Between the parts of one revocation an entry of an earlier part may have been given again.
  private func withoutGivenAgain(
    _ outcomes: [(index: Int, outcome: EntryOutcome)], of id: String, _ state: EntryState?
  ) -> [(index: Int, outcome: EntryOutcome)] {
    guard let grant = store[id], let state else { return outcomes }
    return outcomes.map { index, outcome in
      guard outcome == .done || outcome == .alreadyDone, grant.items.indices.contains(index),
        let key = gain(grant.items[index], of: grant)?.entry.key, state.contains(key)
      else { return (index, outcome) }
      return (index, .failed("it was given again while the rest was taken back"))
    }
  }
}
