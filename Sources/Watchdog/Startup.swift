import ByteText
import Control
import Dispatch
import Grants
import Kinds
import Ledger
import LinuxKit
import Provenance
import Sources

extension Engine {
  /// Reads the configuration, takes the state directory, and builds an engine that is not yet
  /// watching. Findings that are no errors go to `settings.log`.
  package static func make(_ settings: EngineSettings) throws(EngineError) -> Engine {
    let loaded = ConfigurationFiles.load(settings.configurationFile)
    for finding in loaded.findings { settings.log("\(finding)") }
    guard let configuration = loaded.configuration else {
      throw EngineError("configuration: \(settings.configurationFile): not usable; see above")
    }
    let lock = try takeState(settings)
    let (ledger, recovery) = try openLedger(settings)
    let accounts = HostAccounts(root: settings.root)
    let engine = Engine(
      settings: settings, configuration: configuration, ledger: ledger, lock: lock,
      accounts: accounts,
      processes: ProcessTable(
        signatures: loaded.agents, automation: automation(of: configuration),
        accountNames: { accounts.displayName($0) }, clock: settings.now),
      fileModes: FileModes(
        root: settings.root, trees: configuration.watch.map { Array($0.utf8) }),
      groupMembers: GroupMembers(root: settings.root),
      entryKinds: entryKinds(root: settings.root))
    engine.recognizers = loaded.recognizers
    let failure: LedgerError? = engine.queue.sync {
      engine.turn {
        engine.sayWhetherAgentsAreKnown(loaded.agents)
        do throws(LedgerError) {
          try engine.takeUp(recovery)
          return nil
        } catch {
          return error
        }
      }
    }
    if let failure { throw EngineError("\(failure)") }
    return engine
  }

  /// The kinds that are read whole.
  private static func entryKinds(root: [UInt8]) -> [any EntryKind] {
    [
      Accounts(root: root), SudoRules(root: root), SSHKeys(root: root), PolkitRules(root: root),
    ]
  }

  /// Makes the directories and locks the state: a second daemon on it is refused.
  private static func takeState(_ settings: EngineSettings) throws(EngineError) -> StateLock {
    do {
      try DurableDirectory(settings.stateDirectory).create()
      return try StateLock(directory: settings.stateDirectory)
    } catch {
      var failure = EngineError("\(error)")
      if case .inUse? = error as? StateLockError { failure.isInUse = true }
      throw failure
    }
  }

  private static func openLedger(
    _ settings: EngineSettings
  ) throws(EngineError) -> (Ledger, Recovery) {
    do {
      let opened = try Ledger.open(
        directory: settings.stateDirectory + "/ledger", now: settings.now)
      return (opened.ledger, opened.recovery)
    } catch {
      throw EngineError("\(error)")
    }
  }

  /// The programs and units that are automation: the well-known ones and the admin's.
  static func automation(of configuration: Configuration) -> Automation {
    var automation = Automation.standard
    automation.programs += configuration.automationExecutables
    automation.units += configuration.automationUnits
    return automation
  }

  private func takeUp(_ recovery: Recovery) throws(LedgerError) {
    try replay(recovery)
    lastLook = recovery.lastMark ?? now
    isFirstStart = recovery.isNew
    for damage in recovery.damage {
      let text =
        "ledger: \(damage.file): \(damage.reason)"
        + "; kept in \(damage.movedTo)"
      if !damage.isTornTail { problems.set(.ledgerDamaged, text) }
      announce("ledger.damaged", severity: .critical, text)
      settings.log(text)
    }
  }

