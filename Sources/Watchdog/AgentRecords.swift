import ByteText
import Grants
import Provenance

extension AgentInstance {
  /// Writes the instance for the ledger.
  ///
  /// - Parameter withGrants: its grants too: they have records of their own elsewhere.
  func writeRecord(to writer: inout JSONWriter, withGrants: Bool) {
    writer.beginObject()
    writer.member("name", sighting.name)
    writer.present("vendor", vendor)
    writer.member("pid", Int64(sighting.process.pid))
    writer.member("start", Int64(clamping: sighting.process.start))
    writer.member("boot", boot)
    writer.member("began", sighting.began)
    writer.member("since", since.microseconds)
    if let ended { writer.member("ended", ended.microseconds) }
    writer.member("confidence", sighting.confidence.rawValue)
    writer.member("mark", sighting.mark)
    writer.marked("byDeclaration", sighting.isDeclared)
    writer.marked("hint", sighting.isHint)
    if let uid = sighting.uid { writer.member("uid", Int64(uid)) }
    if let login = sighting.loginUID { writer.member("loginUid", Int64(login)) }
    writer.present("user", user)
    writer.present("loginUser", loginUser)
    writer.present("session", sighting.session)
    writer.present("model", sighting.model?.name)
    writer.present("modelSource", sighting.model?.source)
    writer.present("modelRevision", sighting.model?.revision)
    writer.present("skip", sighting.skipFlag)
    writer.present("command", sighting.command)
    writer.member("chain", sighting.chainText)
    if withGrants {
      writer.member("grantCount", grantCount)
      writer.member("grants", grants)
    }
    writer.endObject()
  }

  /// Reads what `writeRecord` wrote; nil for anything else.
  init?(record data: JSON) {
    guard let name = data["name"].text, let pid = data["pid"].integer,
      let start = data["start"].integer, let boot = data["boot"].text,
      let since = data["since"].integer, let mark = data["mark"].text,
      let confidence = data["confidence"].text.flatMap(Confidence.init(rawValue:))
    else { return nil }
    func uid(_ member: String) -> UInt32? {
      data[member].integer.flatMap { UInt32(exactly: $0) }
    }
    let sighting = AgentSighting(
      name: name, process: ProcessKey(pid: Int32(clamping: pid), start: UInt64(clamping: start)),
      began: data["began"].integer ?? 0, confidence: confidence, mark: mark,
      isDeclared: data["byDeclaration"].bool ?? false, isHint: data["hint"].bool ?? false,
      uid: uid("uid"), loginUID: uid("loginUid"), session: data["session"].text,
      model: data["model"].text.map {
        ModelReference(
          name: $0, source: data["modelSource"].text, revision: data["modelRevision"].text)
      }, skipFlag: data["skip"].text, command: data["command"].text,
      chainText: data["chain"].text ?? "")
    self.init(
      sighting, vendor: data["vendor"].text, boot: boot,
      since: Timestamp(microseconds: since), user: data["user"].text,
      loginUser: data["loginUser"].text)
    ended = data["ended"].integer.map { Timestamp(microseconds: $0) }
    grantCount = Int(clamping: data["grantCount"].integer ?? 0)
    grants = data["grants"].elements.compactMap(\.text)
  }

  /// Writes an element of `ListAgents`.
  ///
  /// - Parameters:
  ///   - isDeclared: an administrator's file says that it is meant to run here.
  ///   - active: how many of its grants stand.
  func write(
    to writer: inout JSONWriter, isDeclared: Bool, active: Int, guess: ModelReference?
  ) {
    let model = sighting.model ?? guess
    writer.beginObject()
    writer.member("name", sighting.name)
    writer.member("vendor", vendor)
    writer.member("pid", Int64(sighting.process.pid))
    writer.member("state", ended == nil ? "running" : "ended")
    writer.member("uid", sighting.uid.map(Int64.init))
    writer.member("user", user)
    writer.member("loginUid", sighting.loginUID.map(Int64.init))
    writer.member("loginUser", loginUser)
    writer.member("since", time: since)
    writer.member("ended", time: ended)
    writer.member("session", sighting.session)
    writer.member("model", model?.name)
    writer.member("modelSource", model?.source)
    writer.member("modelRevision", model?.revision)
    writer.member("modelGuessed", sighting.model == nil && guess != nil)
    writer.member("skipPermissions", sighting.skipFlag)
    writer.member("declared", isDeclared)
    writer.member("confidence", sighting.confidence.rawValue)
    writer.member("mark", sighting.mark)
    writer.member("command", sighting.command)
    writer.member("chain", sighting.chainText)
    writer.member("grants", Int64(grantCount))
    writer.member("activeGrants", Int64(active))
    writer.endObject()
  }
}
