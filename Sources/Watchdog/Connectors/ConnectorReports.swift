import ByteText
import Control
import Grants
import Kinds
import Provenance

/// What connectors report becomes grants by the same comparison as all entries (law 1: the state
/// that it reports decides).
extension Engine {
  func connector(_ kind: GrantKind) -> Connector? { connectors.first { $0.kind == kind } }

  // MARK: Which there are

  /// Takes the connectors that the configuration names; those that stay go on as they are.
  func openConnectors() {
    let known = connectors
    connectors = configuration.connectors.compactMap { configuration in
      if let old = known.first(where: { $0.name == configuration.name }) {
        old.configuration = configuration
        return old
      }
      return configuration.kind.map { open(Connector(configuration, $0, since: now)) }
    }
    for gone in known where connector(gone.kind) == nil {
      gone.stream?.fail(.failed("connector \(gone.name): it is not configured any more"))
      problems.clear(.connector(gone.name))
      for id in gone.tasks.keys {
        running.remove(id)
        update(id) {
          $0.state = .revokeFailed
          $0.revokeError = "connector \(gone.name) is not configured any more"
        }
      }
    }
  }

  private func open(_ connector: Connector) -> Connector {
    let watch = connector.watch
    let isKnown = store.order.contains { store[$0]?.kind == connector.kind }
    loadEntryState(watch, mustBeThere: isKnown)
    if watch.state != nil {
      let known = knownReports()[connector.name]
      connector.lastKnown = known
      watch.noteGap(since: [known, downSince].compactMap { $0 }.min() ?? now.wall)
    }
    return connector
  }

  private var reportTimesPath: String { settings.stateDirectory + "/connectors.json" }

  private func knownReports() -> [String: Timestamp] {
    ConnectorTimesFile.load(reportTimesPath)
  }

  /// Keeps when each reported last, so that after a stop it is known how long nobody looked.
  func keepReportTimes() {
    guard !connectors.isEmpty else { return }
    var times: [String: Timestamp] = [:]
    for connector in connectors {
      times[connector.name] = connector.lastReport?.wall ?? connector.lastKnown
    }
    do {
      try ConnectorTimesFile.save(times, to: reportTimesPath)
    } catch {
      settings.log("connectors: \(error)")
    }
  }

  // MARK: Reports

  func report(_ call: ControlCall, _ connector: Connector) {
    let parameters = call.parameters
    guard case .array(let elements) = parameters["entries"],
      let isComplete = parameters["complete"].bool
    else { return refuse(call, connector, .invalid("entries and complete are needed")) }
    guard elements.count <= ConnectorLimits.entriesOfReport else {
      return refuse(
        call, connector,
        .tooLarge("entries: more than \(ConnectorLimits.entriesOfReport) in one call"))
    }
    let told = parameters["problems"].elements.prefix(ConnectorLimits.problems).map { problem in
      escaped(Array((problem.text ?? "").utf8).prefix(ConnectorLimits.words))
    }
    if elements.isEmpty, !isComplete {
      guard let first = told.first else {
        return refuse(call, connector, .invalid("no entries, not complete, and no problems"))
      }
      connector.pages = nil
      connector.reported = first
      connector.isBlind = true
      sayCondition(of: connector)
      return call.reply()
    }
    var pages =
      connector.pages.flatMap { $0.connection == call.connectionID ? $0 : nil }
      ?? ConnectorPages(connection: call.connectionID, began: now.up)
    do throws(ControlError) {
      for element in elements { try pages.add(element, limit: connector.configuration.maxEntries) }
    } catch {
      // Nothing is lost: what is known stays, and the next report begins anew.
      connector.pages = nil
      return refuse(call, connector, error)
    }
    guard isComplete else {
      connector.pages = pages
      return call.reply()
    }
    connector.pages = nil
    guard connector.reports.admits(at: now.up) else {
      return refuse(
        call, connector,
        .tooOften("more than \(connector.reports.perMinute) reports in a minute"))
    }
    pages.state.problems = told
    connector.reportedOn = call.connectionID
    connector.actors = pages.actors
    take(pages.state, of: connector, began: pages.began)
    afterCommit { call.reply() }
  }

  func unchanged(_ call: ControlCall, _ connector: Connector) {
    guard connector.reportedOn == call.connectionID, let state = connector.watch.state else {
      return refuse(
        call, connector, .invalid("no whole report came over this connection"))
    }
    guard connector.reports.admits(at: now.up) else {
      return refuse(
        call, connector,
        .tooOften("more than \(connector.reports.perMinute) reports in a minute"))
    }
    take(state, of: connector, began: now.up)
    afterCommit { call.reply() }
  }

