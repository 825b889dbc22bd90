internal import ByteText

private let prolongingOptions = [
  Option("for", value: "SPAN", "how long, such as 8h [as long as policy allows]"),
  Option("reason", value: "TEXT", "why; it is kept on record and must be given"),
  Option("code", value: "CODE", "the code from the alert"),
]

let approveCommand = Command(
  name: "approve", purpose: "Approve grants, incidents or advice", operands: "ID...",
  options: prolongingOptions,
  run: { invocation throws(Failure) in try prolong(&invocation, "Approve") })

let extendCommand = Command(
  name: "extend", purpose: "Lengthen the approval of grants, from now on", operands: "ID...",
  options: prolongingOptions,
  run: { invocation throws(Failure) in try prolong(&invocation, "Extend") })

let restoreCommand = Command(
  name: "restore", purpose: "Put back what was taken back, approved from the beginning",
  operands: "ID...", options: prolongingOptions,
  run: { invocation throws(Failure) in try prolong(&invocation, "Restore") })

private func prolong(_ invocation: inout Invocation, _ method: String) throws(Failure) {
  let arguments = invocation.arguments
  guard let reason = arguments.value("reason"), !reason.utf8.allSatisfy(isBlank) else {
    throw Failure(.usage, "--reason is missing")
  }
  let members = [
    try arguments.seconds("for"), arguments.member("reason"), arguments.member("code"),
  ]
  try act(&invocation, method, members.compactMap(\.self))
}
