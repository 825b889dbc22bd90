import ByteText
import Control
import Grants
import Kinds
import LinuxKit

/// The methods of `io.grantwatch.Connector`.
extension Engine {
  func answerConnector(_ call: ControlCall) {
    if call.method == "List" { return listConnectors(call) }
    guard let name = call.parameters["connector"].text else {
      return call.fail(.invalid("connector: missing"))
    }
    guard let connector = connectors.first(where: { $0.name == name }) else {
      let shown = escaped(Array(name.utf8).prefix(128))
      guard call.peer.uid == 0 else {
        return call.fail(.permissionDenied("connector \(shown): not yours"))
      }
      return call.fail(.notFound(id: shown, matches: []))
    }
    guard maySpeak(call.peer, for: connector) else {
      return call.fail(
        .permissionDenied(
          "connector \(name): only root and \(connector.configuration.user) may speak for it"))
    }
    guard connector.calls.admits(at: now.up) else {
      return refuse(
        call, connector,
        .tooOften("more than \(connector.calls.perMinute) calls in a minute"))
    }
    switch call.method {
    case "GetLimits": writeLimits(of: connector, to: call)
    case "Report": report(call, connector)
    case "Unchanged": unchanged(call, connector)
    case "TakeRevocations": takeRevocations(call, connector)
    case "Revoked": revoked(call, connector)
    case "AskForReport": askForReport(call, connector)
    default: call.fail(.invalid("method \(call.method) is not known"))
    }
  }

  /// Root and the account that the configuration names, by the host's accounts.
  private func maySpeak(_ peer: PeerCredentials, for connector: Connector) -> Bool {
    peer.uid == 0 || hostAccounts.uid(ofUser: connector.configuration.user) == peer.uid
  }

  /// Fails a call of a connector that is not as it should be; `status` tells of it.
  func refuse(_ call: ControlCall, _ connector: Connector, _ error: ControlError) {
    let reason =
      switch error {
      case .invalid(let reason), .tooLarge(let reason), .tooOften(let reason),
        .permissionDenied(let reason), .failed(let reason):
        reason
      case .notFound(let id, _): "\(id): no such id"
      }
    connector.refusedCount += 1
    connector.lastRefusal = "\(call.method): \(reason)"
    connector.misconduct = ("\(call.method) refused: \(reason)", now.up)
    sayCondition(of: connector)
    call.fail(error)
  }

  private func writeLimits(of connector: Connector, to call: ControlCall) {
    call.reply { writer in
      writer.member("entries", connector.configuration.maxEntries)
      writer.member("entriesOfReport", ConnectorLimits.entriesOfReport)
      writer.member("messageBytes", ControlCall.longestMessage)
      writer.member("textBytes", ConnectorLimits.text)
      writer.member("detailBytes", ConnectorLimits.detail)
      writer.member("reportsPerMinute", connector.reports.perMinute)
      writer.member("callsPerMinute", connector.calls.perMinute)
      writer.member("answerSeconds", ConnectorLimits.answer)
      writer.member(
        "staleSeconds", connector.configuration.staleAfter.microseconds / 1_000_000)
    }
  }

  private func askForReport(_ call: ControlCall, _ connector: Connector) {
    let asked = connector.isTaken
    if asked { push(to: connector, askingForReport: true) }
    call.reply { $0.member("asked", asked) }
  }

  private func listConnectors(_ call: ControlCall) {
    guard readsAll(call.peer) else {
      return call.fail(.permissionDenied("only root and group grantwatch may read this"))
    }
    let now = now
    call.reply { writer in
      writer.key("connectors")
      writer.beginArray()
      for connector in connectors {
        writer.beginObject()
        writer.member("name", connector.name)
        writer.member("kind", connector.kind.rawValue)
        writer.member("user", connector.configuration.user)
        writer.member("state", connector.condition)
        writer.member("entries", connector.watch.state?.count ?? 0)
        writer.member("maxEntries", connector.configuration.maxEntries)
        writer.member("lastReport", time: connector.lastReport?.wall ?? connector.lastKnown)
        writer.member(
          "lagMilliseconds", connector.lastReport.map { (now.up - $0.up) / 1000 })
        writer.member("reports", connector.reportCount)
        writer.member("refused", connector.refusedCount)
        writer.member("lastRefusal", connector.lastRefusal)
        writer.member("takesRevocations", connector.isTaken)
        writer.member("pending", connector.tasks.count)
        writer.member("staleSeconds", connector.configuration.staleAfter.microseconds / 1_000_000)
        writer.member("problem", connectorProblem(connector))
        writer.endObject()
      }
      writer.endArray()
    }
  }
}
