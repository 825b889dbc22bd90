import ByteText
import Grants
import Kinds
import LinuxKit

extension Engine {
  /// How often a mark of both clocks goes into the ledger while a deadline runs.
  static let markEvery: Int64 = 60_000_000

  /// Sets the timer to the soonest appointment.
  func armTimer() {
    guard agenda.soonest != armedFor else { return }
    armedFor = agenda.soonest
    if let armedFor { timer?.set(up: armedFor) } else { timer?.cancel() }
  }

  /// Does what is due, as much of it as fits into one turn: many grants may fall due together. The
  /// timer comes again at once for the rest.
  ///
  /// - Returns: true when something is left.
  @discardableResult
  package func timerFired() -> Bool {
    turn {
      armedFor = nil
      let up = now.up
      let clock = TurnClock()
      dueUp = up
      defer { dueUp = nil }
      while let entry = agenda.takeDue(at: up) {
        attend(entry)
        if clock.isOver { break }
        // What it began is carried out at the end of the turn.
        if entry == .revocationQueue { break }
      }
      return agenda.soonest.map { $0 <= up } ?? false
    }
  }

  private func attend(_ entry: AgendaEntry) {
    switch entry {
    case .closeAct(let id): closeActIfOver(id)
    case .detectionAlert(let id): detectionAlert(id)
    case .warning(let id): warn(id)
    case .deadline(let id): deadlinePassed(id)
    case .retryRevocation(let id): retry(id)
    case .revocationQueue:
      // The log tells that a grant expires before it tells what follows from it.
      afterGrantsWritten { [self] in startRevocations() }
    case .adviceEnd(let id): advice.end(id)
    case .mark: mark()
    case .canary: lookAtProcessHealth()
    case .slowLook: slowLook()
    case .saveBaseline: saveBaseline()
    case .accountsAgain:
      var batch = SignalBatch(now: now)
      lookAtAccounts([], &batch, gap: lastLook.wall)
    case .entriesAgain(let kind): lookAgain(at: kind)
    case .nativeExpiry(let id): settleNativeExpiry(id)
    case .serviceWatchdog: pingServiceWatchdog()
    case .journalAgain: readJournal()
    case .adviceJournalAgain: readAdviceJournal()
    case .freshLook: lookAfresh()
    case .foldedAlerts: tellFoldedAlerts()
    }
  }

  /// Grants that ended before their deadline leave it behind.
  private func forgetPastDeadlines() {
    agenda.removeAll { entry in
      switch entry {
      case .deadline(let id), .warning(let id): store.isPast(id)
      default: false
      }
    }
  }

  private func mark() {
    forgetPastDeadlines()
    forgetPastGifts()
    if !store.timed.isEmpty || !givenBefore.isEmpty { record("clock.mark") }
    if problems.has(.accountState), let groupState { keepGroupState(groupState) }
    if problems.has(.baseline) { saveBaselineNow() }
    lookAtMounts()
    keepReportTimes()
    tellSuppressedSignals()
    if wantsSnapshot { writeSnapshot() }
    agenda.add(.mark, at: now.up + Self.markEvery)
  }

  /// When the grant falls due: the end of its approval, else its own deadline.
  func effectiveDeadline(_ grant: Grant) -> Deadline? { GrantStore.effectiveDeadline(grant) }

  private func warn(_ id: String) {
    guard let grant = store[id], grant.state == .active, !grant.warned,
      let deadline = grant.deadline
    else { return }
    let left = deadline.left(at: now)
    guard left > .zero else { return }
    update(id) { $0.warned = true }
    announce(
      "grant.warning", grant: id, wantsCode: true,
      "\(summary(grant)): \(left.text) left; then it is \(willRevoke(grant) ? "taken back" : "reported as overdue")"
    )
  }

  func willRevoke(_ grant: Grant) -> Bool { configuration.verdict(for: grant).willRevoke }

  private func deadlinePassed(_ id: String) {
    guard let grant = store[id], let deadline = effectiveDeadline(grant) else { return }
    guard deadline.left(at: now) <= .zero else {
      agenda.add(.deadline(id), at: deadline.up)
      return
    }
    if grant.state == .approved {
      update(id) { $0.state = .active }
      record("grant.changed", grant: id, text: "its approval ended")
    }
    expire(id)
    if store[id]?.state == .active { settleNativeExpiry(id) }
  }

  /// The deadline of an unapproved grant has passed: take it back, or say so once.
  func expire(_ id: String) {
    guard let grant = store[id], grant.state == .active else { return }
    let verdict = configuration.verdict(for: grant)
    guard verdict.ttl != nil else {
      update(id) {
        $0.deadline = nil
        $0.rule = verdict.rule
        $0.because += verdict.reasons.suffix(1)
      }
      return
    }
    if verdict.willRevoke {
      if awaitsLooks(grant) { return agenda.add(.deadline(id), at: now.up + 50_000) }
      if let obstacle = guardRail(grant) {
        overdue(grant, "not taken back by itself: \(obstacle)")
      } else {
        queueRevocation(id)
      }
    } else {
      overdue(grant, verdict.reasons.last ?? "the rule only alerts")
    }
  }

  /// True while a kind is looked at whose state says whether the grant is the last way in for root;
  /// for five seconds behind the deadline at the most.
  private func awaitsLooks(_ grant: Grant) -> Bool {
    guard !grant.otherWaysIn.isEmpty, let deadline = grant.deadline else { return false }
    readKernelEvents()
    return entryWatches.contains { $0.isLooking || $0.wantsLook }
      && deadline.left(at: now) > TimeSpan(seconds: -5)
  }

  private func overdue(_ grant: Grant, _ reason: String) {
    guard !grant.overdueAlerted else { return }
    update(grant.id) {
      $0.overdueAlerted = true
      $0.because.append(reason)
    }
    announce(
      "grant.expired", grant: grant.id, wantsCode: true,
      "\(summary(grant)): its time is over and it is still there; \(reason)")
  }

  /// True for what lies on another system, and has no connector here that could take it back.
  func isOnlyToldOf(_ kind: GrantKind) -> Bool { kind.isConnectors && connector(kind) == nil }

  /// What lies on another system is only told of here.
  func notFromHere(_ kind: GrantKind) -> String {
    "grants of kind \(kind.rawValue) are not taken back from here"
  }

  /// Why law 9 forbids to take this grant back without a human; nil when it does not.
  func guardRail(_ grant: Grant) -> String? {
    if isOnlyToldOf(grant.kind) { return notFromHere(grant.kind) }
    if grant.confidence == .weak { return "the confidence is weak" }
    if grant.fromPackageManager { return "a package manager did it" }
    if isLastWayIn(grant) { return "it is the last way in for root" }
    return nil
  }
}
