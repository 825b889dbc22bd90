import ByteText
import Dispatch
import Glibc
import LinuxKit
import Scratch
import Testing
import Watchdog

/// An agent that would approve what it did itself, by every road that is known. Each is gone by real
/// processes, and with `SelfApproval=yes`, so that nothing but law 4 stands in the way.
///
/// What takes root to do, such as reading the daemon's memory, is no road: root can stop the daemon.
extension EngineLiveTests {
  private static let lax =
    Stage.configuration + "[Approval]\nSelfApproval=yes\nApprovers=root nobody\n"
  private static let withCode = lax + "[Approval]\nAuthenticate=code\n"

  /// A stage on which an agent made `/srv/a` readable for everyone; the grant's id.
  private func widened(_ configuration: String = lax) throws -> (Stage, String) {
    let stage = try Stage(configuration) {
      $0.file("root/srv/a", 0o600)
      $0.file("tricks.py", 0o644, text: SelfApprovalRoad.tricks)
    }
    stage.addWebhook()
    try stage.start()
    try stage.agent("chmod 644 $D/a")
    return (stage, try #require(try stage.fileGrant()["id"].text))
  }

  private func stays(_ id: String, _ stage: Stage) throws {
    #expect(try stage.show(id)["state"].text == "active")
    #expect(try stage.events("approval.given").isEmpty)
    #expect(try stage.events("approval.refused").count == 1)
  }

  @Test("No road leads an agent to an approval", arguments: SelfApprovalRoad.all)
  func roads(road: SelfApprovalRoad) throws {
    let (stage, id) = try widened()
    defer { try? stage.approver.play("tmux -S $S/out/tmux kill-server || :; wait") }
    if let line = road.human { try stage.approver.play(line) }
    refused(try stage.approve(id, by: stage.agents, wrapped: road.line), road.refusal)
    try stays(id, stage)
  }

  @Test("A human goes the same road", arguments: SelfApprovalRoad.ofHumans)
  func humans(road: SelfApprovalRoad) throws {
    let (stage, id) = try widened()
    defer { try? stage.approver.play("tmux -S $S/out/tmux kill-server || :") }
    if let line = road.human { try stage.approver.play(line) }
    let result = try stage.approve(id, by: stage.approver, wrapped: road.line)
    #expect(result["done"].bool == true, "\(result)")
    #expect(try stage.show(id)["state"].text == "approved")
  }

  @Test(
    "A human's process that gets the number of an agent's which connected does not approve",
    arguments: [true, false])
  func numberThatCameAgain(isAcceptedFirst: Bool) throws {
    let (stage, id) = try widened()
    let engine = try #require(stage.engine)
    try stage.prepareApproval(id)
    func race(_ trick: String) throws {
      try stage.agents.play("/usr/bin/python3 $S/tricks.py \(trick)")
      try stage.approver.play("/usr/bin/python3 $S/tricks.py replace")
    }
    // Either the daemon took the connection while the agent's process lived, and is asked over it
    // later; or it was too busy, and finds the human's process when it looks.
    if isAcceptedFirst {
      try race("leave-late")
    } else {
      try engine.queue.sync { try race("leave") }
    }
    let result = try stage.wait("a reply") { stage.preparedReply() }
    #expect(stage.text("out/replaced") == stage.text("out/number"))
    refused(result, "the process that connected is gone, and another has its number")
    try stays(id, stage)
    try stage.approver.play("kill $(cat $S/out/replaced) || :")
  }

  // MARK: Codes

  private func wrong(_ code: String) -> String { code == "222-222" ? "333-333" : "222-222" }

  @Test func fiveWrongCodesVoidTheRightOne() throws {
    let (stage, id) = try widened(Self.withCode)
    let (code, _) = try code(stage, id)
    for left in [4, 3, 2, 1] {
      refused(try stage.approve(id, code: wrong(code)), "wrong code; \(left) tries left")
    }
    refused(try stage.approve(id, code: wrong(code)), "void")
    refused(try stage.approve(id, code: code), "no code is valid")
    stage.stop()
    try stage.start()
    refused(try stage.approve(id, code: code), "no code is valid")
  }

  @Test("An agent that guesses is not told whether it is near, and uses up nobody's tries")
  func guessing() throws {
    let (stage, id) = try widened(Self.withCode)
    let (code, _) = try code(stage, id)
    for typed in [String](repeating: wrong(code), count: 6) + [code] {
      refused(
        try stage.approve(id, code: typed, by: stage.agents), "an agent is behind the caller")
    }
    #expect(try stage.approve(id, code: code)["done"].bool == true)
  }

  @Test("A code lies in no file and no answer that an agent can get at")
  func codesAreNowhere() throws {
    let (stage, id) = try widened(Self.withCode)
    let (code, _) = try code(stage, id)
    // Even root finds it in no file of the daemon's.
    let bare = code.filter { $0 != "-" }
    try stage.agents.play(
      "grep -rlaE '\(code)|\(bare)' $S/state $S/run $S/journal >$S/out/found || :")
    #expect(stage.text("out/found") == "")
    try stage.agents.play(
      "\(Stage.asNobody) sh -c 'ls $S/state; cat $S/state/ledger/*' >$S/out/seen 2>/dev/null || :")
    #expect(stage.text("out/seen") == "")
    let asked: [(String, [(String, JSON)])] = [
      ("List", []), ("Show", [("ids", stage.ids(id))]), ("Explain", [("ids", stage.ids(id))]),
      ("Log", []), ("GetStatus", []), ("GetDeadLetters", []), ("ListAgents", []),
      ("ListAdvice", []),
    ]
    // What root may read of an alert is all of it but the code.
    for (method, parameters) in asked {
      _ = try stage.ask(method, parameters, by: stage.agents)
      let text = try #require(stage.text("out/reply"))
      #expect(text.contains("parameters"), "\(method): \(text)")
      #expect(!text.contains(code) && !text.contains(bare), "\(method)")
    }
    for (method, more) in [
      ("TakeOutbox", []), ("Acknowledge", [("sequence", .integer(1)), ("delivered", .bool(true))]),
    ] as [(String, [(String, JSON)])] {
      let reply = try stage.ask(
        method, [("endpoint", .string("hook"))] + more, by: stage.agents, wrapped: Stage.asNobody)
      #expect(reply["error"].text == "io.grantwatch.PermissionDenied", "\(method)")
    }
  }

  // MARK: Advice

  private func advise(
    _ stage: Stage, _ text: String, submission: String? = nil, by actors: Actors,
    wrapped: String = Stage.asNobody
  ) throws -> JSON {
    var parameters: [(String, JSON)] = [
      ("agent", .string("forum-helper")), ("audience", .string("bob")), ("text", .string(text)),
    ]
    if let submission { parameters.append(("submission", .string(submission))) }
    return try stage.ask("AddAdvice", parameters, by: actors, wrapped: wrapped)["parameters"][
      "advice"]
  }

  @Test("An advice in somebody's name keeps the uid that gave it, and takes nobody's place")
  func forgedAdvice() throws {
    let (stage, _) = try widened()
    let genuine = try advise(
      stage, "Run `chmod 640 /srv/a`.", submission: "s1", by: stage.approver, wrapped: "")
    #expect(genuine["submittedBy"].integer == 0)
    let forged = try advise(
      stage, "Run `chmod 666 /srv/a`.", submission: "s1", by: stage.agents)
    #expect(forged["submittedBy"].integer == 65534)
    #expect(forged["agent"].text == "forum-helper")
    #expect(forged["id"] != genuine["id"])
    let id = try #require(forged["id"].text)
    for wrapped in ["", Stage.asNobody] {
      refused(
        try stage.approve(id, by: stage.agents, wrapped: wrapped), "an agent is behind the caller")
    }
    // What a human approves is the one advice, as it was said.
    let approved = try #require(genuine["id"].text)
    #expect(try stage.approve(approved, seconds: 3600)["done"].bool == true)
    #expect(
      try advise(stage, "Run `chmod 666 /srv/a`.", submission: "s1", by: stage.agents)["id"]
        == forged["id"])
    try stage.human.play("chmod 666 $D/a")
    let wider = try stage.grant("a grant that goes beyond") { $0["after"].text == "0666" }
    #expect(wider["state"].text == "active")
  }

