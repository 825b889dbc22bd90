internal import ByteText
internal import Control

let verifyCommand = Command(
  name: "verify", purpose: "Check that the ledger's record is unbroken",
  options: [
    Option("state-directory", value: "DIR", "check the ledger below DIR, without the daemon")
  ],
  run: { invocation throws(Failure) in
    let text: ArraySlice<UInt8>
    if let directory = invocation.arguments.value("state-directory") {
      text = verifyOffline(stateDirectory: directory)[...]
    } else {
      let client = try invocation.connect()
      text = try asking { () throws(ControlClientError) in
        try client.reply(to: "Verify").member("verification")
      }
    }
    let verification = try parsed(text)
    let isGood = verification["ok"].bool == true
    switch invocation.format {
    case .json, .jsonl: try invocation.output.write(text + [0x0a])
    case .csv: try printFlat(verification, invocation)
    case .table, .wide:
      try invocation.line(
        "\(isGood ? "ok" : "damaged"): \(plain(verification["records"])) records, head "
          + plain(verification["head"]))
    }
    guard !isGood else { return }
    for problem in verification["problems"].elements {
      invocation.complain(Failure(.failed, plain(problem)))
    }
    if verification["problems"].elements.isEmpty {
      invocation.complain(Failure(.failed, "the ledger does not verify"))
    }
  })
