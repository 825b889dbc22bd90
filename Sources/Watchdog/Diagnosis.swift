import ByteText
import Control
import Grants
import Ledger
import LinuxKit
import Provenance
import Sources

/// What a source can see here, what it lacks, and what mends it.
struct SourceDiagnosis {
  var name: String
  /// `ok`, `silent`, `limited`, `failed` or `unavailable`.
  var state: String
  var sees: String
  /// Nil when nothing is missing.
  var lacks: String?
  /// A command, or what to do; nil when nothing helps.
  var mend: String?
  var lost = 0
  var lagMilliseconds: Int?

  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", name)
    writer.member("state", state)
    writer.member("sees", sees)
    writer.member("lacks", lacks)
    writer.member("mend", mend)
    writer.member("lost", lost)
    writer.member("lagMilliseconds", lagMilliseconds.map(Int64.init))
    writer.endObject()
  }
}

extension Engine {
  func diagnose(_ call: ControlCall) {
    guard readsAll(call.peer) else {
      return call.fail(.permissionDenied("only root and group grantwatch may read this"))
    }
    lookAtProcessHealth()
    call.reply { writer in
      writer.key("sources")
      writer.beginArray()
      for diagnosis in diagnoses() { diagnosis.write(to: &writer) }
      writer.endArray()
    }
  }

  func diagnoses() -> [SourceDiagnosis] {
    let rest = [
      diagnoseEnforcement(), diagnoseApproval(), diagnosePolkit(), diagnoseAdvice(),
      diagnoseLedger(),
    ]
    return [
      diagnoseFiles(), diagnoseProcesses(), diagnoseJournal(), diagnoseAudit(),
    ] + logFiles.map(diagnose) + connectors.map(diagnose) + rest.compactMap(\.self)
  }

  private func diagnoseFiles() -> SourceDiagnosis {
    var found = SourceDiagnosis(
      name: "fanotify", state: "ok",
      sees: watchedTrees.isEmpty
        ? "the account files" : "\(watchedTrees.joined(separator: " ")) and the account files",
      lost: fileWatch?.overflows ?? 0)
    if fileWatch == nil || problems.has(.fanotify) {
      found.state = "failed"
      found.lacks = "the kernel's file events"
      found.mend = "journalctl -u grantwatchd: see why"
    } else if !unwatchedTrees.isEmpty {
      found.state = "limited"
      found.lacks = unwatchedTrees.map { escaped($0) }.joined(separator: " ")
      found.mend = "see the problems of grantctl status; make the tree, or take it out of Watch="
    }
    return found
  }

  private func diagnoseProcesses() -> SourceDiagnosis {
    let health = processes.health
    var found = SourceDiagnosis(
      name: "process-events", state: health.state,
      sees: "\(processes.count) processes, those that ended a moment ago included",
      lost: health.lost)
    switch health.state {
    case "ok": break
    case "unavailable":
      found.lacks = "fork, exec and exit: ancestry comes from /proc alone"
      found.mend = "run grantwatchd on the host itself: a container's PID namespace has none"
    default:
      found.lacks = "fork, exec and exit since \(health.blindSince?.wall.rfc3339 ?? "a while")"
      found.mend = "another process switched them off; it is tried to bring them back every second"
    }
    return found
  }

  private func diagnoseJournal() -> SourceDiagnosis {
    let place = configuration.journalDirectory ?? "this host's journal"
    var found = SourceDiagnosis(
      name: "journal", state: "ok",
      sees: "lines of \(Recognizers.identifiers.count + recognizers.identifiers.count) programs in"
        + " \(place)",
      lost: journal?.lost ?? 0, lagMilliseconds: journal?.lagMilliseconds)
    if journal == nil || problems.has(.journal) {
      found.state = journal == nil ? "unavailable" : "failed"
      found.lacks = "the journal"
      found.mend = "journalctl --verify"
    } else if configuration.journalDirectory == nil,
      !DurableDirectory("/var/log/journal").exists
    {
      found.state = "limited"
      found.lacks = "what happened before a reboot: the journal is kept in memory only"
      found.mend = "mkdir /var/log/journal && systemctl restart systemd-journald"
    } else if found.lost > 0 {
      found.state = "limited"
      found.lacks = "lines that journald dropped of those who write too many"
      found.mend = "LogRateLimitIntervalSec= in the unit, RateLimitBurst= in journald.conf(5)"
    }
    return found
  }