  @Test("A flood of advice is cut off, and drives out nobody's")
  func floodedAdvice() throws {
    let (stage, _) = try widened()
    let genuine = try advise(
      stage, "Run `chmod 666 /srv/a`.", by: stage.approver, wrapped: "")
    let flood = """
      use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, sockaddr_un($ARGV[0]));
      for my $n (1..200) {
        syswrite($s, qq({"method":"io.grantwatch.AddAdvice","parameters":{"agent":"bot",)
          . qq("text":"Run `chmod 777 /srv/$n`."}}) . "\\0");
        my $all = ''; while ($all !~ /\\0/) { sysread($s, $all, 65536, length $all) or last; }
        print $all =~ /PermissionDenied.*submitted more than 120 in a minute/ ? "no\\n" : "yes\\n";
      }

      """
    stage.scratch.file("flood.pl", 0o644, text: flood)
    try stage.agents.play(
      "\(Stage.asNobody) /usr/bin/perl $S/flood.pl $S/run/control.sock >$S/out/flood")
    let answers = (stage.text("out/flood") ?? "").split(separator: "\n")
    #expect(answers.count { $0 == "yes" } == 120)
    #expect(answers.count { $0 == "no" } == 80)
    let later = try advise(stage, "Run `chmod 600 /srv/a`.", by: stage.approver, wrapped: "")
    #expect(later["id"].text != nil)
    let id = try #require(genuine["id"].text)
    #expect(try stage.approve(id, seconds: 3600)["done"].bool == true)
    try stage.human.play("chmod 666 $D/a")
    let grant = try stage.grant("an approved grant") { $0["after"].text == "0666" }
    #expect(grant["state"].text == "approved")
    #expect(grant["intent"]["advice"].text == id)
  }

