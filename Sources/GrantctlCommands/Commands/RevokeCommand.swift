internal import ByteText

let revokeCommand = Command(
  name: "revoke", purpose: "Take grants or incidents back now", operands: "ID...",
  options: [
    Option("dry-run", "only say what would be done"),
    Option("reason", value: "TEXT", "why; it is kept on record"),
  ],
  run: { invocation throws(Failure) in
    var members = [JSONMember("dryRun", .bool(invocation.arguments.has("dry-run")))]
    if let reason = invocation.arguments.member("reason") { members.append(reason) }
    try act(&invocation, "Revoke", members)
  })
