import ByteText
import Glibc
import Scratch
import Testing

/// Accounts, by the real tools on account files of the tree.
extension EngineLiveTests {
  @Test func anAccountThatAnAgentMadeIsClosed() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("useradd --prefix $S/root -M -s /bin/bash mallory")
    let grant = try stage.grant("an account") { $0["kind"].text == "account" }
    let id = try #require(grant["id"].text)
    #expect(grant["subject"].text == "user:mallory")
    #expect(grant["object"].text == "account:mallory")
    #expect(grant["right"].text == "login")
    #expect(grant["before"].text == "absent")
    #expect(grant["provenance"].text == "agent-executed")
    stage.pass(seconds: 901)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(try stage.wait("its outcome") { try stage.show(id)["outcome"].text } == "clean")
    #expect(stage.text("root/etc/passwd")?.contains("mallory") == true)
    #expect(
      stage.text("root/etc/passwd")?.contains("mallory:x:1003:1003::/home/mallory:/bin/bash")
        == false)
    #expect(try stage.grants().filter { $0["kind"].text == "account" }.count == 1)
  }

  @Test func aHumansAccountStays() throws {
    let stage = try Stage()
    try stage.start()
    try stage.human.play("usermod --prefix $S/root -s /bin/bash nobody")
    let grant = try stage.grant("a shell") { $0["kind"].text == "account" }
    #expect(grant["provenance"].text == "human")
    stage.pass(seconds: 86_400)
    #expect(try stage.show(grant["id"].text ?? "")["state"].text == "active")
  }

  @Test func anAccountThatCameWhileNobodyLookedIsFoundAtTheStart() throws {
    let stage = try Stage()
    try stage.start()
    stage.stop()
    try stage.agent("usermod --prefix $S/root -o -u 0 eve")
    try stage.start()
    let grant = try stage.grant("an account") { $0["kind"].text == "account" }
    #expect(grant["right"].text == "root")
    #expect(grant["severity"].text == "critical")
    #expect(grant["provenance"].text == "unknown")
  }
}
