import Testing

@Suite struct UsageTests {
  @Test(
    "What is not understood is a usage error that names the nearest known word",
    arguments: [
      ([], "a command is missing"), (["lis"], "did you mean 'list'?"),
      (["list", "--stat=active"], "did you mean '--state'?"),
      (["list", "--state", "activ"], "did you mean 'active'?"),
      (["list", "--provenance", "agent-executed,agent"], "unknown provenance 'agent'"),
      (["list", "--state"], "needs a value"), (["list", "g-1"], "unexpected argument 'g-1'"),
      (["list", "--standing=yes"], "takes no value"), (["list", "--since", "soon"], "--since"),
      (["list", "--agent", "a", "--agent", "b"], "given twice"),
      (["list", "-o", "jsn"], "did you mean 'json'?"), (["list", "-x"], "unknown option '-x'"),
      (["show"], "an ID is missing"), (["show", ""], "an ID is empty"),
      (["approve", "g-1"], "--reason is missing"),
      (["approve", "g-1", "--reason", " "], "--reason is missing"),
      (["approve", "g-1", "--reason", "x", "--for", "0"], "--for"),
      (["approve", "g-1", "--reason", "x", "--for", "-1h"], "--for"),
      (["advice"], "a command is missing"), (["advice", "ad"], "did you mean 'add'?"),
      (["advice", "add"], "--agent is missing"),
      (["advice", "list", "--agent", "x"], "unknown option '--agent'"),
      (["--socket"], "needs a value"),
    ])
  func usage(arguments: [String], words: String) {
    let result = run(arguments)
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(result.words.hasPrefix("grantctl: "))
    #expect(result.words.contains(words), "\(result.words)")
    #expect(result.words.split(separator: "\n").count == 1)
  }

  @Test("Help and version are data")
  func help() {
    #expect(run(["--version"]).output == "grantctl 0.1.0\n")
    #expect(run(["--help"]).output.contains("advice add"))
    for verb in [
      "status", "list", "show", "explain", "approve", "revoke", "log", "verify", "advice",
    ] {
      let result = run([verb, "--help"])
      #expect(result.status == 0)
      #expect(result.output.hasPrefix("Usage: grantctl"))
    }
    #expect(run(["advice", "add", "--help"]).output.contains("--audience USER"))
    #expect(run(["--help"]).output.split(separator: "\n").allSatisfy { $0.utf8.count <= 80 })
  }

  @Test("Without a daemon the exit status is 3")
  func unreachable() {
    let result = run(["status", "--socket", "/nonexistent/control.sock"])
    #expect(result.status == 3)
    #expect(
      result.words == "grantctl: status: daemon not reachable: connect: "
        + "/nonexistent/control.sock: No such file or directory\n")
  }

  @Test("Where there is no ledger, verify without the daemon fails with a reason")
  func verifyOffline() {
    let result = run(["verify", "--state-directory", "/nonexistent"])
    #expect(result.status == 1)
    #expect(
      result.words == "grantctl: verify: open: /nonexistent/ledger: No such file or directory\n")
  }
}
