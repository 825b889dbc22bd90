import ByteText
import Control
import Grants
import Ledger
import LinuxKit

/// A notifier that takes an endpoint's events as they come.
struct OutboxStream {
  var call: ControlCall
  var endpoint: String
  /// The last sequence that was handed over on this call.
  var handedOver: Int64
}

/// A `log --follow`.
struct LogStream {
  var call: ControlCall
  var next: Int64
  var grant: String?
}

extension Engine {
  /// The host's account that may take the outbox beside root.
  static let notifierUser = "grantwatch-notify"
  /// Events handed to a notifier before it must acknowledge some.
  private static let window = 64

  /// The types of events that people see; everything else in the ledger is bookkeeping.
  static let publicTypes: Set<String> = [
    "grant.detected", "grant.warning", "grant.expired", "grant.revoked", "grant.revoke-failed",
    "grant.residue", "grant.drifted", "grant.ended", "approval.given", "approval.refused",
    "advice.recorded", "advice.matched", "agent.discovered", "source.gap", "source.tampered",
    "ledger.damaged", "daemon.started", "daemon.stopped",
  ]

  // MARK: Outbox

  private func mayTakeOutbox(_ peer: PeerCredentials) -> Bool {
    peer.uid == 0 || hostAccounts.uid(ofUser: Self.notifierUser) == peer.uid
  }

  func takeOutbox(_ call: ControlCall) {
    guard mayTakeOutbox(call.peer) else {
      return call.fail(
        .permissionDenied("only root and \(Self.notifierUser) may take the outbox"))
    }
    let endpoint = call.parameters["endpoint"].text ?? ""
    guard let last = outbox.acknowledged[endpoint] else {
      return call.fail(.invalid("endpoint: \(endpoint): not in webhooks.d"))
    }
    if !call.wantsMore {
      let events = outbox.waiting(for: endpoint, limit: Self.window)
      return hand(events, to: call, continues: false)
    }
    outboxStreams.append(OutboxStream(call: call, endpoint: endpoint, handedOver: last))
  }

  /// Hands new events to the streams that wait for them.
  func pushStreams() {
    answerRevokeCalls()
    answerRestoreCalls()
    outboxStreams.removeAll { $0.call.isClosed }
    for index in outboxStreams.indices {
      let stream = outboxStreams[index]
      let ready = outbox.waiting(for: stream.endpoint, limit: Self.window)
        .filter { $0.sequence > stream.handedOver }
      guard let last = ready.last else { continue }
      outboxStreams[index].handedOver = last.sequence
      hand(ready, to: stream.call, continues: true)
    }
    logStreams.removeAll { $0.call.isClosed }
    for index in logStreams.indices { push(&logStreams[index]) }
  }

  /// The code leaves only when its hash is durable.
  private func hand(_ events: [OutboxEvent], to call: ControlCall, continues: Bool) {
    for event in events where event.wantsCode && codesAreAsked {
      guard let subject = event.subject, takesCode(subject) else { continue }
      if codes.handOut(for: subject)?.isNew == true { recordCode(subject) }
    }
    do {
      try ledger.commit()
    } catch {
      settings.log("\(error)")
      return call.fail(.failed("\(error)"))
    }
    call.reply(continues: continues) { writer in
      writer.key("events")
      writer.beginArray()
      for event in events { write(event, to: &writer) }
      writer.endArray()
    }
  }

  private var codesAreAsked: Bool {
    configuration.authenticate == .code || configuration.authenticate == .both
  }

  /// True when a code for `subject` could still approve, extend or restore something.
  func takesCode(_ subject: String) -> Bool {
    if let grant = store[subject] {
      return !running.contains(subject) && !grant.standing
        && (GrantStore.stands(grant) || isRestorable(grant))
    }
    return advice.all[subject].map { $0.approval == nil } ?? false
  }

  private func write(_ event: OutboxEvent, to writer: inout JSONWriter) {
    let digits = String(event.sequence)
    writer.beginObject()
    writer.member("sequence", event.sequence)
    writer.member(
      "id", "msg_" + String(repeating: "0", count: max(0, 10 - digits.utf8.count)) + digits)
    writer.member("type", event.type)
    writer.member("time", time: event.time)
    writer.member("severity", event.severity.rawValue)
    writer.member("subject", event.subject)
    writer.member("source", "grantwatch://\(settings.host)")
    writer.key("data")
    writer.beginObject()
    writer.key("grant")
    if let grant = event.subject.flatMap({ store[$0] }) {
      grant.write(to: &writer, at: now, withItems: false)
    } else {
      writer.null()
    }
    if let entry = event.subject.flatMap({ advice.all[$0] }) {
      writer.key("advice")
      entry.write(to: &writer, at: now)
    }
    writer.member("text", event.text)
    if event.wantsCode, let subject = event.subject, takesCode(subject),
      codesAreAsked, let code = codes.handOut(for: subject)?.text
    {
      writer.member("code", code)
      let span = spanForCommand(configuration.maxApproval)
      writer.member(
        "approve",
        "grantctl \(verb(for: subject)) \(subject) --for \(span) --code \(code) --reason …")
    } else {
      writer.member("code", String?.none)
      writer.member("approve", String?.none)
    }
    writer.member("ledgerHead", ledger.head)
    writer.endObject()
    writer.endObject()
  }

