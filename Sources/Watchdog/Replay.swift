import ByteText
import Grants
import Ledger
import Provenance

extension Engine {
  /// Builds the state from the ledger: the newest snapshot, then every record after it.
  func replay(_ recovery: Recovery) throws(LedgerError) {
    if recovery.snapshotSeq > 0 { restore(from: recovery) }
    try recovery.replay { record in apply(record) }
    for kept in replayedSignals { giveEvidence(kept) }
    replayedSignals = []
    carryDeadlines(mark: recovery.lastMark)
    sayWhatWasCutOff()
    restoreLaunchRequests(mark: recovery.lastMark)
  }

  private func apply(_ record: LedgerRecord) {
    let data = record.data["data"]
    let changed = data["grant"]["id"].text
    let before = changed.flatMap { store[$0]?.state }
    let outcomeBefore = changed.flatMap { store[$0]?.outcome }
    GrantRecord.apply(data, to: store)
    if let id = changed, let state = store[id]?.state, state != before {
      if state == .ended || state == .drifted { unsaid.insert(id) } else { unsaid.remove(id) }
    }
    if let id = changed, store[id]?.outcome != outcomeBefore {
      let isResidue = store[id]?.outcome == .residue
      if isResidue { unsaidResidue.insert(id) } else { unsaidResidue.remove(id) }
    }
    if let advice = Advice(record: data["advice"]) { self.advice.add(advice) }
    switch record.type {
    case "advice.matched":
      if let advice = data["advice"].text, let grant = record.grant {
        self.advice.change(advice) { if !$0.matched.contains(grant) { $0.matched.append(grant) } }
      }
    case "alert.detected": record.grant.map { id in store.change(id) { $0.alerted = true } }
    case "grant.expired": record.grant.map { _ = resumed.insert($0) }
    case "grant.ended", "grant.revoked", "grant.drifted":
      record.grant.map { _ = unsaid.remove($0) }
    case "grant.residue": record.grant.map { _ = unsaidResidue.remove($0) }
    case "code.issued": restoreCode(data)
    case "code.used": data["target"].text.map { codes.void($0) }
    case "journal.cursor":
      journalCursor = data["cursor"].text
      journalPartial = nil
    case "advice.cursor": adviceCursor = data["cursor"].text
    case "logfile.position":
      if let name = data["name"].text { logFilePositions[name] = data["position"].text }
    case "signal":
      if let kept = SignalRecord(data) {
        passJournal(kept)
        countUses(kept)
        keepForEnd(kept)
      }
    case "launch.requested":
      if let request = LaunchRequest(record: data) { replay(request) }
    case "agent.seen", "agent.changed", "agent.granted", "agent.discovered":
      replayAgents(record.type, record.grant, data, at: record.time)
    case "outbox.acknowledged":
      if let endpoint = data["endpoint"].text, let sequence = data["sequence"].integer {
        outbox.restore(endpoint: endpoint, acknowledged: sequence)
        _ = outbox.acknowledge(
          endpoint, sequence, delivered: data["delivered"].bool ?? true,
          reason: data["reason"].text ?? "", at: record.time)
      }
    case "outbox.endpoint":
      if let endpoint = data["endpoint"].text, let from = data["from"].integer {
        outbox.restore(endpoint: endpoint, acknowledged: from)
      }
    default: break
    }
    restoreOutbox(data["outbox"], record.seq, record.time, record.text)
  }

  /// A crash cut between a grant's end, or what is left of it, and the word of that.
  private func sayWhatWasCutOff() {
    for id in store.order where unsaid.contains(id) {
      switch store[id]?.state {
      case .ended:
        let isOurs = [.expired, .revoked].contains(store[id]?.endedBy)
        sayEnd(id, isOurs ? "grant.revoked" : "grant.ended")
      case .drifted: sayDrift(id)
      default: break
      }
    }
    for id in store.order where unsaidResidue.contains(id) {
      sayResidue(id, count: store[id]?.residue.count ?? 0)
    }
    unsaid = []
    unsaidResidue = []
  }

