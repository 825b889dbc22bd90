package import ByteText

extension Moment {
  /// Writes the moment for the ledger: microseconds on both clocks.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("wall", wall.microseconds)
    writer.member("up", up)
    writer.member("boot", boot)
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when a member is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let wall = fields.time("wall"), let up = fields.up("up"), let boot = fields.text("boot")
    else { return nil }
    self.init(wall: wall, up: up, boot: boot)
  }
}

extension Deadline {
  /// Writes the deadline for the ledger: microseconds on both clocks.
  package func writeRecord(to writer: inout JSONWriter) {
    Moment(wall: wall, up: up, boot: boot).writeRecord(to: &writer)
  }

  /// Reads what `writeRecord` wrote; nil when a member is missing or bad.
  ///
  /// A deadline may lie outside what a clock can show: before the boot, or never.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let wall = fields.number("wall", as: Int64.self),
      let up = fields.number("up", as: Int64.self), up >= -1 << 60, let boot = fields.text("boot")
    else { return nil }
    self.init(wall: Timestamp(microseconds: wall), up: up, boot: boot)
  }
}

extension Evidence {
  /// Writes the evidence for the ledger.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("time", time.microseconds)
    writer.member("source", source)
    writer.member("text", text)
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when a member is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let time = fields.time("time"), let source = fields.text("source"),
      let text = fields.text("text")
    else { return nil }
    self.init(time: time, source: source, text: text)
  }
}

extension Approval {
  /// Writes everything about the approval for the ledger.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("by", by)
    writer.member("byUid", Int64(byUID))
    writer.present("byLoginUid", byLoginUID)
    writer.member("time", time.microseconds)
    writer.key("until")
    until.writeRecord(to: &writer)
    writer.member("reason", reason)
    writer.member("proof", proof)
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when a member that it always writes is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let by = fields.text("by"), let byUID = fields.number("byUid", as: UInt32.self) else {
      return nil
    }
    let byLoginUID = fields.number("byLoginUid", as: UInt32.self)
    guard let time = fields.time("time"), let until = Deadline(record: fields["until"]),
      let reason = fields.text("reason"), let proof = fields.text("proof")
    else { return nil }
    self.init(
      by: by, byUID: byUID, byLoginUID: byLoginUID, time: time, until: until, reason: reason,
      proof: proof)
  }
}

extension Actor {
  /// Writes what is known of the actor for the ledger.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.present("user", user)
    writer.present("loginUser", loginUser)
    writer.present("pid", pid)
    writer.present("command", command)
    writer.present("uid", uid)
    writer.present("loginUid", loginUID)
    writer.present("session", session)
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; whatever is missing or bad is unknown.
  package init(record: JSON) {
    var fields = RecordFields(record)
    self.init()
    user = fields.text("user")
    loginUser = fields.text("loginUser")
    pid = fields.number("pid", as: Int32.self)
    command = fields.text("command")
    uid = fields.number("uid", as: UInt32.self)
    loginUID = fields.number("loginUid", as: UInt32.self)
    session = fields.number("session", as: UInt32.self)
  }
}

extension AgentReference {
  /// Writes the reference for the ledger.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", name)
    writer.present("session", session)
    writer.present("model", model)
    writer.member("chain", chain)
    writer.key("delegation")
    writer.beginArray()
    for link in delegation { link.writeRecord(to: &writer) }
    writer.endArray()
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when there is no name.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let name = fields.text("name") else { return nil }
    let session = fields.text("session")
    let model = fields.text("model")
    let chain = fields.texts("chain")
    let delegation = fields["delegation"].elements.compactMap(ChainLink.init(record:))
    self.init(
      name: name, session: session, model: model, chain: chain,
      delegation: delegation.isEmpty ? nil : delegation)
  }
}

extension ChainLink {
  func writeRecord(to writer: inout JSONWriter) {
    writer.beginArray()
    writer.value(role.rawValue)
    writer.value(name)
    if let id { writer.value(id) }
    writer.endArray()
  }

  /// Reads the role, the name and the id; nil for anything else.
  init?(record: JSON) {
    let parts = record.elements.compactMap(\.text)
    guard parts.count == 2 || parts.count == 3, let role = Role(rawValue: parts[0]) else {
      return nil
    }
    self.init(role, parts[1], id: parts.count == 3 ? parts[2] : nil)
  }
}

extension Intent {
  /// Reads what `write` wrote; nil when a member that it always writes is missing or bad.
  init?(record: JSON) {
    var fields = RecordFields(record)
    guard let fit = fields.word("fit", as: IntentFit.self),
      let source = fields.word("source", as: IntentSource.self)
    else { return nil }
    let advice = fields.text("advice")
    self.init(fit, by: source, advice: advice, said: fields.text("said") ?? "")
  }
}

extension PromptEvidence {
  /// Reads what `write` wrote; nil without a grade.
  init?(record: JSON) {
    var fields = RecordFields(record)
    guard let grade = fields.word("grade", as: PromptGrade.self) else { return nil }
    self.init(
      grade, mode: fields.text("mode"), attended: fields.flag("attended"),
      thinkMilliseconds: fields.number("thinkMilliseconds", as: Int64.self),
      isIndependent: fields.text("toldBy") == "root")
  }
}

extension Usage {
  /// Reads the count and the two times in microseconds; nil for anything else.
  package init?(record: JSON) {
    let parts = record.elements
    guard parts.count == 3, let count = parts[0].integer, count > 0,
      let first = Timestamp(record: parts[1]), let last = Timestamp(record: parts[2])
    else { return nil }
    self.init(count: Int(clamping: count), first: first, last: last)
  }
}
