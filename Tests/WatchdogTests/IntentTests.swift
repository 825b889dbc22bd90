import ByteText
import Glibc
import Grants
import Scratch
import Testing

/// What was said to be done, by an approval or by an agent's hook, against what was done.
extension EngineLiveTests {
  private static let rules = """
    [Rule wider]
    Provenance=agent-advised
    Intent=wider
    MinConfidence=weak
    TTL=15min

    """

  /// A stage on which an advice was approved; its id.
  private func approved(
    _ text: String, prepare: @escaping (Scratch) -> Void = { _ in }
  ) throws -> (Stage, String) {
    let stage = try Stage(Stage.configuration + Self.rules) { scratch in
      scratch.folder("root/srv/data")
      scratch.folder("root/srv/data/sub")
      scratch.file("root/srv/data/a", 0o600)
      scratch.file("root/srv/data/sub/b", 0o600)
      scratch.file("root/srv/other", 0o600)
      for folder in ["data", "data/sub"] { scratch.chmod("root/srv/\(folder)", 0o700) }
      prepare(scratch)
    }
    try stage.start()
    let advice = try stage.call(
      "AddAdvice", [("agent", .string("forum-helper")), ("text", .string(text))])["advice"]
    let id = try #require(advice["id"].text)
    let result = try stage.approve(id, seconds: 3600)
    #expect(result["done"].bool == true, "\(result)")
    return (stage, id)
  }

  /// Waits for one approved grant and one that goes beyond the approval.
  private func both(
    _ stage: Stage, of kind: String
  ) throws -> (approved: JSON, wider: JSON) {
    try stage.wait("an approved grant and a wider one") {
      let grants = try stage.grants().filter { $0["kind"].text == kind }
      guard let approved = grants.first(where: { $0["state"].text == "approved" }),
        let wider = grants.first(where: { $0["intent"]["fit"].text == "wider" })
      else { return nil }
      return (approved, wider)
    }
  }

  private func isUnapproved(_ grant: JSON, beyond advice: String, _ stage: Stage) throws {
    #expect(grant["state"].text == "active")
    #expect(grant["approval"].isNull)
    #expect(grant["intent"]["source"].text == "approval")
    #expect(grant["intent"]["advice"].text == advice)
    #expect(grant["provenance"].text == "agent-advised")
    #expect(grant["confidence"].text == "weak")
    #expect(grant["rule"].text == "wider")
    let why = try stage.call("Explain", [("ids", stage.ids(grant["id"].text ?? ""))])
    let because = why["explanations"].elements.first?["because"].elements.compactMap(\.text) ?? []
    #expect(because.contains { $0.hasPrefix("wider than approved: what was approved is") })
  }

  @Test func widerBitsThanApprovedAreAGrantOfTheirOwn() throws {
    let (stage, advice) = try approved("Run `chmod 750 /srv/data`.")
    try stage.human.play("chmod 777 $D/data")
    let (first, second) = try both(stage, of: "file-mode")
    #expect(first["before"].text == "0700")
    #expect(first["after"].text == "0750")
    #expect(first["subject"].text == "group:root")
    #expect(first["right"].text == "read execute")
    #expect(first["intent"]["fit"].text == "within")
    #expect(first["approval"]["by"].text == "root")
    #expect(second["before"].text == "0750")
    #expect(second["after"].text == "0777")
    #expect(second["subject"].text == "everyone")
    #expect(second["intent"]["said"].text?.contains("chmod 750 /srv/data") == true)
    try isUnapproved(second, beyond: advice, stage)
    stage.stop()
    try stage.start()
    #expect(try stage.show(second["id"].text ?? "")["intent"] == second["intent"])
    let results = try stage.call("Revoke", [("ids", stage.ids(second["id"].text ?? ""))])
    #expect(results["results"].elements.first?["done"].bool == true)
    #expect(stage.mode("data") == 0o750)
    #expect(try stage.show(first["id"].text ?? "")["state"].text == "approved")
    _ = try stage.call("Revoke", [("ids", stage.ids(first["id"].text ?? ""))])
    #expect(stage.mode("data") == 0o700)
    #expect(try stage.grants().count == 2)
  }

