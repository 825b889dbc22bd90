package import ByteText

extension Grant {
  /// Writes everything about the grant for the ledger; its items only `withItems`.
  ///
  /// Times are integers: microseconds since 1970 or since the boot. Absent values are left out.
  package func writeRecord(to writer: inout JSONWriter, withItems: Bool) {
    writer.beginObject()
    writer.member("id", id)
    writer.member("incident", incident)
    writer.member("host", host)
    writer.marked("standing", standing)
    writer.member("kind", kind.rawValue)
    writer.member("subject", subject)
    writer.member("object", object)
    writer.member("right", right)
    writer.member("state", state.rawValue)
    writer.member("provenance", provenance.rawValue)
    writer.member("confidence", confidence.rawValue)
    if let agent {
      writer.key("agent")
      agent.writeRecord(to: &writer)
    }
    writer.present("hints", hints)
    writer.present("via", via)
    writer.key("actor")
    actor.writeRecord(to: &writer)
    writer.present("advice", advice)
    if let intent {
      writer.key("intent")
      intent.write(to: &writer)
    }
    if let prompt {
      writer.key("prompt")
      prompt.write(to: &writer)
    }
    if let approval {
      writer.key("approval")
      approval.writeRecord(to: &writer)
    }
    writer.member("grantedAt", grantedAt.microseconds)
    writer.member("grantedUp", grantedUp)
    writer.member("boot", boot)
    writer.present("earliest", earliest?.microseconds)
    writer.member("detectedAt", detectedAt.microseconds)
    if let deadline {
      writer.key("deadline")
      deadline.writeRecord(to: &writer)
    }
    writer.present("endedAt", endedAt?.microseconds)
    writer.present("endedEarliest", endedEarliest?.microseconds)
    writer.present("endedBy", endedBy?.rawValue)
    if let activeSecondsAtEnd {
      writer.key("activeSeconds")
      writer.value(activeSecondsAtEnd, digits: 6)
    }
    writer.present("residue", residue)
    writer.present("madeMeanwhile", madeMeanwhile)
    if let usage {
      writer.key("usage")
      writer.beginArray()
      writer.value(Int64(usage.count))
      writer.value(usage.first.microseconds)
      writer.value(usage.last.microseconds)
      writer.endArray()
    }
    writer.present("rule", rule)
    writer.member("severity", severity.rawValue)
    if !evidence.isEmpty {
      writer.key("evidence")
      writer.beginArray()
      for piece in evidence { piece.writeRecord(to: &writer) }
      writer.endArray()
    }
    writer.present("because", because)
    writer.marked("alerted", alerted)
    writer.marked("overdueAlerted", overdueAlerted)
    writer.marked("warned", warned)
    writer.present("revokeTries", revokeTries == 0 ? nil : revokeTries)
    writer.present("revokeError", revokeError)
    writer.marked("open", open)
    writer.marked("fromPackageManager", fromPackageManager)
    writer.marked("skipsPermissions", skipsPermissions)
    writer.present("previousPrimary", previousPrimary)
    writer.present("otherWaysIn", otherWaysIn)
    writer.present("nativeExpiry", nativeExpiry?.microseconds)
    writer.marked("lacksNativeExpiry", lacksNativeExpiry)
    writer.present("outcome", outcome?.rawValue)
    writer.present("ownProvenance", ownProvenance?.rawValue)
    writer.present("ownConfidence", ownConfidence?.rawValue)
    writer.present("ending", ending?.rawValue)
    if withItems {
      writer.key("itemList")
      writer.beginArray()
      for item in items { item.writeRecord(to: &writer) }
      writer.endArray()
    }
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when a member that it always writes is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let id = fields.text("id"), let incident = fields.text("incident"),
      let host = fields.text("host")
    else { return nil }
    let standing = fields.flag("standing") ?? false
    guard let kind = fields.word("kind", as: GrantKind.self), let subject = fields.text("subject"),
      let object = fields.text("object"), let right = fields.text("right"),
      let state = fields.word("state", as: GrantState.self),
      let provenance = fields.word("provenance", as: Provenance.self),
      let confidence = fields.word("confidence", as: Confidence.self)
    else { return nil }
    let agent = AgentReference(record: fields["agent"])
    let hints = fields.texts("hints")
    let via = fields.text("via")
    let actor = Actor(record: fields["actor"])
    let advice = fields.text("advice")
    let intent = Intent(record: fields["intent"])
    let prompt = PromptEvidence(record: fields["prompt"])
    let approval = Approval(record: fields["approval"])
    guard let grantedAt = fields.time("grantedAt"), let grantedUp = fields.up("grantedUp"),
      let boot = fields.text("boot")
    else { return nil }
    let earliest = fields.time("earliest")
    guard let detectedAt = fields.time("detectedAt") else { return nil }
    self.init(
      id: id, incident: incident, host: host, kind: kind, subject: subject, object: object,
      right: right, at: Moment(wall: grantedAt, up: grantedUp, boot: boot))
    self.standing = standing
    self.state = state
    self.provenance = provenance
    self.confidence = confidence
    self.agent = agent
    self.hints = hints
    self.via = via
    self.actor = actor
    self.advice = advice
    self.intent = intent
    self.prompt = prompt
    self.approval = approval
    self.earliest = earliest
    self.detectedAt = detectedAt
    deadline = Deadline(record: fields["deadline"])
    endedAt = fields.time("endedAt")
    endedEarliest = fields.time("endedEarliest")
    endedBy = fields.word("endedBy", as: EndedBy.self)
    activeSecondsAtEnd = fields["activeSeconds"].double
    residue = fields.texts("residue")
    madeMeanwhile = fields.texts("madeMeanwhile")
    usage = Usage(record: fields["usage"])
    rule = fields.text("rule")
    severity = fields.word("severity", as: Severity.self) ?? .low
    evidence = fields["evidence"].elements.compactMap(Evidence.init(record:))
    because = fields.texts("because")
    alerted = fields.flag("alerted") ?? false
    overdueAlerted = fields.flag("overdueAlerted") ?? false
    warned = fields.flag("warned") ?? false
    revokeTries = max(0, fields.number("revokeTries", as: Int.self) ?? 0)
    revokeError = fields.text("revokeError")
    nativeExpiry = fields.time("nativeExpiry")
    lacksNativeExpiry = fields.flag("lacksNativeExpiry") ?? false
    outcome = fields.word("outcome", as: RevocationOutcome.self)
    open = fields.flag("open") ?? false
    fromPackageManager = fields.flag("fromPackageManager") ?? false
    skipsPermissions = fields.flag("skipsPermissions") ?? false
    previousPrimary = fields.text("previousPrimary")
    otherWaysIn = fields.texts("otherWaysIn")
    ownProvenance = fields.word("ownProvenance", as: Provenance.self)
    ownConfidence = fields.word("ownConfidence", as: Confidence.self)
    ending = fields.word("ending", as: EndedBy.self)
    items = fields["itemList"].elements.compactMap(GrantItem.init(record:))
  }
}

