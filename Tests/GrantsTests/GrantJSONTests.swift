import ByteText
import Grants
import Testing

/// The example of a grant in the contract, without members that only the engine fills.
private let contractExample = """
  {"id":"g-4kq7m2","incident":"i-81vd","host":"web1","standing":false,"kind":"file-mode",
  "subject":"everyone","object":"file:/srv/data","items":2,
  "right":"read write execute","before":null,"after":"0777","state":"active",
  "provenance":"agent-executed","confidence":"certain",
  "agent":{"name":"claude-code","session":"3f6c","model":null,"chain":["claude-code"]},"via":null,
  "actor":{"user":"root","loginUser":"alice","pid":4711,"command":"chmod -R 777 /srv/data"},
  "advice":null,"approval":null,
  "grantedAt":"2026-11-22T10:00:01.120Z","detectedAt":"2026-11-22T10:00:01.122Z",
  "expiresAt":"2026-11-22T10:15:01.120Z","endedAt":null,"endedBy":null,
  "activeSeconds":61.4,"activeSecondsMin":61.4,"activeSecondsMax":61.4,"residue":[],
  "rule":"agents","severity":"high",
  "evidence":[{"time":"2026-11-22T10:00:01.121Z","source":"fanotify",
  "text":"pid 4711 changed attributes of /srv/data/f1"},
  {"time":"2026-11-22T10:00:01.121Z","source":"process-events",
  "text":"chmod(4711) < bash(4709) < claude(4402)"}],
  "itemList":[{"object":"file:/srv/data/f1","before":"0640","after":"0777","state":"active"},
  {"object":"file:/srv/data/f2","before":"0600","after":"0777","state":"active"}]}
  """

@Suite struct GrantJSONTests {
  private func time(_ text: String) throws -> Timestamp {
    try #require(Timestamp(rfc3339: text))
  }

  private func example() throws -> (grant: Grant, now: Moment) {
    let given = Moment(wall: try time("2026-11-22T10:00:01.120Z"), up: 5_000_000, boot: "b1")
    var grant = Grant(
      id: "g-4kq7m2", incident: "i-81vd", host: "web1", kind: .fileMode, subject: "everyone",
      object: "file:/srv/data", right: "read write execute", at: given)
    grant.detectedAt = try time("2026-11-22T10:00:01.122Z")
    grant.deadline = Deadline(TimeSpan(seconds: 900), after: given)
    grant.provenance = .agentExecuted
    grant.confidence = .certain
    grant.severity = .high
    grant.rule = "agents"
    grant.agent = AgentReference(name: "claude-code", session: "3f6c", chain: ["claude-code"])
    grant.actor.user = "root"
    grant.actor.loginUser = "alice"
    grant.actor.pid = 4711
    grant.actor.command = "chmod -R 777 /srv/data"
    let seen = try time("2026-11-22T10:00:01.121Z")
    grant.evidence = [
      Evidence(
        time: seen, source: "fanotify", text: "pid 4711 changed attributes of /srv/data/f1"),
      Evidence(
        time: seen, source: "process-events", text: "chmod(4711) < bash(4709) < claude(4402)"),
    ]
    grant.items = [
      GrantItem(
        object: "file:/srv/data/f1", before: "0640", after: "0777",
        identity: FileIdentity(
          device: .max, inode: 7, birth: -1, handle: [0x81, 0, 0, 0, 0xff, 1])),
      GrantItem(object: "file:/srv/data/f2", before: "0600", after: "0777"),
    ]
    let now = Moment(
      wall: given.wall + TimeSpan(microseconds: 61_400_000), up: 66_400_000, boot: "b1")
    return (grant, now)
  }

  private func json(_ grant: Grant, at now: Moment, withItems: Bool = false) throws -> JSON {
    var writer = JSONWriter()
    grant.write(to: &writer, at: now, withItems: withItems)
    return try JSON.parse(writer.bytes)
  }