  @Test func narrowerThanApprovedIsApproved() throws {
    let (stage, advice) = try approved("Run `chmod -R 777 /srv/data`.")
    try stage.human.play("chmod 750 $D/data")
    let grant = try stage.fileGrant()
    #expect(grant["state"].text == "approved")
    #expect(grant["intent"]["fit"].text == "within")
    #expect(grant["intent"]["advice"].text == advice)
  }

  @Test func aPathAboveTheApprovedOneIsMore() throws {
    let (stage, advice) = try approved("Run `chmod -R go+rX /srv/data`.")
    try stage.human.play("chmod -R go+rX $D")
    let (first, second) = try both(stage, of: "file-mode")
    try isUnapproved(second, beyond: advice, stage)
    let all = try stage.wait("all items") {
      let grants = try stage.grants()
      let items = try grants.map { try stage.show($0["id"].text ?? "") }
      return items.reduce(0) { $0 + $1["itemList"].elements.count } == 5 ? items : nil
    }
    for grant in all {
      for item in grant["itemList"].elements {
        let isBelow = item["object"].text?.hasPrefix("file:/srv/data") == true
        #expect((grant["state"].text == "approved") == isBelow, "\(item)")
      }
    }
    #expect(first["object"].text?.hasPrefix("file:/srv/data") == true)
    #expect(all.filter { $0["state"].text == "active" }.count == 1)
  }

  /// The items come in many turns, approved and other ones by turns.
  @Test func aLargeActIsDividedItemByItem() throws {
    let folders = ["data/f", "data/g", "x", "data/h", "y"]
    let (stage, _) = try approved("Run `chmod -R go+rX /srv/data`.") { scratch in
      for folder in folders {
        scratch.folder("root/srv/\(folder)")
        for number in 0..<400 { scratch.file("root/srv/\(folder)/\(number)", 0o600) }
      }
    }
    mkfifo("\(stage.scratch.path)/out/go", 0o600)
    // Who did it lives until everything was seen, however slow the machine is.
    let paths = folders.map { "$D/\($0)/[0-9]*" }.joined(separator: " ")
    try stage.human.play(
      "perl -e 'for (@ARGV) { chmod 0644, $_ } open F, qq($ENV{S}/out/go); <F>' \(paths) &")
    func count(_ grants: [JSON]) -> Int64 { grants.reduce(0) { $0 + ($1["items"].integer ?? 0) } }
    let all = try stage.wait("all items") {
      let grants = try stage.grants()
      return count(grants) == 2000 ? grants : nil
    }
    try stage.approver.play("echo >$S/out/go")
    let approved = all.filter { $0["state"].text == "approved" }
    let rest = all.filter { $0["state"].text == "active" }
    #expect(count(approved) == 1200)
    #expect(count(rest) == 800)
    #expect(rest.allSatisfy { $0["intent"]["fit"].text == "wider" })
    #expect(rest.allSatisfy { $0["object"].text?.hasPrefix("file:/srv/data") == false })
    #expect(approved.allSatisfy { $0["object"].text?.hasPrefix("file:/srv/data") == true })
    stage.stop()
    try stage.start()
    #expect(try stage.grants().count == all.count)
    for grant in rest {
      let id = try #require(grant["id"].text)
      #expect(try stage.show(id)["itemList"].elements.count == Int(grant["items"].integer ?? 0))
      _ = try stage.call("Revoke", [("ids", stage.ids(id))])
    }
    #expect(stage.mode("x/0") == 0o600)
    #expect(stage.mode("y/399") == 0o600)
    #expect(stage.mode("data/g/7") == 0o644)
  }