  /// What a code for the subject lets its holder do.
  private func verb(for subject: String) -> String {
    switch store[subject]?.state {
    case .approved: "extend"
    case .ended: "restore"
    default: "approve"
    }
  }

  /// Eight hours, or what the configuration allows if that is less.
  private func spanForCommand(_ longest: TimeSpan) -> String {
    let span = min(longest, TimeSpan(seconds: 8 * 3600))
    return span.text.filter { $0 != " " }
  }

  func acknowledge(_ call: ControlCall) {
    guard mayTakeOutbox(call.peer) else {
      return call.fail(
        .permissionDenied("only root and \(Self.notifierUser) may take the outbox"))
    }
    guard let endpoint = call.parameters["endpoint"].text,
      let sequence = call.parameters["sequence"].integer
    else { return call.fail(.invalid("endpoint and sequence are needed")) }
    let delivered = call.parameters["delivered"].bool ?? true
    let reason = escaped(Array((call.parameters["reason"].text ?? "").utf8).prefix(512))
    guard
      let event = outbox.acknowledge(
        endpoint, sequence, delivered: delivered, reason: reason, at: now.wall)
    else { return call.reply() }
    if let subject = event.subject {
      if delivered, codes.delivered(subject) { recordCode(subject) }
      if !outbox.events.contains(where: { $0.subject == subject && $0.wantsCode }) {
        codes.forgetText(of: subject)
      }
    }
    record("outbox.acknowledged") { writer in
      writer.member("endpoint", endpoint)
      writer.member("sequence", sequence)
      writer.member("delivered", delivered)
      writer.member("reason", reason)
    }
    if !delivered {
      problems.set(
        .notifier, "webhook \(endpoint): \(event.type) could not be delivered: \(reason)")
    }
    afterCommit { call.reply() }
  }

  func deadLetters(_ call: ControlCall) {
    guard readsAll(call.peer) else {
      return call.fail(.permissionDenied("only root and group grantwatch may read this"))
    }
    call.reply { writer in
      writer.key("deadLetters")
      writer.beginArray()
      for letter in outbox.deadLetters {
        writer.beginObject()
        writer.member("endpoint", letter.endpoint)
        writer.member("sequence", letter.sequence)
        writer.member("type", letter.type)
        writer.member("reason", letter.reason)
        writer.member("time", time: letter.time)
        writer.endObject()
      }
      writer.endArray()
    }
  }

  // MARK: Log

  func log(_ call: ControlCall) {
    guard readsAll(call.peer) else {
      return call.fail(.permissionDenied("only root and group grantwatch may read the log"))
    }
    var since: Timestamp?
    if let text = call.parameters["since"].text {
      guard let time = Timestamp(rfc3339: text) else {
        return call.fail(.invalid("since: RFC 3339 expected"))
      }
      since = time
    }
    let grant = call.parameters["grant"].text
    let follow = call.wantsMore && (call.parameters["follow"].bool ?? false)
    page(call, from: 1, since: since, grant: grant, follow: follow)
  }

  private func page(
    _ call: ControlCall, from start: Int64, since: Timestamp?, grant: String?, follow: Bool
  ) {
    var events: [LedgerRecord] = []
    var next = ledger.seq + 1
    let limit = call.wantsMore ? 500 : 100_000
    var whole = true
    do {
      try ledger.log(from: start, since: since, grant: grant) { record in
        if Self.publicTypes.contains(record.type) { events.append(record) }
        whole = events.count < limit
        if !whole { next = record.seq + 1 }
        return whole
      }
    } catch {
      return call.fail(.failed("\(error)"))
    }
    call.reply(continues: follow || (!whole && call.wantsMore)) { writer in
      write(events, to: &writer)
    }
    if call.isClosed { return }
    if !whole, call.wantsMore {
      whenDrained(call) { [self] in
        page(call, from: next, since: since, grant: grant, follow: follow)
      }
    } else if follow {
      logStreams.append(LogStream(call: call, next: next, grant: grant))
    }
  }

  private func write(_ events: [LedgerRecord], to writer: inout JSONWriter) {
    writer.key("events")
    writer.beginArray()
    for event in events {
      writer.beginObject()
      writer.member("seq", event.seq)
      writer.member("time", time: event.time)
      writer.member("type", event.type)
      writer.member("grant", event.grant)
      writer.member("text", event.text)
      writer.endObject()
    }
    writer.endArray()
  }

  private func push(_ stream: inout LogStream) {
    let last = ledger.seq
    guard last >= stream.next else { return }
    var events: [LedgerRecord] = []
    // What was passed over need not be read again, unless there was more than one reply takes.
    var next = last + 1
    try? ledger.log(from: stream.next, grant: stream.grant) { record in
      if Self.publicTypes.contains(record.type) { events.append(record) }
      guard events.count < 500 else {
        next = record.seq + 1
        return false
      }
      return true
    }
    stream.next = next
    if !events.isEmpty { stream.call.reply(continues: true) { write(events, to: &$0) } }
  }
}
