import ByteText
import Grants
import Testing

@Suite struct AdviceJSONTests {
  private let now = Moment(
    wall: Timestamp(microseconds: 1_795_341_601_000_000), up: 40_000_000, boot: "b1")

  private func example() -> Advice {
    var advice = Advice(
      id: "a-7xk2", agent: "forum-helper", time: now.wall,
      until: Deadline(TimeSpan(seconds: 60), after: now), submittedBy: 1001,
      text: "Run:\n\n    sudo chmod -R 777 /srv/data")
    advice.audience = "bob"
    advice.url = "https://forum.example/t/4711"
    advice.changes = [
      ProposedChange(
        kind: .fileMode, subject: "everyone", object: "file:/srv/data",
        right: "read write execute", recursive: true, command: "sudo chmod -R 777 /srv/data")
    ]
    advice.matched = ["g-4kq7m2"]
    return advice
  }

  @Test("An advice has the shape of the contract")
  func contract() throws {
    var writer = JSONWriter()
    example().write(to: &writer, at: now)
    let json = try JSON.parse(writer.bytes)
    let names = json.members.map(\.name)
    for name in [
      "id", "agent", "model", "session", "audience", "url", "time", "until", "submittedBy",
      "parent", "changes", "matched", "text",
    ] { #expect(names.contains(name), "\(name)") }
    #expect(json["model"].isNull)
    #expect(json["submittedBy"].integer == 1001)
    #expect(json["until"].text == "2026-11-22T10:01:01.000Z")
    let change = try #require(json["changes"].elements.first)
    #expect(change["recursive"].bool == true)
    #expect(change["command"].text == "sudo chmod -R 777 /srv/data")
  }

  @Test("A record gives the same advice back")
  func record() throws {
    var advice = example()
    advice.model = "m"
    advice.session = "s"
    advice.parent = "a-0000"
    advice.approval = Approval(
      by: "carol", byUID: 0, byLoginUID: 5, time: now.wall, until: advice.until, reason: "",
      proof: "none")
    for wanted in [example(), advice] {
      var writer = JSONWriter()
      wanted.writeRecord(to: &writer)
      #expect(Advice(record: try JSON.parse(writer.bytes)) == wanted)
    }
  }

  @Test("A moment and a deadline come back; a moment before its boot does not")
  func moments() throws {
    var writer = JSONWriter()
    now.writeRecord(to: &writer)
    #expect(Moment(record: try JSON.parse(writer.bytes)) == now)
    #expect(Deadline(record: try JSON.parse(writer.bytes))?.up == now.up)
    let early = JSON.object([
      JSONMember("wall", .integer(0)), JSONMember("up", .integer(-1)),
      JSONMember("boot", .string("b")),
    ])
    #expect(Moment(record: early) == nil)
    #expect(Deadline(record: early)?.up == -1)
  }
}