  private func take(_ state: EntryState, of connector: Connector, began: Int64) {
    // Who runs is known before it is asked.
    readKernelEvents()
    processes.drain()
    let watch = connector.watch
    if connector.isStale, let last = lastHeard(connector) {
      gap(
        source: connector.kind.rawValue, reason: "it had not reported", from: last, to: now.wall)
      watch.noteGap(since: last)
    }
    connector.isStale = false
    connector.lastReport = now
    connector.reportCount += 1
    connector.reported = state.problems.first
    if let said = connector.misconduct, now.up - said.up > 60_000_000 { connector.misconduct = nil }
    if watch.state == nil { takeStanding(watch, state) }
    take(state, watch) { [self] in attribution(of: $0, reportedBy: connector) }
    if connector.reportCount == 1 { endWhatIsNotThere(connector.kind, state) }
    judgeRevocations(of: connector, reportBegan: began)
    if connector.isBlind { retryFailed(of: connector) }
    connector.isBlind = false
    sayCondition(of: connector)
  }

  private func lastHeard(_ connector: Connector) -> Timestamp? {
    connector.lastReport?.wall ?? connector.lastKnown ?? connector.since.wall
  }

  // MARK: How it is

  /// Looks whether connectors are silent, or owe an answer. Called every second.
  func lookAtConnectors() {
    for connector in connectors {
      lookAtSilence(of: connector)
      lookAtAnswers(of: connector)
    }
  }

  private func lookAtSilence(of connector: Connector) {
    let up = now.up
    if let pages = connector.pages, up - pages.began > 60_000_000 { connector.pages = nil }
    let last = connector.lastReport?.up ?? connector.since.up
    guard !connector.isStale, up - last > connector.configuration.staleAfter.microseconds,
      let heard = lastHeard(connector)
    else { return }
    connector.isStale = true
    gap(
      source: connector.kind.rawValue,
      reason: "no report for \(connector.configuration.staleAfter.text)", from: heard,
      to: now.wall)
    sayCondition(of: connector)
  }

  /// What is wrong with a connector, in one line; nil when nothing is.
  func connectorProblem(_ connector: Connector) -> String? {
    var parts: [String] = []
    if connector.isStale {
      parts.append(
        "no report for \(connector.configuration.staleAfter.text): what it knows is not known here")
    }
    if let reported = connector.reported { parts.append("it says: \(reported)") }
    if let misconduct = connector.misconduct { parts.append(misconduct.text) }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  func sayCondition(of connector: Connector) {
    guard let problem = connectorProblem(connector) else {
      return problems.clear(.connector(connector.name))
    }
    let text = "connector \(connector.name): \(problem)"
    if problems.set(.connector(connector.name), text) { settings.log(text) }
  }

  // MARK: Who

  /// Who is behind an entry that came: the process that the connector is certain of, else what the
  /// other system tells of itself.
  private func attribution(
    of gain: EntryGain, reportedBy connector: Connector
  ) -> Attribution {
    let source = connector.kind.rawValue
    let actor = connector.actors[gain.entry.key]
    let told = actor?.text ?? ""
    if let pid = actor?.pid {
      var attribution = processes.attribute(pid: pid, alive: true, at: now)
      // The processes are the kernel's word, which of them it was is the connector's.
      attribution.confidence = min(attribution.confidence, .strong)
      attribution.because.append("\(source) says that process \(pid) did it")
      if !told.isEmpty { attribution.because.append("\(source) says: \(told)") }
      return attribution
    }
    let since = connector.watch.gapSince.map { ", at or after \($0.rfc3339)" } ?? ""
    var attribution = Attribution.unseen(
      reason: "\(source) reports it\(since), and it was given on another system")
    attribution.chainText = told
    attribution.source = source
    attribution.rootKey = "told:\(source):\(actor?.role ?? "")"
    guard let role = actor?.role else { return attribution }
    attribution.actor.user = role
    let declared = processes.signatures.declared(unit: nil, userUnit: nil, users: [(.max, role)])
    if let declared {
      attribution.provenance = .agentExecuted
      attribution.confidence = .strong
      attribution.agent = AgentReference(name: declared.agent, chain: [declared.agent])
      attribution.because.append("\(declared.by) is declared to be \(declared.agent)'s")
    }
    return attribution
  }
}

extension ConnectorPages {
  /// Adds an entry as it came.
  mutating func add(_ json: JSON, limit: Int) throws(ControlError) {
    let entry = try AccessEntry(reported: json)
    bytes += entry.size
    state.insert(entry)
    if let actor = ConnectorActor(json["actor"]) { actors[entry.key] = actor }
    guard state.count <= limit else {
      throw .tooLarge("entries: more than MaxEntries=\(limit)")
    }
    guard bytes <= ConnectorLimits.state else {
      throw .tooLarge("entries: more than \(ConnectorLimits.state) bytes in all")
    }
  }
}
