import ByteText
import Glibc
import Scratch
import Testing

/// The incident that Grantwatch is for: an agent says it, somebody else does it.
extension EngineLiveTests {
  private func advised(_ text: String) throws -> (Stage, String) {
    let stage = try Stage { scratch in
      scratch.folder("root/srv/data")
      scratch.folder("root/srv/data/sub")
      scratch.file("root/srv/data/a", 0o600)
      scratch.file("root/srv/data/sub/b", 0o640)
      scratch.file("root/srv/other", 0o600)
    }
    try stage.start()
    let advice = try stage.call(
      "AddAdvice",
      [
        ("agent", .string("forum-helper")), ("text", .string(text)), ("audience", .string("bob")),
        ("url", .string("https://forum.example/t/4711")),
      ])["advice"]
    return (stage, try #require(advice["id"].text))
  }

  @Test func aVariantOfAnAdviceIsAgentAdvised() throws {
    let (stage, advice) = try advised("Run this:\n```\nsudo chmod -R 777 /srv/data\n```\n")
    try stage.human.play("chmod -R a+rwx $D/data")
    let grant = try stage.fileGrant(items: 4)
    let id = try #require(grant["id"].text)
    #expect(grant["provenance"].text == "agent-advised")
    #expect(grant["confidence"].text == "strong")
    #expect(grant["advice"].text == advice)
    #expect(grant["agent"]["name"].text == "forum-helper")
    #expect(grant["rule"].text == "advised")
    #expect(try stage.events("advice.recorded").count == 1)
    #expect(try stage.events("advice.matched").map { $0["grant"].text } == [id])
    let shown = try stage.call("ShowAdvice", [("ids", stage.ids(advice))])["advices"].elements
    #expect(shown.first?["matched"].elements.map(\.text) == [id])
    stage.pass(seconds: 901)
    _ = try stage.wait("it is said to be overdue") { try stage.events("grant.expired").first }
    #expect(try stage.show(id)["state"].text == "active")
    #expect(stage.mode("data/a") == 0o777)
  }

  @Test func whatIsWiderThanTheAdviceIsWeak() throws {
    let (stage, advice) = try advised("```\nchmod -R a+rwx /srv/data\n```")
    try stage.human.play("chmod -R a+rwx $D")
    let grant = try stage.fileGrant(items: 6)
    stage.pass(seconds: 3)
    let closed = try stage.wait("the act is matched as a whole") {
      let shown = try stage.show(grant["id"].text ?? "")
      return shown["confidence"].text == "weak" ? shown : nil
    }
    #expect(closed["provenance"].text == "agent-advised")
    #expect(closed["advice"].text == advice)
  }

  @Test func whatNobodyAdvisedIsTheHumans() throws {
    let (stage, _) = try advised("```\nchmod -R a+rwx /srv/data\n```")
    try stage.human.play("chmod 644 $D/other")
    let grant = try stage.fileGrant()
    #expect(grant["provenance"].text == "human")
    #expect(grant["advice"].isNull)
  }

  @Test func anApprovedAdviceApprovesWhatFollowsIt() throws {
    let (stage, advice) = try advised("```\nchmod -R a+rwx /srv/data\n```")
    let result = try stage.approve(advice, seconds: 3600)
    #expect(result["done"].bool == true, "\(result)")
    try stage.human.play("chmod -R a+rwx $D/data")
    let grant = try stage.grant("a grant") { $0["kind"].text == "file-mode" }
    #expect(grant["state"].text == "approved")
    #expect(grant["approval"]["by"].text == "root")
    #expect(stage.mode("data/a") == 0o777)
    try stage.human.play("chmod 644 $D/other")
    let other = try stage.grant("the other grant") { $0["object"].text == "file:/srv/other" }
    #expect(other["state"].text == "active")
  }

  @Test func anAdviceEndsAfterItsTime() throws {
    let (stage, _) = try advised("```\nchmod -R a+rwx /srv/data\n```")
    stage.pass(seconds: 7 * 86_400 + 1)
    try stage.human.play("chmod -R a+rwx $D/data")
    #expect(try stage.fileGrant(items: 4)["provenance"].text == "human")
  }
}