  /// What a signal led to stands behind it in the ledger, unless a crash cut it off: then it is in
  /// the last turn's signals.
  private func keepForEnd(_ kept: SignalRecord) {
    guard !kept.spokenOf.isEmpty || !kept.explained.isEmpty else { return }
    if replayedSignals.count >= 2048 { replayedSignals.removeFirst(1024) }
    replayedSignals.append(kept)
  }

  private func restoreOutbox(_ data: JSON, _ sequence: Int64, _ time: Timestamp, _ text: String) {
    guard let type = data["type"].text else { return }
    outbox.add(
      OutboxEvent(
        sequence: sequence, type: type, time: time,
        severity: data["severity"].text.flatMap(Severity.init(rawValue:)) ?? .medium,
        subject: data["subject"].text, text: text, wantsCode: data["code"].bool ?? false))
  }

  private func restoreCode(_ data: JSON) {
    guard let target = data["target"].text, let salt = data["salt"].text.flatMap(hexadecimalBytes),
      let hash = data["hash"].text.flatMap(hexadecimalBytes)
    else { return }
    codes.restore(
      target,
      ApprovalCodes.Kept(
        salt: salt, hash: hash, wrongTries: Int(clamping: data["wrong"].integer ?? 0),
        delivered: data["delivered"].bool ?? false))
  }

