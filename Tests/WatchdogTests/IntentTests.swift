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
  func approved(
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
  func both(
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

  func isUnapproved(_ grant: JSON, beyond advice: String, _ stage: Stage) throws {
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
