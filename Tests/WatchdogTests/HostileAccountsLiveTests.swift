import ByteText
import Glibc
import Scratch
import Testing

/// Renames and our own work on the account files.
extension EngineLiveTests {
  @Test func aRenamedAccountDoesNotShedTheGrantOfAnAgent() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -aG docker bob")
    let id = try #require(
      try stage.grant("bob in docker") { $0["object"].text == "group:docker" }["id"].text)
    try stage.human.play("usermod --prefix $S/root -l bobby bob")
    _ = try stage.wait("the grant under the new name") {
      try stage.show(id)["subject"].text == "user:bobby" ? true : nil
    }
    #expect(stage.members(of: "docker") == "bobby")
    #expect(try stage.grants().filter { $0["object"].text == "group:docker" }.count == 1)
    stage.pass(seconds: 3)
    stage.pass(seconds: 1800)
    try stage.becomes("ended", id)
    #expect(stage.members(of: "docker") == "")
  }

  @Test func aPrimaryGroupThatWeSetBackIsNoNewGrant() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("usermod --prefix $S/root -g 999 eve")
    let id = try #require(
      try stage.grant("eve in docker") { $0["object"].text == "group:docker" }["id"].text)
    stage.pass(seconds: 3)
    stage.pass(seconds: 1800)
    try stage.becomes("ended", id)
    try stage.agent("usermod --prefix $S/root -aG audio eve")
    _ = try stage.grant("eve in audio") { $0["object"].text == "group:audio" }
    #expect(try stage.grants().count == 2)
  }
}
