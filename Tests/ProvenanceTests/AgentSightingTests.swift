import Grants
import Provenance
import Testing

/// Which processes count as an agent, and what is told of them.
@Suite struct AgentSightingTests {
  private func seen(_ news: [AgentNews]) -> [AgentSighting] {
    news.compactMap { if case .seen(let sighting) = $0 { sighting } else { nil } }
  }

  private func host() throws -> MadeProc {
    let host = try MadeProc(try AgentSignatures.shipped())
    host.put(60, parent: 1, "/bin/bash", ["-bash"], uid: 1000, login: 1000, session: 5, start: 20)
    return host
  }

  @Test("The outermost process of a chain is the agent; what it starts is not another")
  func outermost() throws {
    let host = try host()
    host.put(
      70, parent: 60, "/usr/bin/claude", ["claude", "--dangerously-skip-permissions"], uid: 1000,
      login: 1000, start: 30)
    host.put(
      71, parent: 70, "/bin/bash", environment: ["CLAUDE_CODE_CHILD_SESSION=1"], uid: 1000,
      login: 1000, start: 31)
    host.table.start(.fed)
    let first = seen(host.table.takeAgentNews())
    #expect(first.map(\.process.pid) == [70])
    #expect(first.first?.name == "claude-code")
    #expect(first.first?.confidence == .certain)
    #expect(first.first?.skipFlag == "--dangerously-skip-permissions")
    #expect(first.first?.uid == 1000)
    #expect(first.first?.loginUID == 1000)
    #expect(first.first?.chainText.hasPrefix("claude(70) < bash(60)") == true)
    host.fork(70, 72)
    host.put(
      72, parent: 70, "/bin/bash",
      environment: ["CLAUDE_CODE_CHILD_SESSION=1", "CLAUDE_CODE_SESSION_ID=s-1"], uid: 1000)
    host.exec(72)
    host.fork(72, 73)
    host.put(73, parent: 72, "/usr/bin/codex", ["codex"], uid: 1000)
    host.exec(73)
    let key = try #require(first.first?.process)
    #expect(host.table.takeAgentNews() == [.session(key, "s-1")])
    host.exit(73)
    host.exit(72)
    #expect(host.table.takeAgentNews().isEmpty)
    host.exit(70)
    #expect(host.table.takeAgentNews() == [.ended(key)])
    #expect(!host.table.isLiving(key))
  }

  @Test("An agent that is known by its commands' variables is their parent")
  func byVariables() throws {
    let host = try host()
    host.put(70, parent: 60, "/opt/new/grok", ["grok"], uid: 1000, login: 1000, start: 30)
    host.table.start(.fed)
    for child in Int32(71)...73 {
      host.fork(70, child)
      host.put(child, parent: 70, "/bin/sh", environment: ["GROK_AGENT=1"], uid: 1000)
      host.exec(child)
      host.exit(child)
    }
    let found = seen(host.table.takeAgentNews())
    #expect(found.map(\.process.pid) == [70])
    #expect(found.map(\.name) == ["grok"])
  }

  @Test("What an agent leaves behind with its marks is none of its own")
  func leftBehind() throws {
    let host = try host()
    host.put(70, parent: 60, "/usr/bin/claude", ["claude"], uid: 1000, login: 1000, start: 30)
    host.table.start(.fed)
    host.fork(70, 71)
    host.exit(70)
    host.put(
      71, parent: 1, "/bin/bash", environment: ["CLAUDE_CODE_CHILD_SESSION=1"], uid: 1000)
    host.exec(71)
    #expect(seen(host.table.takeAgentNews()).map(\.process.pid) == [70])
  }

  @Test("A person's stray variable is a hint and says so")
  func hint() throws {
    let host = try host()
    host.table.start(.fed)
    host.fork(60, 71)
    host.put(71, parent: 60, "/bin/ls", environment: ["AI_AGENT=x"], uid: 1000, login: 1000)
    host.exec(71)
    let found = seen(host.table.takeAgentNews())
    #expect(found.map(\.isHint) == [true])
  }

  @Test("A declaration that comes later finds who runs already")
  func declaredLater() throws {
    let host = try host()
    host.put(70, parent: 1, "/opt/app", ["app"], uid: 1001, start: 30, group: "/s/app.service")
    host.table.start(.fed)
    #expect(host.table.takeAgentNews().isEmpty)
    host.table.use(
      AgentSignatures.read([
        ("/etc/app.conf", Array("[Agent]\nName=app\n[Match]\nUnit=app.service\n".utf8))
      ]).signatures)
    let found = seen(host.table.takeAgentNews())
    #expect(found.map(\.process.pid) == [70])
    #expect(found.map(\.isDeclared) == [true])
  }

  @Test("A check tries every description, and says which key fits where")
  func check() throws {
    let host = try host()
    host.put(70, parent: 60, "/usr/bin/claude", ["claude"], uid: 1000, login: 1000, start: 30)
    host.table.start(.fed)
    host.fork(70, 71)
    host.put(
      71, parent: 70, "/bin/bash", environment: ["CLAUDECODE=1", "AI_AGENT=other"], uid: 1000)
    host.exec(71)
    let check = try #require(host.table.checkAgent(71))
    let signatures = host.table.signatures
    #expect(check.rules.count == signatures.all.count + signatures.runners.count)
    #expect(check.agent?.name == "claude-code")
    let claude = try #require(check.rules.first { $0.agent == "claude-code" })
    #expect(claude.file.hasSuffix("/claude-code.conf"))
    #expect(
      claude.matches.map { "\($0.pid) \($0.key)=\($0.pattern) \($0.confidence.rawValue)" } == [
        "71 Hint=CLAUDECODE=1 weak", "70 Executable=*/claude certain",
      ])
    #expect(check.rules.first { $0.agent == "unnamed-agent" }?.matches.count == 1)
    #expect(check.rules.filter { $0.matches.isEmpty }.count == check.rules.count - 2)
    #expect(host.table.checkAgent(999) == nil)
  }
}
