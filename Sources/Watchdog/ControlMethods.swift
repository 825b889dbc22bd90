import ByteText
import Control
import Dispatch
import Grants
import Ledger
import LinuxKit
import Provenance

extension Engine {
  /// Answers one call. Every method has its own check of who may.
  func answer(_ call: ControlCall) {
    turn {
      if call.interface == connectorInterfaceName { return answerConnector(call) }
      switch call.method {
      case "GetStatus": getStatus(call)
      case "Diagnose": diagnose(call)
      case "List": list(call)
      case "Show": show(call)
      case "Explain": explain(call)
      case "Approve": approve(call)
      case "Revoke": revoke(call)
      case "Extend": extend(call)
      case "Restore": restore(call)
      case "AddAdvice": addAdvice(call)
      case "ListAdvice": listAdvice(call)
      case "ShowAdvice": showAdvice(call)
      case "ListAgents": listAgents(call)
      case "CheckAgent": checkAgent(call)
      case "Log": log(call)
      case "Verify": verify(call)
      case "TakeOutbox": takeOutbox(call)
      case "Acknowledge": acknowledge(call)
      case "GetDeadLetters": deadLetters(call)
      default: call.fail(.invalid("method \(call.method) is not known"))
      }
    }
  }

  /// Root and the host's group grantwatch read everything.
  func readsAll(_ peer: PeerCredentials) -> Bool { readsAll(peer.uid) }

  /// Root and the host's group grantwatch, by uid.
  func readsAll(_ uid: UInt32) -> Bool {
    if uid == 0 { return true }
    guard let name = hostAccounts.userName(uid) else { return false }
    return hostAccounts.members(ofGroup: "grantwatch").contains(name)
  }

  /// Others see the grants whose actor or subject they are.
  func mayRead(_ peer: PeerCredentials) -> (Grant) -> Bool {
    if readsAll(peer) { return { _ in true } }
    let subject = hostAccounts.userName(peer.uid).map { "user:" + $0 }
    return { grant in
      grant.actor.uid == peer.uid || grant.actor.loginUID == peer.uid || grant.subject == subject
    }
  }

  private func getStatus(_ call: ControlCall) {
    let visible = readsAll(call.peer) ? nil : mayRead(call.peer)
    call.reply { writer in
      writer.key("status")
      writeStatus(to: &writer, visible: visible)
    }
  }

  // MARK: Grants

  private func list(_ call: ControlCall) {
    guard let filter = GrantFilter(call.parameters["filter"]) else {
      return call.fail(.invalid("filter: not understood"))
    }
    let visible = mayRead(call.peer)
    let ids = store.order.reversed().filter { id in
      store[id].map { filter.matches($0) && visible($0) } == true
    }
    reply(call, ids, from: 0)
  }

  /// Grants go out in pages, and no faster than the client takes them.
  private func reply(_ call: ControlCall, _ ids: [String], from start: Int) {
    let end = call.wantsMore ? min(start + 200, ids.count) : ids.count
    call.reply(continues: end < ids.count) { writer in
      writer.key("grants")
      writer.beginArray()
      for id in ids[start..<end] { store[id]?.write(to: &writer, at: now, withItems: false) }
      writer.endArray()
    }
    guard end < ids.count, !call.isClosed else { return }
    whenDrained(call) { [self] in reply(call, ids, from: end) }
  }

  /// Goes on with a stream when its client has taken what was sent, at once if it is quick.
  func whenDrained(_ call: ControlCall, _ body: @escaping () -> Void) {
    guard !call.isClosed else { return }
    if call.backlog <= ControlCall.comfortableBacklog {
      continuations.append(body)
      queue.async { self.goOn() }
    } else {
      call.onDrained = { [self] in
        call.onDrained = nil
        turn(body)
      }
    }
  }

  private func goOn() {
    guard !continuations.isEmpty else { return }
    turn(continuations.removeFirst())
  }

