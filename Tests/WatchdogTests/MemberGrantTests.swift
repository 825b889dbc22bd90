import ByteText
import Glibc
import Scratch
import Testing

/// Memberships, by the real tools on account files of the tree.
extension EngineLiveTests {
  /// adduser(8) makes the group first.
  @Test func thePrivateGroupOfANewAccountGivesNothing() throws {
    let stage = try Stage()
    try stage.start()
    let root = "--prefix $S/root"
    try stage.agent(
      "groupadd \(root) ann && sleep 0.3 && useradd \(root) -M -g ann ann"
        + " && usermod \(root) -aG docker ann")
    let grant = try stage.grant("a membership") { $0["object"].text == "group:docker" }
    #expect(grant["subject"].text == "user:ann")
    #expect(!(try stage.grants().contains { $0["object"].text == "group:ann" }))
  }

  @Test func aMemberThatAHumanAddedStays() throws {
    let stage = try Stage()
    try stage.start()
    try stage.human.play("usermod --prefix $S/root -aG audio eve")
    let grant = try stage.grant("a membership") { $0["kind"].text == "group-member" }
    #expect(grant["provenance"].text == "human")
    stage.pass(seconds: 86_400)
    #expect(stage.members(of: "audio") == "eve")
  }

  @Test func aMemberThatSomebodyElseRemovedIsRemoved() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve")
    let grant = try stage.grant("a membership") { $0["kind"].text == "group-member" }
    try stage.human.play("usermod --prefix $S/root -rG docker eve")
    let ended = try stage.becomes("ended", grant["id"].text ?? "")
    #expect(ended["endedBy"].text == "removed")
  }

  @Test func oneGoOnTwoKindsIsOneIncident() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker eve; chmod 666 $D/a")
    let grants = try stage.wait("two grants") {
      let grants = try stage.grants()
      return grants.count == 2 ? grants : nil
    }
    #expect(Set(grants.map { $0["incident"].text }).count == 1)
    let incident = try #require(grants[0]["incident"].text)
    let results = try stage.call("Revoke", [("ids", stage.ids(incident))])["results"].elements
    #expect(results.map { $0["result"].text } == ["revoked", "revoked"])
    #expect(stage.mode("a") == 0o600)
    #expect(stage.members(of: "docker") == "")
    for grant in grants {
      #expect(try stage.show(grant["id"].text ?? "")["endedBy"].text == "revoked")
    }
  }
}