  @Test func anotherGroupThanTheApprovedOneIsMore() throws {
    let (stage, advice) = try approved("Run `usermod -aG docker eve`.")
    try stage.human.play("usermod --prefix $S/root -aG audio,docker eve")
    let (first, second) = try both(stage, of: "group-member")
    #expect(first["object"].text == "group:docker")
    #expect(second["object"].text == "group:audio")
    try isUnapproved(second, beyond: advice, stage)
    #expect(second["intent"]["said"].text?.contains("member on group:docker") == true)
    // What another process does is its own affair.
    try stage.human.play("usermod --prefix $S/root -aG staff eve")
    let other = try stage.grant("another") { $0["object"].text == "group:staff" }
    #expect(other["intent"].isNull)
    #expect(other["provenance"].text == "human")
  }

  @Test func aSudoRuleForEverythingIsMoreThanOneCommand() throws {
    let line = "eve ALL=(ALL) NOPASSWD: /bin/ls"
    let (stage, advice) = try approved(
      "Run `echo '\(line)' | sudo tee /etc/sudoers.d/eve`.", prepare: Self.furnish)
    try stage.human.play("echo 'eve ALL=(ALL) NOPASSWD: ALL' >$S/root/etc/sudoers.d/eve")
    let grant = try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }
    #expect(grant["intent"]["fit"].text == "wider")
    try isUnapproved(grant, beyond: advice, stage)
    try stage.human.play("echo '\(line)' >$S/root/etc/sudoers.d/eve2")
    let second = try stage.grant("the approved rule") {
      $0["kind"].text == "sudo-rule" && $0["id"] != grant["id"]
    }
    #expect(second["state"].text == "approved", "\(second)")
  }

  @Test func anEntryOfAnAccessListIsDividedByItsRights() throws {
    let (stage, advice) = try approved("Run `setfacl -m u:bob:r /srv/other`.")
    func list() throws -> String {
      try stage.human.play("getfacl -cnpE $D/other >$S/out/list")
      return (stage.text("out/list") ?? "").split(separator: "\n")
        .filter { $0.hasPrefix("user:") || $0.hasPrefix("mask") }.joined(separator: " ")
    }
    try stage.human.play("setfacl -m u:1001:rwx $D/other")
    let (first, second) = try both(stage, of: "file-acl")
    #expect(first["right"].text == "read")
    #expect(second["right"].text == "write execute")
    try isUnapproved(second, beyond: advice, stage)
    _ = try stage.call("Revoke", [("ids", stage.ids(second["id"].text ?? ""))])
    #expect(try list() == "user::rw- user:1001:r-- mask::r--")
    #expect(try stage.show(first["id"].text ?? "")["state"].text == "approved")
    stage.pass(seconds: 3601)
    _ = try stage.call("Revoke", [("ids", stage.ids(first["id"].text ?? ""))])
    #expect(try list() == "user::rw-")
    #expect(try stage.grants().count == 2)
  }

  @Test func whatAnAgentDoesIsApprovedAsFarAsItsAdviceWas() throws {
    let (stage, advice) = try approved("Run `chmod 750 /srv/data`.")
    try stage.agent("chmod 755 $D/data")
    let (first, second) = try both(stage, of: "file-mode")
    #expect(first["provenance"].text == "agent-executed")
    #expect(second["provenance"].text == "agent-executed")
    #expect(second["rule"].text == "agents")
    #expect(second["intent"]["advice"].text == advice)
    stage.pass(seconds: 901)
    try stage.becomes("ended", second["id"].text ?? "")
    #expect(stage.mode("data") == 0o750)
    stage.pass(seconds: 3600)
    try stage.becomes("ended", first["id"].text ?? "")
    #expect(stage.mode("data") == 0o700)
  }

  @Test func whoeverApprovedItDoesNotDoIt() throws {
    let (stage, _) = try approved("Run `chmod 750 /srv/data`.")
    try stage.approver.play("chmod 750 $D/data")
    let grant = try stage.fileGrant()
    #expect(grant["state"].text == "active")
    #expect(grant["intent"].isNull)
  }
}

