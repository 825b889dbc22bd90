import ByteText
import Glibc
import Scratch
import Testing

/// Putting back what was taken back, and lengthening approvals.
extension EngineLiveTests {
  @Test func whatWasTakenBackIsPutBackAsAnApprovedGrant() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let id = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.members(of: "docker") == "")
    let result = try stage.prolong("Restore", id, seconds: 600)
    #expect(result["done"].bool == true, "\(result)")
    #expect(stage.members(of: "docker") == "eve")
    let copy = try stage.grant("the new grant") { $0["state"].text == "approved" }
    #expect(copy["provenance"].text == "agent-executed")
    #expect(copy["approval"]["by"].text != nil)
    #expect(try stage.grants().count == 2)
    // When the approval ends, it is due again.
    stage.pass(seconds: 1000)
    try stage.becomes("ended", copy["id"].text ?? "")
    #expect(stage.members(of: "docker") == "")
  }

  @Test func modesThatWereTakenBackArePutBack() throws {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.file("root/srv/b", 0o4750)
    }
    try stage.start()
    try stage.agent("chmod o+rx $D/a $D/b")
    let id = try #require(try stage.fileGrant(items: 2)["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o600)
    stage.scratch.remove("root/srv/b")
    #expect(try stage.prolong("Restore", id)["done"].bool == true)
    #expect(stage.mode("a") == 0o605)
    let copy = try stage.grant("the new grant") { $0["state"].text == "approved" }
    stage.pass(seconds: 1000)
    try stage.becomes("ended", copy["id"].text ?? "")
    #expect(stage.mode("a") == 0o600)
    #expect(try stage.grants().count == 2)
  }

  @Test func anAgentPutsNothingBack() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let id = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    let result = try stage.prolong("Restore", id, by: stage.agents)
    #expect(result["status"].text == "refused")
    #expect(stage.members(of: "docker") == "")
  }

  @Test func onlyWhatWasTakenBackIsPutBack() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let id = try #require(
      try stage.grant("a membership") { $0["kind"].text == "group-member" }["id"].text)
    #expect(try stage.prolong("Restore", id)["status"].text == "refused")
    try stage.human.play("usermod --prefix $S/root -rG docker eve")
    try stage.becomes("ended", id)
    #expect(try stage.prolong("Restore", id)["status"].text == "refused")
    #expect(stage.members(of: "docker") == "")
  }

  @Test func anApprovalIsLengthened() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    #expect(try stage.prolong("Extend", id)["status"].text == "refused")
    #expect(try stage.approve(id, seconds: 600)["done"].bool == true)
    stage.pass(seconds: 500)
    #expect(try stage.prolong("Extend", id, seconds: 600, by: stage.agents)["done"].bool == false)
    #expect(try stage.prolong("Extend", id, seconds: 600)["done"].bool == true)
    stage.pass(seconds: 500)
    #expect(try stage.show(id)["state"].text == "approved")
    stage.pass(seconds: 200)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o600)
  }
}

extension Stage {
  /// Asks for what prolongs access; the result for the one id.
  func prolong(
    _ method: String, _ id: String, seconds: Int64 = 600, by actors: Actors? = nil,
    wrapped: String = ""
  ) throws -> JSON {
    let reply = try ask(
      method,
      [("ids", ids(id)), ("reason", .string("on call")), ("seconds", .integer(seconds))],
      by: actors ?? approver, wrapped: wrapped)
    return reply["parameters"]["results"].elements.first ?? reply
  }
}