  /// Every member of `expected` is in `actual` with the same value; `actual` may hold more.
  private func contains(_ actual: JSON, _ expected: JSON) -> Bool {
    switch (actual, expected) {
    case (.object(let members), .object(let wanted)):
      wanted.allSatisfy { want in
        members.contains { $0.name == want.name && contains($0.value, want.value) }
      }
    case (.array(let values), .array(let wanted)):
      values.count == wanted.count && zip(values, wanted).allSatisfy { contains($0, $1) }
    default: actual == expected
    }
  }

  @Test("A grant has the shape of the contract's example")
  func contract() throws {
    let (grant, now) = try example()
    let actual = try json(grant, at: now, withItems: true)
    #expect(contains(actual, try JSON.parse(Array(contractExample.utf8))))
    #expect(try json(grant, at: now)["itemList"].isNull)
  }

  @Test("A clock that was set moves expiresAt with it: the time left is the same")
  func clockStep() throws {
    let (grant, now) = try example()
    var later = now
    later.wall = try time("2027-01-01T00:00:00.000Z")
    #expect(
      try json(grant, at: later)["expiresAt"].text == "2027-01-01T00:13:58.600Z")
  }

  @Test("An approved grant expires with its approval, an ended one when it was foreseen")
  func approvedAndEnded() throws {
    var (grant, now) = try example()
    grant.state = .approved
    grant.approval = Approval(
      by: "carol", byUID: 1003, byLoginUID: 1003, time: now.wall,
      until: Deadline(TimeSpan(seconds: 3600), after: now), reason: "on call", proof: "code")
    let approved = try json(grant, at: now)
    #expect(approved["expiresAt"].text == "2026-11-22T11:01:02.520Z")
    #expect(approved["approval"]["until"].text == "2026-11-22T11:01:02.520Z")
    #expect(approved["approval"]["by"].text == "carol")
    #expect(approved["approval"]["proof"].text == "code")
    grant.state = .ended
    grant.endedAt = now.wall
    grant.endedBy = .revoked
    grant.activeSecondsAtEnd = 61.4
    var later = now
    later.wall = try time("2027-01-01T00:00:00.000Z")
    let ended = try json(grant, at: later)
    #expect(ended["expiresAt"].text == "2026-11-22T10:15:01.120Z")
    #expect(ended["endedBy"].text == "revoked")
    #expect(ended["activeSeconds"].double == 61.4)
  }

  @Test("The chain of delegation, what was said to be done, and the agent's question")
  func delegation() throws {
    var (grant, now) = try example()
    #expect(try json(grant, at: now)["intent"].isNull)
    #expect(try json(grant, at: now)["prompt"].isNull)
    grant.actor.loginUID = 1000
    grant.agent = grant.agent?.rooted(in: grant.actor)
    grant.agent?.append(ChainLink(.subagent, "fixer", id: "x1"))
    grant.intent = Intent(.wider, by: .hook, advice: "a-7xk2", said: "read on file:/srv/data")
    grant.prompt = PromptEvidence(.unattended, attended: false)
    let expected = """
      {"agent":{"name":"claude-code","session":"3f6c","chain":["claude-code","fixer"],
      "delegation":[{"role":"human","name":"alice","id":"1000"},
      {"role":"agent","name":"claude-code","id":"3f6c"},
      {"role":"subagent","name":"fixer","id":"x1"}]},
      "intent":{"fit":"wider","source":"hook","advice":"a-7xk2","said":"read on file:/srv/data"},
      "prompt":{"grade":"unattended","mode":null,"attended":false,"thinkMilliseconds":null,
      "toldBy":"agent"}}
      """
    #expect(contains(try json(grant, at: now), try JSON.parse(Array(expected.utf8))))
  }

  @Test("A chain longer than the most keeps its root and its end")
  func longChain() {
    var agent = AgentReference(name: "a", chain: ["a"])
    for number in 0..<100 { agent.append(ChainLink(.subagent, "s", id: "\(number)")) }
    #expect(agent.delegation.count == AgentReference.mostLinks)
    #expect(agent.delegation.first == ChainLink(.agent, "a"))
    #expect(agent.delegation.last?.id == "99")
    #expect(agent.chain == ["a", "s"])
  }

  @Test("The bounds of the time hold the time between them")
  func bounds() throws {
    var (grant, now) = try example()
    grant.earliest = grant.grantedAt - TimeSpan(seconds: 10)
    let seen = try json(grant, at: now)
    #expect(seen["activeSecondsMin"].double == 61.4)
    #expect(seen["activeSeconds"].double == 61.4)
    #expect(seen["activeSecondsMax"].double == 71.4)
    #expect(seen["items"].integer == 2)
  }

  @Test("A record gives the same grant back", arguments: [true, false])
  func record(withItems: Bool) throws {
    var (grant, now) = try example()
    #expect(try readBack(grant, withItems: withItems) == without(grant, items: !withItems))
    grant.standing = true
    grant.state = .ended
    for index in grant.items.indices {
      grant.items[index].state = .ended
      grant.items[index].isTakenBack = index % 2 == 0
    }
    grant.via = "dpkg"
    grant.advice = "a-7xk2"
    grant.approval = Approval(
      by: "carol", byUID: 1003, byLoginUID: nil, time: now.wall,
      until: Deadline(TimeSpan(seconds: 3600), after: now), reason: "on \"call\"\n", proof: "code")
    grant.agent = AgentReference(name: "codex", chain: ["claude-code", "codex"])
      .rooted(in: grant.actor)
    grant.agent?.append(ChainLink(.subagent, "fixer", id: "x1"))
    grant.intent = Intent(.wider, by: .approval, advice: "a-7xk2", said: "read on file:/srv/data")
    grant.prompt = PromptEvidence(
      .asked, mode: "default", attended: true, thinkMilliseconds: 1500, isIndependent: true)
    grant.earliest = grant.grantedAt - TimeSpan(microseconds: 1)
    grant.endedAt = now.wall
    grant.endedBy = .superseded
    grant.activeSecondsAtEnd = 61.400_123
    grant.residue = ["pid 12 holds gid 27"]
    grant.because = ["ancestor claude(4402)", "rule agents"]
    grant.alerted = true
    grant.overdueAlerted = true
    grant.warned = true
    grant.revokeTries = 3
    grant.revokeError = "chmod: file:/srv/data/f1: Operation not permitted"
    grant.open = false
    grant.actor.uid = 0
    grant.actor.loginUID = .max
    grant.actor.session = 12
    grant.deadline = nil
    #expect(try readBack(grant, withItems: withItems) == without(grant, items: !withItems))
  }

  private func without(_ grant: Grant, items: Bool) -> Grant {
    var grant = grant
    if items { grant.items = [] }
    return grant
  }

  private func readBack(_ grant: Grant, withItems: Bool) throws -> Grant? {
    var writer = JSONWriter()
    grant.writeRecord(to: &writer, withItems: withItems)
    return Grant(record: try JSON.parse(writer.bytes))
  }

  @Test("A record that lacks one member is read, or refused when the member is needed; no trap")
  func missingMembers() throws {
    let (grant, _) = try example()
    var writer = JSONWriter()
    grant.writeRecord(to: &writer, withItems: true)
    let members = try JSON.parse(writer.bytes).members
    let needed: Set = [
      "id", "incident", "host", "kind", "subject", "object", "right", "state", "provenance",
      "confidence", "grantedAt", "grantedUp", "boot", "detectedAt",
    ]
    for (index, member) in members.enumerated() {
      var fewer = members
      fewer.remove(at: index)
      #expect((Grant(record: .object(fewer)) == nil) == needed.contains(member.name))
      for odd: JSON in [.integer(.max), .integer(.min), .string("?"), .array([.null]), .null] {
        var changed = members
        changed[index].value = odd
        _ = Grant(record: .object(changed))
      }
    }
    #expect(Grant(record: .object(members.reversed())) == grant)
    #expect(Grant(record: .null) == nil)
  }

  @Test(
    "A file's identity as text",
    arguments: ["", "1:2:3", "1:2:3:f", "1:2:3:fg", "-1:2:3:", "1:2:3::", "1:2:3:00:"])
  func badIdentity(text: String) {
    #expect(FileIdentity(text: text) == nil)
  }
}