  private func hexadecimalBytes(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for at in stride(from: 0, to: digits.count, by: 2) {
      guard let high = hexadecimalValue(digits[at]), let low = hexadecimalValue(digits[at + 1])
      else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  /// Deadlines of an earlier boot go on in this one, none of them later than it was: those of access
  /// that was taken away by others too, since it may be given again.
  private func carryDeadlines(mark: Moment?) {
    let now = now
    for id in store.order {
      guard let grant = store[id], GrantStore.stands(grant) || grant.endedBy == .removed else {
        continue
      }
      if let deadline = grant.deadline, deadline.boot != now.boot {
        let carried = deadline.carried(to: now, mark: mark)
        if GrantStore.stands(grant) || carried.left(at: now) > .zero {
          update(id) { $0.deadline = carried }
        }
      }
      if grant.endedBy == .removed, let grant = store[id] {
        for item in grant.items { rememberDeadline(item, of: grant) }
      }
      guard GrantStore.stands(grant) else { continue }
      if let approval = grant.approval, approval.until.boot != now.boot {
        let carried = approval.until.carried(to: now, mark: mark)
        update(id) { $0.approval?.until = carried }
      }
    }
    for id in advice.order {
      guard let entry = advice.all[id] else { continue }
      let carried = entry.until.carried(to: now, mark: mark)
      if carried.left(at: now) <= .zero {
        advice.end(id)
      } else {
        if carried != entry.until {
          var moved = entry
          moved.until = carried
          moved.approval?.until =
            entry.approval?.until.carried(to: now, mark: mark) ?? carried
          advice.add(moved)
          recordAdvice(id, type: "advice.changed", text: "its end was carried into this boot")
        }
        agenda.add(.adviceEnd(id), at: carried.up)
      }
    }
  }

  /// Makes the appointments of every grant that stands. Called once, after the first look.
  func scheduleAll() {
    for id in store.order {
      guard let grant = store[id], GrantStore.stands(grant), !grant.standing else { continue }
      if grant.open, acts.act(of: id) == nil { update(id) { $0.open = false } }
      if !grant.alerted, acts.act(of: id) == nil { agenda.add(.detectionAlert(id), at: now.up) }
      if let deadline = effectiveDeadline(grant) { agenda.add(.deadline(id), at: deadline.up) }
      if entryWatch(grant.kind) != nil { agenda.add(.nativeExpiry(id), at: now.up) }
      if grant.state == .active, !grant.warned, let deadline = grant.deadline,
        let before = configuration.verdict(for: grant).warnBefore
      {
        agenda.add(.warning(id), at: deadline.up - before.microseconds)
      }
    }
  }

  // MARK: Snapshots

  /// Writes the whole state, so that the next start need not read the ledger from its beginning.
  func writeSnapshot() {
    do {
      try ledger.commit()
      try ledger.snapshot { writer in
        writer.beginObject()
        writer.key("grants")
        writer.beginArray()
        for id in store.order { store[id]?.writeRecord(to: &writer, withItems: true) }
        writer.endArray()
        writer.key("advice")
        writer.beginArray()
        for id in advice.order { advice.all[id]?.writeRecord(to: &writer) }
        writer.endArray()
        writer.key("agents")
        writer.beginArray()
        for instance in agents.all { instance.writeRecord(to: &writer, withGrants: true) }
        writer.endArray()
        writer.key("agentsTold")
        writer.beginArray()
        for (key, time) in agents.allTold {
          writer.beginObject()
          writer.member("key", key)
          writer.member("time", time.microseconds)
          writer.endObject()
        }
        writer.endArray()
        writer.key("journal")
        writer.beginArray()
        if let journalCursor { writer.value(journalCursor) }
        writer.endArray()
        writer.key("adviceJournal")
        writer.beginArray()
        if let adviceCursor { writer.value(adviceCursor) }
        writer.endArray()
        writer.key("logFiles")
        writer.beginArray()
        for (name, position) in logFilePositions.sorted(by: { $0.key < $1.key }) {
          writer.beginObject()
          writer.member("name", name)
          writer.member("position", position)
          writer.endObject()
        }
        writer.endArray()
        writer.key("launchRequests")
        writer.beginArray()
        for request in processes.keptLaunchRequests {
          writer.beginObject()
          request.write(to: &writer)
          writer.endObject()
        }
        writer.endArray()
        writer.key("codes")
        writer.beginArray()
        for (target, kept) in codes.kept.sorted(by: { $0.key < $1.key }) where takesCode(target) {
          writer.beginObject()
          writer.member("target", target)
          writer.member("salt", hexadecimal(kept.salt))
          writer.member("hash", hexadecimal(kept.hash))
          writer.member("wrong", kept.wrongTries)
          writer.member("delivered", kept.delivered)
          writer.endObject()
        }
        writer.endArray()
        writer.key("endpoints")
        writer.beginArray()
        for (endpoint, sequence) in outbox.acknowledged.sorted(by: { $0.key < $1.key }) {
          writer.beginObject()
          writer.member("endpoint", endpoint)
          writer.member("from", sequence)
          writer.endObject()
        }
        writer.endArray()
        writer.key("outbox")
        writer.beginArray()
        for event in outbox.events {
          writer.beginObject()
          writer.member("sequence", event.sequence)
          writer.member("time", event.time.microseconds)
          writer.member("type", event.type)
          writer.member("severity", event.severity.rawValue)
          writer.member("subject", event.subject)
          writer.member("text", event.text)
          writer.member("code", event.wantsCode)
          writer.endObject()
        }
        writer.endArray()
        writer.endObject()
      }
      didSnapshot()
      problems.clear(.snapshot)
    } catch {
      if problems.set(.snapshot, "\(error)") { settings.log("\(error)") }
    }
  }

  /// Takes the state from the snapshot one element at a time: a tree of it all would be large.
  private func restore(from recovery: Recovery) {
    func each(_ name: String, _ body: (JSON) -> Void) { _ = recovery.forEachInSnapshot(name, body) }
    each("grants") { element in
      guard let grant = Grant(record: element) else { return }
      store.insert(grant)
      if grant.state == .expiring { resumed.insert(grant.id) }
    }
    each("advice") { if let entry = Advice(record: $0) { advice.add(entry) } }
    each("agents") { if let instance = AgentInstance(record: $0) { agents.put(instance) } }
    each("agentsTold") { element in
      if let key = element["key"].text, let time = element["time"].integer {
        agents.restoreTold(key, Timestamp(microseconds: time))
      }
    }
    each("journal") { journalCursor = $0.text }
    each("adviceJournal") { adviceCursor = $0.text }
    each("logFiles") { element in
      if let name = element["name"].text { logFilePositions[name] = element["position"].text }
    }
    each("launchRequests") { if let request = LaunchRequest(record: $0) { replay(request) } }
    each("codes") { restoreCode($0) }
    each("endpoints") { element in
      if let endpoint = element["endpoint"].text, let from = element["from"].integer {
        outbox.restore(endpoint: endpoint, acknowledged: from)
      }
    }
    each("outbox") { element in
      restoreOutbox(
        element, element["sequence"].integer ?? 0,
        Timestamp(microseconds: element["time"].integer ?? 0), element["text"].text ?? "")
    }
  }
}
