import ByteText
import Glibc
import Scratch
import Testing

/// Grants on files from their act to their end, on the kernel's own events.
extension EngineLiveTests {
  @Test func recursiveChangeOfAnAgentIsOneGrantAndTakenBack() throws {
    let before: [String: mode_t] = ["a": 0o640, "b": 0o600, "c": 0o755, "sub/d": 0o444]
    let stage = try Stage { scratch in
      scratch.folder("root/srv/data", 0o750)
      scratch.folder("root/srv/data/sub", 0o711)
      for (name, mode) in before { scratch.file("root/srv/data/\(name)", mode) }
    }
    try stage.start()
    try stage.agent("chmod -R a+rwx $D/data")
    let grant = try stage.fileGrant(items: 6)
    let id = try #require(grant["id"].text)
    #expect(grant["subject"].text == "everyone")
    #expect(grant["object"].text == "file:/srv/data")
    #expect(grant["right"].text == "read write execute")
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["confidence"].text == "certain")
    #expect(grant["agent"]["name"].text == "claude-code")
    #expect(grant["actor"]["loginUid"].integer == 4711)
    #expect(grant["rule"].text == "agents")
    #expect(try stage.grants().count == 1)
    #expect(stage.mode("data/a") == 0o777)
    stage.pass(seconds: 3)
    #expect(stage.mode("data/a") == 0o777)
    stage.pass(seconds: 900)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(ended["itemList"].elements.allSatisfy { $0["state"].text == "ended" })
    for (name, mode) in before { #expect(stage.mode("data/\(name)") == UInt16(mode), "\(name)") }
    #expect(stage.mode("data") == 0o750)
    #expect(stage.mode("data/sub") == 0o711)
    for type in ["grant.detected", "grant.expired", "grant.revoked"] {
      #expect(try stage.events(type).map { $0["grant"].text } == [id], "\(type)")
    }
  }
}
