internal import ByteText

let approveCommand = Command(
  name: "approve", purpose: "Approve grants, incidents or advice", operands: "ID...",
  options: [
    Option("for", value: "SPAN", "how long, such as 8h [as long as policy allows]"),
    Option("reason", value: "TEXT", "why; it is kept on record and must be given"),
    Option("code", value: "CODE", "the code from the alert"),
  ],
  run: { invocation throws(Failure) in
    let arguments = invocation.arguments
    guard let reason = arguments.value("reason"), !reason.utf8.allSatisfy(isBlank) else {
      throw Failure(.usage, "--reason is missing")
    }
    let members = [
      try arguments.seconds("for"), arguments.member("reason"), arguments.member("code"),
    ]
    try act(&invocation, "Approve", members.compactMap(\.self))
  })
