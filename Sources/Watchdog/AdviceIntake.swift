import ByteText
import Control
import Grants
import Ledger
import LinuxKit
import Provenance

/// Where a submission comes from, beside what it says of itself.
struct AdviceOrigin {
  var submitter: AdviceBook.Submitter
  /// When it was given.
  var time: Timestamp
  /// What makes a second reading of it the same, where the submitter gave nothing.
  var place: String?
  /// The submitter is root, and no agent is behind it.
  var isIndependent = false
}

extension Engine {
  /// Takes in an advice that somebody submitted over the socket.
  func addAdvice(_ call: ControlCall) {
    let submission: AdviceSubmission
    switch AdviceSubmission.read(call.parameters) {
    case .failure(let invalid): return call.fail(.invalid(invalid.reason))
    case .success(let read): submission = read
    }
    guard !ledger.isDiskFull else {
      return call.fail(.failed("the ledger's disk is full; the advice was not recorded"))
    }
    let submitter = AdviceBook.Submitter(uid: call.peer.uid)
    guard advice.mayAdd(submitter, at: now.up) else {
      return call.fail(
        .permissionDenied(
          "uid \(call.peer.uid) submitted more than \(AdviceBook.perMinute) in a minute"))
    }
    if let parent = submission.parent, advice.all[parent] == nil {
      return call.fail(.notFound(id: parent, matches: advice.ids(beginningWith: parent)))
    }
    var origin = AdviceOrigin(submitter: submitter, time: now.wall)
    if submission.event != nil, call.peer.uid == 0 {
      origin.isIndependent =
        !call.isHandedOn
        && processes.checkCaller(pid: call.peer.pid, uid: 0, start: call.peer.start).ok
    }
    let entry = take(submission, from: origin)
    afterCommit { [self] in
      call.reply { writer in
        writer.key("advice")
        if let entry { entry.write(to: &writer, at: now) } else { writer.null() }
      }
    }
  }

  /// Records an advice and has changes compared with it from now on. One that was submitted before
  /// is given as it was recorded; nil for one that is over, and for a command that widens no access.
  @discardableResult
  func take(_ submission: AdviceSubmission, from origin: AdviceOrigin) -> Advice? {
    let now = now
    // An empty name is no name.
    let given = submission.submission.flatMap { $0.isEmpty ? nil : $0 }
    let name = given ?? origin.place
    if let name, let id = advice.id(of: name, by: origin.submitter) { return advice.all[id] }
    let lineage = reports.lineage(
      of: submission, from: origin.submitter, at: min(origin.time, now.wall))
    if submission.event != nil {
      note(submission, from: origin)
      guard submission.event == .subagentStop, !submission.text.isEmpty else { return nil }
    }
    let time = min(origin.time, now.wall)
    let left = (time + configuration.adviceLifetime) - now.wall
    guard left > .zero else { return nil }
    let report = report(on: submission)
    if submission.isCommand, report.changes.isEmpty {
      reports.noteCommand(submission, from: origin.submitter, at: time)
      return nil
    }
    var entry = Advice(
      id: Identifier.make("a", length: 4) { advice.all[$0] != nil },
      agent: submission.agent, time: time, until: Deadline(left, after: now),
      submittedBy: origin.submitter.uid, text: submission.text)
    entry.host = origin.submitter.host
    entry.audience = submission.audience
    entry.url = submission.url
    entry.session = submission.session
    entry.model = submission.model
    // A command says nothing, it does.
    entry.parent =
      submission.parent ?? (submission.isCommand ? nil : advice.quoted(in: submission.text))
    entry.isCommand = submission.isCommand
    entry.context = submission.context
    entry.context.lineage = lineage
    entry.submission = name
    entry.changes = report.changes
    entry.unclear = report.notUnderstood
    advice.add(entry)
    agenda.add(.adviceEnd(entry.id), at: entry.until.up)
    tell(entry)
    return entry
  }

  /// A command runs where the agent is; what it says in words may be done anywhere.
  private func report(on submission: AdviceSubmission) -> GrammarReport {
    guard submission.isCommand else { return ChangeGrammar.report(onText: submission.text) }
    let directory = submission.context.directory.flatMap(unescaped) ?? []
    return ChangeGrammar.report(onCommand: Array(submission.text.utf8), in: directory)
  }

  private func tell(_ entry: Advice) {
    let list = entry.changes.map(\.command).prefix(3).joined(separator: "; ")
    let place = entry.host.map { " on \($0)" } ?? ""
    let to = entry.isCommand ? "is about to run" : "advised \(entry.audience ?? "everybody")"
    let said =
      "\(advice.chain(of: entry.id).map(\.name).joined(separator: " > "))\(place) \(to): "
      + (entry.changes.isEmpty ? "nothing that would widen access" : list)
    let sequence = recordAdvice(entry.id, type: "advice.recorded", text: said)
    guard isAlerted(entry) else { return }
    outbox.add(
      OutboxEvent(
        sequence: sequence, type: "advice.recorded", time: now.wall, severity: .low,
        subject: entry.id, text: said, wantsCode: true))
  }

  private func isAlerted(_ entry: Advice) -> Bool {
    !entry.changes.isEmpty && configuration.mode != .observe
  }

  /// Writes an advice as it is now.
  @discardableResult
  func recordAdvice(_ id: String, type: String, text: String) -> Int64 {
    record(type, text: text) { writer in
      guard let entry = advice.all[id] else { return }
      writer.key("advice")
      entry.writeRecord(to: &writer)
      if type == "advice.recorded", isAlerted(entry) {
        writer.key("outbox")
        writer.beginObject()
        writer.member("type", type)
        writer.member("severity", Severity.low.rawValue)
        writer.member("subject", id)
        writer.member("code", true)
        writer.endObject()
      }
    }
  }
}
