import ByteText
import Grants
import Ledger
import LinuxKit

extension Engine {
  /// Says what happened: in the ledger, in the journal and, where a rule or the mode asks for it, to
  /// the outbox.
  func announce(
    _ type: String, grant id: String? = nil, severity: Severity? = nil, wantsCode: Bool = false,
    subject: String? = nil, _ text: String,
    _ data: @escaping (inout JSONWriter) -> Void = { _ in }
  ) {
    afterGrantsWritten { [self] in
      let grant = id.flatMap { store[$0] }
      let severity = severity ?? grant?.severity ?? .medium
      let leaves =
        configuration.mode != .observe && !configuration.webhooks.isEmpty
        && (grant.map { $0.rule != nil && leavesAlone(type, $0, severity) } ?? true)
      let isAlertOfDetection = type == "grant.detected"
      let stamp = now.wall
      let sequence = record(
        isAlertOfDetection ? "alert.detected" : type, grant: id, text: text, essential: true
      ) { writer in
        data(&writer)
        if leaves {
          writer.key("outbox")
          writer.beginObject()
          writer.member("type", type)
          writer.member("severity", severity.rawValue)
          writer.member("subject", subject ?? id)
          writer.member("code", wantsCode)
          writer.endObject()
        }
      }
      if leaves {
        outbox.add(
          OutboxEvent(
            sequence: sequence, type: type, time: stamp, severity: severity,
            subject: subject ?? id, text: text, wantsCode: wantsCode))
      }
      afterCommit { [self] in
        sendToJournal(type, text, severity: severity, grant: id.flatMap { store[$0] })
      }
    }
  }

  /// Two seconds have passed since the first item: the alert leaves, whether or not the act goes on.
  func detectionAlert(_ id: String) {
    closeActIfOver(id)
    sendDetectionAlert(id)
  }

  /// The one alert for a grant's detection: when its act closes, at the latest after two seconds.
  func sendDetectionAlert(_ id: String) {
    guard let grant = store[id], !grant.alerted, !grant.standing else { return }
    // The alert's own record says that it left: both are on disk, or neither.
    store.change(id) { $0.alerted = true }
    announce(
      "grant.detected", grant: id, wantsCode: grant.state == .active, detectionText(grant))
  }

  /// Who gave whom what, in one line.
  func summary(_ grant: Grant) -> String {
    let who: String
    switch grant.provenance {
    case .agentExecuted: who = grant.agent?.name ?? "an agent"
    case .agentAdvised:
      who = "\(person(grant)), on advice of \(grant.agent?.name ?? "an agent"),"
    default:
      who = grant.hints.first.map { "\(person(grant)), perhaps for \($0)," } ?? person(grant)
    }
    if let item = grant.items.first, item.gain != nil, !grant.kind.isFiles {
      return "\(who) let \(grant.subject) keep \(grant.right) in \(named(grant.object)) for longer:"
        + " \(item.after ?? "") instead of \(item.before ?? "")"
    }
    switch grant.kind {
    case .groupMember:
      return "\(who) made \(named(grant.subject)) a member of \(named(grant.object))"
    case .fileMode, .fileACL:
      return "\(who) gave \(grant.subject) \(grant.right) on \(named(grant.object))\(items(grant))"
    case .fileOwner:
      return "\(who) gave \(named(grant.object)) to \(grant.subject) (\(grant.right))"
        + items(grant)
    case .fileCapability:
      return "\(who) gave \(named(grant.object)) \(grant.right) for \(grant.subject)"
        + items(grant)
    case .account: return "\(who) gave account \(named(grant.object)) \(grant.right)"
    case .sudoRule:
      return "\(who) gave \(grant.subject) the sudo rule \(grant.right) in \(named(grant.object))"
    case .sshKey:
      return "\(who) gave \(grant.subject) a login to account \(named(grant.object))"
    case .polkitRule: return "\(who) changed what polkit allows in \(named(grant.object))"
    default: return "\(who) gave \(grant.subject) \(grant.right) on \(grant.object)"
    }
  }

  private func items(_ grant: Grant) -> String {
    grant.items.count == 1 ? "" : " (\(grant.items.count) items)"
  }

  private func person(_ grant: Grant) -> String {
    grant.actor.loginUser ?? grant.actor.user ?? "somebody"
  }

  private func named(_ object: String) -> String {
    object.hasPrefix("file:")
      ? String(object.dropFirst(5))
      : object.split(separator: ":", maxSplits: 1).last.map(String.init) ?? object
  }

  func detectionText(_ grant: Grant) -> String {
    var text = summary(grant)
    if let intent = grant.intent, intent.fit == .wider {
      let than = intent.source == .approval ? "approved" : "the agent's hook told"
      text += "; wider than \(than): \(intent.said)"
    }
    if grant.state == .approved, let approval = grant.approval {
      return "\(text); approved by \(approval.by) until \(clock(approval.until))"
    }
    guard let deadline = grant.deadline else { return "\(text); no deadline" }
    return willRevoke(grant)
      ? "\(text); revoked at \(clock(deadline)) unless approved"
      : "\(text); overdue at \(clock(deadline)) unless approved"
  }

  /// Hours, minutes and seconds in UTC of a deadline.
  private func clock(_ deadline: Deadline) -> String {
    let left = deadline.boot == now.boot ? deadline.left(at: now) : deadline.wall - now.wall
    return String((now.wall + left).rfc3339.dropFirst(11).prefix(8)) + " UTC"
  }

  private func sendToJournal(_ type: String, _ text: String, severity: Severity, grant: Grant?) {
    let priority =
      switch severity {
      case .critical: 2
      case .high: 3
      case .medium: 4
      case .low: 5
      }
    var fields: [(String, String)] = [
      ("GRANTWATCH_EVENT", type), ("GRANTWATCH_SEVERITY", severity.rawValue),
      ("GRANTWATCH_LEDGER_HEAD", ledger.head),
    ]
    if let grant {
      fields += [
        ("GRANTWATCH_GRANT", grant.id), ("GRANTWATCH_INCIDENT", grant.incident),
        ("GRANTWATCH_KIND", grant.kind.rawValue), ("GRANTWATCH_SUBJECT", grant.subject),
        ("GRANTWATCH_OBJECT", grant.object), ("GRANTWATCH_RIGHT", grant.right),
        ("GRANTWATCH_STATE", grant.state.rawValue),
        ("GRANTWATCH_PROVENANCE", grant.provenance.rawValue),
        ("GRANTWATCH_CONFIDENCE", grant.confidence.rawValue),
      ]
      if let agent = grant.agent { fields.append(("GRANTWATCH_AGENT", agent.name)) }
      var writer = JSONWriter(reserving: 1024)
      grant.write(to: &writer, at: now, withItems: false)
      fields.append(("GRANTWATCH_JSON", String(decoding: writer.bytes, as: UTF8.self)))
    }
    let messageID = JournalCatalog.messageID(of: type)
    journalSender.submit { [fields] in
      JournalSend.send(text, messageID: messageID, priority: priority, fields: fields)
    }
  }
}