  private func diagnoseAudit() -> SourceDiagnosis {
    var found = SourceDiagnosis(
      name: "audit", state: "ok",
      sees: "\(audit?.records ?? 0) records since the start", lost: audit?.lost ?? 0,
      lagMilliseconds: audit?.lagMilliseconds)
    let load =
      "cp /etc/grantwatch/audit.rules /etc/audit/rules.d/50-grantwatch.rules && augenrules --load"
    guard let audit else {
      found.state = "unavailable"
      found.lacks = auditObstacle ?? "the kernel's audit records"
      found.mend = "nothing, unless the kernel was started with audit=0; the other sources go on"
      return found
    }
    if let status = audit.status, status.enabled == 0 {
      found.state = "silent"
      found.lacks = "audit is switched off: who changed what is known from process events only"
      found.mend = "auditctl -e 1 && " + load
    } else if audit.records == 0 {
      found.state = "silent"
      found.lacks = "rules that make the kernel tell of changes of access"
      found.mend = load
    } else if audit.status == nil {
      found.lacks = "how many records the kernel lost: it takes CAP_AUDIT_CONTROL to ask"
    }
    return found
  }

  private func diagnose(_ source: LogFileSource) -> SourceDiagnosis {
    let file = source.configuration
    var found = SourceDiagnosis(
      name: file.name, state: "ok", sees: "\(file.path), \(file.format.rawValue)",
      lost: source.lost)
    if !source.isOpen {
      found.state = "silent"
      found.lacks = "the file: it is not there"
      found.mend = "ls -l \(file.path)"
    } else if source.isOpenToOthers {
      found.state = "limited"
      found.lacks = "trust: others than root may write the file"
      found.mend = "chown root \(file.path) && chmod go-w \(file.path)"
    }
    return found
  }

  private func diagnoseApproval() -> SourceDiagnosis {
    let names = configuration.webhooks.map(\.name)
    var found = SourceDiagnosis(
      name: "webhooks", state: "ok",
      sees: names.isEmpty ? "none" : names.joined(separator: " "), lost: outbox.deadLetters.count)
    if problems.has(.noWebhook) {
      found.state = "limited"
      found.lacks = "a way for codes: nothing can be approved"
      found.mend = "describe one in /etc/grantwatch/webhooks.d and start grantwatch-notify"
    } else if problems.has(.notifier) {
      found.state = "limited"
      found.lacks = "deliveries that failed"
      found.mend = "journalctl -u grantwatch-notify"
    }
    return found
  }

  /// Nil where polkit is not asked.
  private func diagnosePolkit() -> SourceDiagnosis? {
    guard asksPolkit else { return nil }
    var found = SourceDiagnosis(
      name: "polkit", state: "ok", sees: "whether an approver knows a password")
    if let obstacle = settings.presence.obstacle() {
      found.state = "failed"
      found.lacks = "\(obstacle): nothing can be approved"
      found.mend = "apt install polkitd dbus, or Authenticate=code"
    }
    return found
  }

  /// Nil where no other hosts' journals are read.
  private func diagnoseAdvice() -> SourceDiagnosis? {
    guard let directory = adviceDirectoryAtStart else { return nil }
    var found = SourceDiagnosis(
      name: "advice", state: "ok",
      sees: "advice of \(configuration.trustAdviceFrom.joined(separator: " ")) in \(directory)",
      lost: adviceJournal?.lost ?? 0, lagMilliseconds: adviceJournal?.lagMilliseconds)
    if adviceJournal == nil || problems.has(.adviceJournal) {
      found.state = adviceJournal == nil ? "unavailable" : "failed"
      found.lacks = "the journals of other hosts"
      found.mend = "ls -ld \(directory); systemctl status systemd-journal-remote"
    } else if configuration.trustAdviceFrom.isEmpty {
      found.state = "limited"
      found.lacks = "a host whose advice is believed"
      found.mend = "name hosts in [Advice] TrustAdviceFrom="
    }
    return found
  }

  private func diagnoseLedger() -> SourceDiagnosis {
    var found = SourceDiagnosis(
      name: "ledger", state: "ok", sees: "\(ledger.records) records", lost: ledger.unwritten)
    if problems.has(.diskFull) {
      found.state = "failed"
      found.lacks = "room on the disk"
      found.mend = "df \(settings.stateDirectory): make room"
    } else if problems.has(.ledgerDamaged) || problems.has(.ledger) {
      found.state = "limited"
      found.lacks = "a whole chain"
      found.mend = "grantctl verify"
    }
    return found
  }
}