  /// The grants that the call's `ids` name; nil when one names none or several: then the call has
  /// failed.
  private func grants(of call: ControlCall) -> [Grant]? {
    let visible = mayRead(call.peer)
    var found: [Grant] = []
    guard let texts = ids(of: call) else { return nil }
    for text in texts {
      let ids = targets(text).flatMap { target -> [String] in
        switch target {
        case .grant(let id): [id]
        case .advice: []
        case .none(let matches): matches
        }
      }
      let seen = ids.compactMap { store[$0] }.filter(visible)
      guard seen.count == 1 || (text.hasPrefix("i-") && !seen.isEmpty) else {
        call.fail(.notFound(id: escaped(Array(text.utf8).prefix(128)), matches: seen.map(\.id)))
        return nil
      }
      found += seen
    }
    return found
  }

  private func show(_ call: ControlCall) {
    guard let found = grants(of: call) else { return }
    call.reply { writer in
      writer.key("grants")
      writer.beginArray()
      for grant in found { grant.write(to: &writer, at: now, withItems: true) }
      writer.endArray()
    }
  }

  private func explain(_ call: ControlCall) {
    guard let found = grants(of: call) else { return }
    call.reply { writer in
      writer.key("explanations")
      writer.beginArray()
      for grant in found { writeExplanation(of: grant, to: &writer) }
      writer.endArray()
    }
  }

  // MARK: Decisions

  /// Ids that one call may name.
  private static let mostIDs = 100

  /// The ids that a call names, each once; nil when there are none or too many: then it has failed.
  private func ids(of call: ControlCall) -> [String]? {
    var ids: [String] = []
    for text in call.parameters["ids"].elements.compactMap(\.text) where !ids.contains(text) {
      ids.append(text)
      if ids.count > Self.mostIDs { break }
    }
    guard !ids.isEmpty, ids.count <= Self.mostIDs else {
      call.fail(.invalid("ids: between 1 and \(Self.mostIDs) are taken"))
      return nil
    }
    return ids
  }

  /// What a call asks to prolong, and who asks; nil when the call has failed.
  private func prolonging(_ call: ControlCall) -> (ids: [String], request: ApprovalRequest)? {
    guard let ids = ids(of: call) else { return nil }
    var span: TimeSpan?
    if let seconds = call.parameters["seconds"].integer {
      let (microseconds, over) = seconds.multipliedReportingOverflow(by: 1_000_000)
      guard !over else {
        call.fail(.invalid("seconds: out of range"))
        return nil
      }
      span = TimeSpan(microseconds: microseconds)
    }
    processes.drain()
    let request = ApprovalRequest(
      span: span, reason: call.parameters["reason"].text ?? "",
      code: call.parameters["code"].text, pid: call.peer.pid, uid: call.peer.uid,
      start: call.peer.start, isHandedOn: call.isHandedOn)
    return (ids, request)
  }

  private func approve(_ call: ControlCall) {
    guard let (ids, request) = prolonging(call) else { return }
    whenProven(ids, request, call) { [self] request in
      let results = approve(ids, request)
      afterCommit { [self] in reply(call, results) }
    }
  }

  private func extend(_ call: ControlCall) {
    guard let (ids, request) = prolonging(call) else { return }
    whenProven(ids, request, call) { [self] request in
      let results = extend(ids, request)
      afterCommit { [self] in reply(call, results) }
    }
  }

  private func restore(_ call: ControlCall) {
    guard let (ids, request) = prolonging(call) else { return }
    whenProven(ids, request, call) { [self] request in
      let results = restore(ids, request)
      let pending = Set(results.filter { $0.status == "ok" }.map(\.result))
      if pending.isEmpty { return reply(call, results) }
      restoreCalls.append(RevokeCall(call: call, results: results, pending: pending))
    }
  }

  private func revoke(_ call: ControlCall) {
    guard let ids = ids(of: call) else { return }
    let results = revoke(
      ids, dryRun: call.parameters["dryRun"].bool ?? false, pid: call.peer.pid, uid: call.peer.uid)
    // The answer waits until what was asked for is done or has failed.
    let pending = Set(results.filter { $0.status == "ok" }.map(\.id))
    if pending.isEmpty { return reply(call, results) }
    revokeCalls.append(RevokeCall(call: call, results: results, pending: pending))
  }

