internal import ByteText
internal import Control
internal import Dispatch
internal import Grants
internal import LinuxKit

/// Brings an advice to the daemon within the time that an agent may be held up.
enum HookDelivery {
  /// How long the daemon may take for one step before the advice goes into the journal instead:
  /// microseconds.
  static let patience: Int64 = 5_000
  /// How long a journald that stands still is waited for.
  static let longest = DispatchTimeInterval.seconds(1)

  /// Submits it over the control socket, or leaves it in the journal. It has a name of its own, so
  /// that one which takes both ways is taken once.
  static func deliver(
    _ submission: AdviceSubmission, socket: String,
    journal: @escaping @Sendable (AdviceSubmission) -> Void
  ) {
    var submission = submission
    submission.submission = name()
    let named = submission
    if submit(named, socket) { return }
    let done = DispatchSemaphore(value: 0)
    // On a thread of its own: nothing wakes who sends to a journald that stands still.
    DispatchQueue.global().async {
      journal(named)
      done.signal()
    }
    _ = done.wait(timeout: .now() + longest)
  }

  /// False where the daemon was not reached in time, or failed; what it refuses it has seen.
  private static func submit(_ submission: AdviceSubmission, _ socket: String) -> Bool {
    do throws(ControlClientError) {
      let client = try ControlClient(path: socket, patience: patience)
      _ = try client.call("AddAdvice", submission.parameters)
      return true
    } catch {
      if case .refused(let reason) = error {
        if case .failed = reason { return false }
        return true
      }
      return false
    }
  }

  private static func what(_ submission: AdviceSubmission) -> String {
    switch submission.event {
    case .permissionRequest: "asks whether it may run a command"
    case .decision: "was told whether it may run a command"
    case .subagentStart: "started an agent of its own"
    case .subagentStop: "has an agent of its own that is done"
    case nil: submission.isCommand ? "is about to run a command" : "said something"
    }
  }

  private static func name() -> String {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    return String(hexadecimal(bytes))
  }

  /// Leaves the advice for the daemon, as systemd.journal-fields(7) has it.
  static func leave(_ submission: AdviceSubmission) {
    var submission = submission
    // journalctl and the daemon read no more of a field.
    submission.text = HookEvent.cut(Array(submission.text.utf8), to: 60_000)
    JournalSend.send(
      "\(submission.agent) \(what(submission))",
      messageID: AdviceSubmission.messageID, priority: 6, fields: submission.journalFields,
      identifier: "grantctl")
  }
}
