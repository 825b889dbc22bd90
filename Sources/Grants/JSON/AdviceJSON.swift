package import ByteText

extension Advice {
  /// Writes the advice as `advice add`, `advice show` and `advice list` give it.
  package func write(to writer: inout JSONWriter, at now: Moment) {
    writer.beginObject()
    writer.member("id", id)
    writer.member("agent", agent)
    writer.member("model", model)
    writer.member("session", session)
    writer.member("audience", audience)
    writer.member("url", url)
    writer.member("time", time: time)
    writer.member("until", time: until.wall(at: now))
    writer.member("submittedBy", Int64(submittedBy))
    writer.member("parent", parent)
    writer.member("host", host)
    writer.member("command", isCommand)
    writer.member("subagent", context.subagent)
    writer.member("startedBy", context.startedBy)
    writer.key("lineage")
    writer.beginArray()
    for link in context.lineage { link.write(to: &writer) }
    writer.endArray()
    writer.member("directory", context.directory)
    writer.member("toolUse", context.toolUse)
    writer.member("permissionMode", context.permissionMode)
    writer.key("attended")
    if let attended = context.attended { writer.value(attended) } else { writer.null() }
    writer.key("changes")
    writer.beginArray()
    for change in changes { change.write(to: &writer) }
    writer.endArray()
    writer.member("unclear", unclear)
    writer.member("matched", matched)
    writer.key("approval")
    if let approval { approval.write(to: &writer, at: now) } else { writer.null() }
    writer.member("text", text)
    writer.endObject()
  }

  /// Writes everything about the advice for the ledger.
  package func writeRecord(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("id", id)
    writer.member("agent", agent)
    writer.present("model", model)
    writer.present("session", session)
    writer.present("audience", audience)
    writer.present("url", url)
    writer.member("time", time.microseconds)
    writer.key("until")
    until.writeRecord(to: &writer)
    writer.member("submittedBy", Int64(submittedBy))
    writer.present("parent", parent)
    writer.present("host", host)
    if isCommand { writer.member("command", true) }
    writer.present("subagent", context.subagent)
    writer.present("startedBy", context.startedBy)
    if !context.lineage.isEmpty {
      writer.key("lineage")
      writer.beginArray()
      for link in context.lineage { link.writeRecord(to: &writer) }
      writer.endArray()
    }
    writer.present("directory", context.directory)
    writer.present("toolUse", context.toolUse)
    writer.present("permissionMode", context.permissionMode)
    if let attended = context.attended { writer.member("attended", attended) }
    writer.present("submission", submission)
    writer.key("changes")
    writer.beginArray()
    for change in changes { change.write(to: &writer) }
    writer.endArray()
    if !unclear.isEmpty { writer.member("unclear", unclear) }
    writer.member("matched", matched)
    if let approval {
      writer.key("approval")
      approval.writeRecord(to: &writer)
    }
    writer.member("text", text)
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil when a member that it always writes is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let id = fields.text("id"), let agent = fields.text("agent") else { return nil }
    let model = fields.text("model")
    let session = fields.text("session")
    let audience = fields.text("audience")
    let url = fields.text("url")
    guard let time = fields.time("time"), let until = Deadline(record: fields["until"]),
      let submittedBy = fields.number("submittedBy", as: UInt32.self)
    else { return nil }
    let parent = fields.text("parent")
    let host = fields.text("host")
    let isCommand = fields.flag("command") ?? false
    var context = AdviceContext()
    context.subagent = fields.text("subagent")
    context.startedBy = fields.text("startedBy")
    context.lineage = fields["lineage"].elements.compactMap(ChainLink.init(record:))
    context.directory = fields.text("directory")
    context.toolUse = fields.text("toolUse")
    context.permissionMode = fields.text("permissionMode")
    context.attended = fields.flag("attended")
    let submission = fields.text("submission")
    let changes = fields["changes"].elements.compactMap(ProposedChange.init(record:))
    let unclear = fields.texts("unclear")
    let matched = fields.texts("matched")
    let approval = Approval(record: fields["approval"])
    guard let text = fields.text("text") else { return nil }
    self.init(
      id: id, agent: agent, time: time, until: until, submittedBy: submittedBy, text: text)
    self.model = model
    self.session = session
    self.audience = audience
    self.url = url
    self.parent = parent
    self.host = host
    self.isCommand = isCommand
    self.context = context
    self.submission = submission
    self.changes = changes
    self.unclear = unclear
    self.matched = matched
    self.approval = approval
  }
}

extension ProposedChange {
  /// Writes an element of an advice's `changes`.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("kind", kind.rawValue)
    writer.member("subject", subject)
    writer.member("object", object)
    writer.member("right", right)
    writer.member("recursive", recursive)
    writer.member("command", command)
    writer.member("exact", exact)
    writer.endObject()
  }

  /// Reads what `write` wrote; nil when a member is missing or bad.
  package init?(record: JSON) {
    var fields = RecordFields(record)
    guard let kind = fields.word("kind", as: GrantKind.self), let subject = fields.text("subject"),
      let object = fields.text("object"), let right = fields.text("right"),
      let recursive = fields.flag("recursive"), let command = fields.text("command")
    else { return nil }
    self.init(
      kind: kind, subject: subject, object: object, right: right, recursive: recursive,
      command: command, exact: fields.flag("exact") ?? false)
  }
}