  // MARK: False alarms

  @Test("A variable left over in a human's shell is explained, and silenced by the admin's file")
  func strayVariable() throws {
    let top = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let shipped = try SmallFile.read("/\(top)/etc/grantwatch/agents.d/unnamed.conf")
    let stage = try Stage(Self.lax) {
      $0.file("root/srv/a", 0o600)
      $0.file(
        "etc/agents.d/unnamed.conf", 0o644, text: String(decoding: shipped, as: UTF8.self))
    }
    let stray = try Actors(
      stage.scratch, "stray", loginUID: 4713, environment: ["AI_AGENT=left-over"])
    try stage.start()
    try stage.agent("chmod 644 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    let result = try stage.approve(id, by: stray)
    refused(result, "an agent is behind the caller: ")
    refused(result, "is marked as unnamed-agent: ")
    refused(result, "environment AI_AGENT")
    #expect(try stage.events("agent.discovered").isEmpty)
    stage.scratch.remove("etc/agents.d/unnamed.conf")
    stage.scratch.file(
      "etc/agents.d/unnamed.conf", 0o644,
      text: "[Agent]\nName=unnamed-agent\n[Match]\nHint=AI_AGENT=new-*\n")
    stage.reload()
    let silenced = try stage.approve(id, by: stray)
    #expect(silenced["done"].bool == true, "\(silenced)")
  }
}

extension Stage {
  /// Puts a request to approve where tricks.py finds it.
  fileprivate func prepareApproval(_ id: String) throws {
    scratch.remove("out/reply")
    scratch.file(
      "out/call", 0o644,
      text: """
        {"method":"io.grantwatch.Approve","parameters":{"ids":["\(id)"],"reason":"on call"}}
        """)
  }

  /// The result for the one id, when it is there.
  fileprivate func preparedReply() -> JSON? {
    text("out/reply").flatMap { try? JSON.parse(Array($0.utf8)) }?["parameters"]["results"]
      .elements.first
  }
}
