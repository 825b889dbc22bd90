internal import ByteText
internal import Grants
internal import LinuxKit

let hookCommands = HookAgent.allCases.map { agent in
  Command(
    name: "hook \(agent.rawValue)", purpose: hookPurpose(agent), operands: "[JSON]",
    operandsAreOptional: true,
    details:
      "Reads the event on standard input, or as its last argument. It never holds the agent up,"
      + " prints\nnothing, and its exit status is always 0.",
    run: { invocation throws(Failure) in runHook(agent, invocation) })
}

private func hookPurpose(_ agent: HookAgent) -> String {
  switch agent {
  case .claudeCode: "Take the advice out of an event of Claude Code"
  case .codex: "Take the advice out of an event of Codex"
  case .gemini: "Take the advice out of an event of Gemini CLI"
  case .openclaw: "Take the advice out of an event of OpenClaw"
  case .generic: "Take the advice out of JSON or text"
  }
}

private func runHook(_ agent: HookAgent, _ invocation: Invocation) {
  let streams = invocation.streams
  let input =
    invocation.arguments.operands.last.map { Array($0.utf8) } ?? streams.part(HookInput.longest)
  let event = HookEvent(agent, input: input)
  guard var submission = event.submission else { return }
  if submission.context.startedBy == nil {
    submission.context.startedBy = event.record?.startedBy()
  }
  if let attended = streams.environment("CLAUDE_CODE_SESSION_ATTENDED"), agent == .claudeCode {
    submission.context.attended = attended == "1"
  }
  // What is said goes to whoever the agent runs for.
  if !submission.isCommand, !submission.text.isEmpty, submission.audience == nil {
    submission.audience = AccountNames().userName(ThisProcess.user)
  }
  HookDelivery.deliver(submission, socket: invocation.socket, journal: streams.journal)
}