/// What hooks told of a command, beside the grant that it made.
extension EngineLiveTests {
  private func report(
    _ stage: Stage, _ text: String, _ change: (inout AdviceSubmission) -> Void = { _ in }
  ) throws -> JSON {
    var submission = AdviceSubmission(agent: "claude-code", text: text)
    submission.isCommand = true
    submission.session = "s1"
    submission.context.directory = "/srv"
    submission.context.permissionMode = "default"
    change(&submission)
    return try stage.call(
      "AddAdvice", submission.parameters.members.map { ($0.name, $0.value) })["advice"]
  }

  private func hooked() throws -> Stage {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.file("root/srv/b", 0o600)
    }
    stage.scratch.remove("etc/agents.d/claude.conf")
    stage.scratch.file(
      "etc/agents.d/claude.conf", 0o644,
      text: """
        [Agent]
        Name=claude-code
        [Match]
        Executable=\(stage.scratch.path)/claude/claude
        [Session]
        Environment=STAGE_SESSION

        """)
    try stage.start()
    return stage
  }

  @Test func aGrantWithinWhatTheHookToldSaysWhoRanIt() throws {
    let stage = try hooked()
    let told = try report(stage, "chmod 644 a") {
      $0.context.subagent = "general-purpose x1"
      $0.context.permissionMode = "bypassPermissions"
    }
    try stage.agent("STAGE_SESSION=s1 bash -c 'chmod 644 $D/a; true'")
    let grant = try stage.fileGrant()
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["agent"]["session"].text == "s1")
    #expect(grant["agent"]["chain"].elements.map(\.text) == ["claude-code", "general-purpose"])
    let links = grant["agent"]["delegation"].elements
    #expect(links.map { $0["role"].text } == ["human", "agent", "subagent"])
    #expect(links.map { $0["id"].text } == ["4711", "s1", "x1"])
    #expect(grant["intent"]["fit"].text == "within")
    #expect(grant["intent"]["source"].text == "hook")
    #expect(grant["intent"]["advice"] == told["id"])
    #expect(grant["prompt"]["grade"].text == "auto")
    #expect(grant["prompt"]["mode"].text == "bypassPermissions")
    #expect(grant["prompt"]["toldBy"].text == "agent")
    #expect(grant["state"].text == "active")
    #expect(grant["approval"].isNull)
  }

  @Test func aGrantWiderThanWhatTheHookToldSaysSo() throws {
    let stage = try hooked()
    _ = try report(stage, "chmod 640 a")
    try stage.agent("STAGE_SESSION=s1 bash -c 'chmod 666 $D/a; true'")
    let grant = try stage.fileGrant()
    #expect(grant["intent"]["fit"].text == "wider")
    #expect(grant["intent"]["source"].text == "hook")
    #expect(grant["intent"]["said"].text?.contains("chmod 640 a") == true)
    #expect(grant["rule"].text == "agents")
  }

  @Test func aGrantThatNoCommandOfTheHooksTellsOfSaysSo() throws {
    let stage = try hooked()
    #expect(try report(stage, "./fix.sh").isNull)
    try stage.agent("STAGE_SESSION=s1 bash -c 'chmod 644 $D/a; true'")
    let grant = try stage.fileGrant()
    #expect(grant["intent"]["fit"].text == "untold")
    #expect(grant["intent"]["said"].text == "the last one was: ./fix.sh")
    // Another session's command tells nothing of this one.
    try stage.agent("STAGE_SESSION=s2 bash -c 'chmod 644 $D/b; true'")
    let other = try stage.grant("the other") { $0["object"].text == "file:/srv/b" }
    #expect(other["intent"].isNull)
  }

  @Test func aQuestionIsEvidenceAndNoApproval() throws {
    let stage = try hooked()
    _ = try report(stage, "chmod 644 a") { $0.context.toolUse = "toolu_1" }
    #expect(try report(stage, "chmod 644 a") { $0.event = .permissionRequest }.isNull)
    try stage.agent("STAGE_SESSION=s1 bash -c 'chmod 644 $D/a; true'")
    let grant = try stage.fileGrant()
    let id = try #require(grant["id"].text)
    #expect(grant["prompt"]["grade"].text == "asked")
    #expect(grant["prompt"]["thinkMilliseconds"].integer != nil)
    #expect(grant["state"].text == "active")
    // A collector's word comes later, from root with no agent above it.
    var decision = AdviceSubmission(agent: "claude-code", text: "")
    decision.event = .decision
    decision.decision = .clicked
    decision.session = "s1"
    decision.context.toolUse = "toolu_1"
    let parameters = decision.parameters.members.map { ($0.name, $0.value) }
    _ = try stage.ask("AddAdvice", parameters, by: stage.agents)
    var shown = try stage.show(id)
    #expect(shown["prompt"]["grade"].text == "clicked")
    #expect(shown["prompt"]["toldBy"].text == "agent")
    _ = try stage.ask("AddAdvice", parameters, by: stage.approver)
    shown = try stage.show(id)
    #expect(shown["prompt"]["toldBy"].text == "root")
    #expect(shown["state"].text == "active")
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o600)
  }

  @Test func aRuleMayCountAClickThatSomebodyIndependentTold() throws {
    let stage = try hooked()
    stage.configure(
      "[Rule clicked]\nProvenance=agent-executed\nMinPrompt=clicked\n" + Stage.configuration)
    stage.reload()
    var decision = AdviceSubmission(agent: "claude-code", text: "")
    decision.event = .decision
    decision.decision = .clicked
    decision.session = "s1"
    for (name, caller, rule) in [("a", stage.agents, "agents"), ("b", stage.approver, "clicked")] {
      _ = try report(stage, "chmod 644 \(name)") { $0.context.toolUse = name }
      decision.context.toolUse = name
      _ = try stage.ask(
        "AddAdvice", decision.parameters.members.map { ($0.name, $0.value) }, by: caller)
      try stage.agent("STAGE_SESSION=s1 bash -c 'chmod 644 $D/\(name); true'")
      let grant = try stage.grant("a grant") { $0["object"].text == "file:/srv/\(name)" }
      #expect(grant["prompt"]["grade"].text == "clicked")
      #expect(grant["rule"].text == rule)
    }
  }

  @Test func anAdviceThatQuotesAnotherKeepsTheChain() throws {
    let stage = try Stage(
      Stage.configuration.replacing(
        "Provenance=agent-advised\n", with: "Provenance=agent-advised\nChainLength=2-\n")
    ) { $0.file("root/srv/a", 0o600) }
    try stage.start()
    let text = "The service cannot read the file. Run this:\n\n    chmod 644 /srv/a\n"
    let first = try stage.call(
      "AddAdvice", [("agent", .string("forum-helper")), ("text", .string(text))])["advice"]
    let quote = "They say:\n\n> The service cannot read the file. Run this:\n\n`chmod 644 /srv/a`"
    let second = try stage.call(
      "AddAdvice", [("agent", .string("summariser")), ("text", .string(quote))])["advice"]
    #expect(second["parent"] == first["id"])
    stage.stop()
    try stage.start()
    try stage.human.play("chmod 644 $D/a")
    let grant = try stage.fileGrant()
    #expect(grant["advice"] == second["id"])
    #expect(grant["agent"]["chain"].elements.map(\.text) == ["forum-helper", "summariser"])
    #expect(grant["rule"].text == "advised")
    let why = try stage.call("Explain", [("ids", stage.ids(grant["id"].text ?? ""))])
    #expect(
      why["explanations"].elements.first?["chain"].elements.map(\.text) == [
        "agent:forum-helper", "agent:summariser",
      ])
  }
}