  /// Begins to watch. Whatever changed since the last look is found before this returns.
  package func start() throws(EngineError) {
    let result: Result<Void, EngineError> = queue.sync {
      do throws(EngineError) {
        try turnOn()
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private func turnOn() throws(EngineError) {
    turn {
      announce(
        "daemon.started", severity: .low,
        "\(settings.isBackstop ? "backstop of " : "")grantwatchd \(settings.version) started,"
          + " mode \(configuration.mode.rawValue)")
      setEndpoints()
      processes.start()
    }
    do {
      try watchFiles()
      timer = try BootTimer(queue: queue, makeTimerHandler())
      if !settings.isBackstop {
        control = try ControlServer(
          path: settings.runtimeDirectory + "/control.sock", queue: queue,
          handler: makeCallHandler())
      }
    } catch {
      throw EngineError("\(error)")
    }
    turn {
      firstLook()
      if let downSince { noteMadeWhileDown(since: downSince) }
      openJournal()
      openAdviceJournal()
      openAudit()
      openLogFiles()
      readLogFiles()
      openConnectors()
      resumeRevocations()
      resumeFailed()
      resumeResidueSearches()
      scheduleAll()
      takeProcessGaps()
      endLostAgents()
      let up = now.up
      agenda.add(.mark, at: up + Self.markEvery)
      agenda.add(.canary, at: up + 1_000_000)
      agenda.add(.slowLook, at: up + Self.slowLookEvery)
      agenda.add(.saveBaseline, at: up + Self.saveBaselineEvery)
    }
    listen()
    if !settings.isBackstop { sayReady() }
  }

  /// Marks the trees first and looks afterwards, so that nothing falls between.
  private func watchFiles() throws(SystemError) {
    let trees = configuration.watch.map { settings.root + Array($0.utf8) }
    watchedTrees = configuration.watch
    gatherEntryPaths()
    journalAtStart = configuration.journalDirectory
    let watch = try FileWatch(trees: trees, files: singleFiles)
    fileWatch = watch
    sayUnmarked(watch)
    watchLaunchFolders()
  }

  /// Tells of trees that cannot be watched.
  func sayUnmarked(_ watch: FileWatch) {
    for path in unwatchedTrees where !watch.unmarked.contains(where: { $0.path == path }) {
      problems.clear(.tree(escaped(path)))
    }
    let trees = Set(watchedTrees.map { settings.root + Array($0.utf8) })
    // A key file or a folder of rules need not be there.
    let unmarked = watch.unmarked.filter { trees.contains($0.path) || !$0.error.isMissing }
    unwatchedTrees = unmarked.map(\.path)
    for (path, error) in unmarked {
      let text = "watch: \(escaped(path)): \(error.reason)"
      if problems.set(.tree(escaped(path)), text) { settings.log(text) }
    }
  }

  private func openJournal() {
    do {
      journal = try JournalSource(
        directory: configuration.journalDirectory, after: journalCursor,
        since: downSince ?? now.wall,
        root: settings.root, identifiers: recognizers.identifiers,
        further: { [recognizers] in recognizers.recognize($0) })
    } catch {
      settings.log("journal: \(error)")
      problems.set(.journal, "journal: \(error)")
    }
  }

  func setEndpoints() {
    let names = configuration.webhooks.map(\.name)
    let known = Set(outbox.acknowledged.keys)
    outbox.setEndpoints(names, newFrom: ledger.seq)
    for name in names where !known.contains(name) {
      record("outbox.endpoint") { writer in
        writer.member("endpoint", name)
        writer.member("from", outbox.acknowledged[name] ?? 0)
      }
    }
    sayWhetherPolkitIsThere()
    sayWhatIsReadOnly()
    if names.isEmpty, configuration.authenticate == .code || configuration.authenticate == .both {
      problems.set(
        .noWebhook,
        "approval: Authenticate=\(configuration.authenticate.rawValue) needs a webhook that brings"
          + " the code, and none is configured: nothing can be approved")
    } else {
      problems.clear(.noWebhook)
    }
  }

  // MARK: Handlers, made outside any actor's context

  private nonisolated func makeTimerHandler() -> @Sendable () -> Void {
    { [weak self] in _ = self?.timerFired() }
  }

  private nonisolated func makeCallHandler() -> (ControlCall) -> Void {
    { [weak self] call in self?.answer(call) }
  }

  private func listen() {
    if let descriptor = fileWatch?.descriptor {
      readSources.append(source(descriptor) { [weak self] in self?.readKernelEvents() })
    }
    if let descriptor = launchWatch?.descriptor {
      readSources.append(source(descriptor) { [weak self] in self?.readLaunchFiles() })
    }
    if let descriptor = processes.descriptor {
      readSources.append(
        source(descriptor) { [weak self] in
          guard let self else { return }
          noteReadFileEvents()
          processes.drain()
          turn { self.takeProcessGaps() }
        })
    }
    if let descriptor = audit?.descriptor {
      readSources.append(source(descriptor) { [weak self] in self?.readAudit() })
    }
    if let descriptor = journal?.descriptor {
      let source = source(descriptor) { [weak self] in self?.journalWoke() }
      journalWake = HeldSource(source)
      readSources.append(source)
      queue.async { self.readJournal() }
    }
    if let descriptor = adviceJournal?.descriptor {
      let source = source(descriptor) { [weak self] in self?.adviceJournalWoke() }
      adviceWake = HeldSource(source)
      readSources.append(source)
      queue.async { self.readAdviceJournal() }
    }
  }

  private nonisolated func source(
    _ descriptor: Int32, _ handler: @escaping @Sendable () -> Void
  ) -> any DispatchSourceRead {
    let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    source.setEventHandler(handler: handler)
    // The descriptor's owner goes with the engine: not before the source has let go of it.
    source.setCancelHandler { [self] in withExtendedLifetime(self) {} }
    source.resume()
    return source
  }

  /// Ends in order: what is known is on disk when this returns.
  package func stop() {
    ServiceNotify.stopping()
    turn {
      tellFoldedAlerts()
      announce("daemon.stopped", severity: .low, "grantwatchd stopped")
      saveBaseline()
      keepReportTimes()
    }
    writeSnapshot()
    journalSender.flush()
    // One that is held back could not be let go of.
    journalWake?.release()
    adviceWake?.release()
    for source in readSources { source.cancel() }
    control?.close()
  }
}
