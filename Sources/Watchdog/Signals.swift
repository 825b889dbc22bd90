import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance
import Sources

extension Engine {
  /// Takes what a source tells. A signal never makes or ends a grant of this host (law 1): it says
  /// who, when and why of one that the state has shown, or that access was used.
  ///
  /// - Parameter isLast: no other signal of the same entry follows.
  func take(_ signal: AccessSignal, isLast: Bool) {
    if signal.type == .spoof { spoofed(signal) }
    noteKeyLogin(signal)
    let isRefusal = signal.type == .denied
    if !signal.trusted || isRefusal,
      !unprovenSignals.admits(uid: signal.uid, at: now.up, places: isRefusal ? 6 : 1)
    {
      // Its place in the source is passed with the next one that is kept.
      return
    }
    var kept = SignalRecord(signal: signal)
    kept.isWhole = isLast
    kept.spokenOf = grants(spokenOfBy: signal)
    kept.used = usedGrants(signal)
    kept.explained = explainable(by: signal)
    recentSignals.add(signal, at: now.up)
    // Audit tells of every change of every file: only what says more of a grant is worth its place.
    let isNews = !kept.spokenOf.isEmpty || !kept.used.isEmpty || !kept.explained.isEmpty
    guard isNews || signal.source != "audit" || signal.type == .spoof else { return }
    // Before the grants that it changes: what a cut in the ledger takes of them, it can give again.
    record("signal", grant: kept.spokenOf.first ?? kept.used.first ?? kept.explained.first) {
      kept.write(to: &$0)
    }
    giveEvidence(kept)
    countUses(kept)
  }

  /// A key let somebody in: whose session it is can be told as long as that process lives.
  private func noteKeyLogin(_ signal: AccessSignal) {
    guard signal.type == .use, signal.trusted, signal.kind == .sshKey, let key = signal.subject,
      let keys = entryWatch(.sshKey)?.kind as? SSHKeys,
      let start = processes.start(of: signal.pid)
    else { return }
    keys.noteLogin(key: key, pid: signal.pid, start: start)
  }

  /// Gives the grants what the signal says of them; what they have already is not given again.
  func giveEvidence(_ kept: SignalRecord) {
    let evidence = kept.signal.evidence
    for id in kept.spokenOf {
      attach(evidence, to: id)
      complete(id, by: kept.signal)
    }
    for id in kept.explained {
      attach(evidence, to: id)
      explain(id, by: kept.signal)
    }
  }

  func countUses(_ kept: SignalRecord) {
    for id in kept.used {
      store.change(id) { grant in
        if grant.usage == nil {
          grant.usage = Usage(at: kept.signal.time)
        } else {
          grant.usage?.add(kept.signal.time)
        }
      }
    }
  }

  /// Evidence that is kept with one grant.
  private static let mostEvidence = 32

  func attach(_ evidence: Evidence, to id: String) {
    guard let grant = store[id], grant.evidence.count < Self.mostEvidence,
      !grant.evidence.contains(evidence)
    else { return }
    update(id) { $0.evidence.append(evidence) }
  }

  /// Gives a new grant the signals that came before it.
  func attachRecentSignals(to id: String) {
    guard let grant = store[id] else { return }
    let spoken = recentSignals.signals(since: now.up - Self.reach) {
      speaks($0, of: grant) || isOfOpenFile($0, grant)
    }
    for signal in spoken {
      let isTold = store[id]?.evidence.contains { $0.source == "audit" } ?? false
      if signal.source == "audit", signal.object == nil, isTold { continue }
      attach(signal.evidence, to: id)
      complete(id, by: signal)
    }
  }

  /// Somebody pretends to be a tool: said once an hour for each uid.
  private func spoofed(_ signal: AccessSignal) {
    guard saidSpoofs[signal.uid].map({ now.up - $0 > 3_600_000_000 }) ?? true else { return }
    if saidSpoofs.count > 1024 { saidSpoofs = [:] }
    saidSpoofs[signal.uid] = now.up
    let who = hostAccounts.userName(signal.uid).map { "\($0) (uid \(signal.uid))" }
    announce(
      "source.tampered", severity: .medium,
      "\(signal.source): \(who ?? "uid \(signal.uid)"), pid \(signal.pid), writes in the name of"
        + " \(signal.tool): \(signal.message.prefix(256))")
  }

  /// Says how many unproven signals were not kept.
  func tellSuppressedSignals() {
    for (uid, count) in unprovenSignals.takeSuppressed(at: now.up) {
      record(
        "signal.suppressed",
        text: "\(count) more unproven lines or refusals of uid \(uid) were not kept"
      ) {
        $0.member("uid", Int64(uid))
        $0.member("count", Int64(count))
      }
    }
  }
}

extension AccessSignal {
  /// The signal as evidence of a grant.
  var evidence: Evidence {
    let mark = trusted ? "" : type == .spoof ? "spoofed: " : "untrusted: "
    let sender = uid == .max ? "" : " uid \(uid)"
    let login = loginUID.map { " login uid \($0)" } ?? ""
    let session = source == "audit" ? session.map { " session \($0)" } ?? "" : ""
    return Evidence(
      time: time, source: source,
      text: "\(mark)\(tool)[\(pid)]\(sender)\(login)\(session): \(message)")
  }
}