extension GrantItem {
  /// Writes everything about the item for the ledger.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("object", object)
    writer.present("before", before)
    writer.present("after", after)
    writer.member("state", recordedState)
    writer.present("file", identity?.text)
    writer.present("gain", gain)
    if let detail {
      writer.key("detail")
      writer.beginArray()
      writer.value(detail.own)
      writer.value(detail.former)
      writer.endArray()
    }
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when `object` or `state` is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let object = fields.text("object") else { return nil }
    let before = fields.text("before")
    let after = fields.text("after")
    guard let (state, isTakenBack) = fields.text("state").flatMap(Self.state) else { return nil }
    let identity = fields.text("file").flatMap(FileIdentity.init(text:))
    let texts = fields["detail"].elements.compactMap(\.text)
    self.init(
      object: object, before: before, after: after, state: state, identity: identity,
      gain: fields.text("gain"),
      detail: texts.count == 2 ? EntryDetail(own: texts[0], former: texts[1]) : nil)
    self.isTakenBack = isTakenBack
  }

  private static let takenBack = "taken-back"

  /// The state as the ledger has it: `taken-back` for what has ended so.
  package var recordedState: String {
    state == .ended && isTakenBack ? Self.takenBack : state.rawValue
  }

  /// Reads what `recordedState` wrote.
  package static func state(_ text: String) -> (state: ItemState, isTakenBack: Bool)? {
    if text == takenBack { return (.ended, true) }
    return ItemState(rawValue: text).map { ($0, false) }
  }
}

extension FileIdentity {
  /// `device:inode:birth:handle`, the first three in decimal, the handle in hexadecimal.
  package var text: String { "\(device):\(inode):\(birth):\(hexadecimal(handle))" }

  /// Reads what `text` writes; nil for anything else.
  package init?(text: String) {
    let parts = split(Array(text.utf8)[...], at: UInt8(ascii: ":"))
    guard parts.count == 4, let device = UInt64(String(decoding: parts[0], as: UTF8.self)),
      let inode = UInt64(String(decoding: parts[1], as: UTF8.self)),
      let birth = Int64(String(decoding: parts[2], as: UTF8.self)), parts[3].count % 2 == 0,
      parts[3].count <= 264
    else { return nil }
    var handle: [UInt8] = []
    var at = parts[3].startIndex
    while at < parts[3].endIndex {
      guard let high = hexadecimalValue(parts[3][at]), let low = hexadecimalValue(parts[3][at + 1])
      else { return nil }
      handle.append(high << 4 | low)
      at += 2
    }
    self.init(device: device, inode: inode, birth: birth, handle: handle)
  }
}