  /// Answers the revoke calls whose grants are all done.
  func answerRevokeCalls() {
    guard !revokeCalls.isEmpty else { return }
    var left: [RevokeCall] = []
    for var entry in revokeCalls {
      entry.pending = entry.pending.filter {
        store[$0]?.state == .expiring || searching.contains($0)
      }
      if !entry.pending.isEmpty {
        left.append(entry)
        continue
      }
      let results = entry.results.map { result -> RequestResult in
        guard result.status == "ok", let grant = store[result.id] else { return result }
        var result = result
        switch grant.state {
        case .ended where grant.outcome == .residue:
          result.result = "revoked; still in use: \(grant.residue.joined(separator: "; "))"
        case .ended: result.result = "revoked"
        case .drifted:
          result.done = false
          result.status = "failed"
          result.result = "drifted: not the same object any more, left alone"
        default:
          result.done = false
          result.status = "failed"
          result.result = "failed: \(grant.revokeError ?? "unknown error"); it is tried again"
        }
        return result
      }
      reply(entry.call, results)
    }
    revokeCalls = left
  }

  func reply(_ call: ControlCall, _ results: [RequestResult]) {
    call.reply { writer in
      writer.key("results")
      writer.beginArray()
      for result in results {
        writer.beginObject()
        writer.member("id", result.id)
        writer.member("done", result.done)
        writer.member("result", result.result)
        writer.member("status", result.status)
        writer.endObject()
      }
      writer.endArray()
    }
  }

  // MARK: Advice

  private func mayReadAdvice(_ peer: PeerCredentials) -> (Advice) -> Bool {
    if readsAll(peer) { return { _ in true } }
    let name = hostAccounts.userName(peer.uid)
    return {
      $0.submitter == AdviceBook.Submitter(uid: peer.uid)
        || ($0.audience != nil && $0.audience == name)
    }
  }

  private func listAdvice(_ call: ControlCall) {
    let visible = mayReadAdvice(call.peer)
    let found = advice.order.reversed().compactMap { advice.all[$0] }.filter(visible)
    replyAdvice(call, found, from: 0)
  }

  private func replyAdvice(_ call: ControlCall, _ found: [Advice], from start: Int) {
    let end = call.wantsMore ? min(start + 50, found.count) : found.count
    call.reply(continues: end < found.count) { writer in
      writer.key("advices")
      writer.beginArray()
      for entry in found[start..<end] { entry.write(to: &writer, at: now) }
      writer.endArray()
    }
    guard end < found.count, !call.isClosed else { return }
    whenDrained(call) { [self] in replyAdvice(call, found, from: end) }
  }

  private func showAdvice(_ call: ControlCall) {
    let visible = mayReadAdvice(call.peer)
    var found: [Advice] = []
    guard let texts = ids(of: call) else { return }
    for text in texts {
      let seen = advice.ids(beginningWith: text).compactMap { advice.all[$0] }.filter(visible)
      guard seen.count == 1 else {
        return call.fail(
          .notFound(id: escaped(Array(text.utf8).prefix(128)), matches: seen.map(\.id)))
      }
      found += seen
    }
    call.reply { writer in
      writer.key("advices")
      writer.beginArray()
      for entry in found { entry.write(to: &writer, at: now) }
      writer.endArray()
    }
  }

  // MARK: The record

  private func verify(_ call: ControlCall) {
    guard readsAll(call.peer) else {
      return call.fail(.permissionDenied("only root and group grantwatch may read the ledger"))
    }
    let directory = settings.stateDirectory
    let queue = self.queue
    verificationQueue.async {
      let result = Ledger.verify(stateDirectory: directory)
      queue.async {
        call.reply { writer in
          writer.key("verification")
          writer.beginObject()
          writer.member("ok", result.ok)
          writer.member("records", result.records)
          writer.member("head", result.head)
          writer.member("problems", result.problems)
          writer.endObject()
        }
      }
    }
  }
}

/// A revoke call that waits for its grants.
struct RevokeCall {
  var call: ControlCall
  var results: [RequestResult]
  var pending: Set<String>
}
