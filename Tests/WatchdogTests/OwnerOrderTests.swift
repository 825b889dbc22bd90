import ByteText
import LinuxKit
import Scratch
import Testing

/// A file has one owner: whose grant goes on, and to whom the file goes back, for each order in which
/// humans and agents give it away.
extension EngineLiveTests {
  /// One order, and what is true when every agent's time is over.
  struct OwnerOrder: Sendable, CustomTestStringConvertible {
    /// `h1001`, `a1002`, `b1002`: a human, an agent or another one gives the file to that owner;
    /// `advised1002`: a human does as an agent advised (1002 is eve); `approve`: a human approves what came last;
    /// `touch`: somebody changes the file in another way; `restart`; `crash`.
    var steps: [String]
    var owner: String
    /// The state of the human's first grant.
    var humans: String

    init(_ steps: String..., owner: String, humans: String) {
      (self.steps, self.owner, self.humans) = (steps, owner, humans)
    }

    var testDescription: String { steps.joined(separator: " ") }
  }

  static let ownerOrders = [
    OwnerOrder("a1001", "h1002", owner: "1002", humans: "active"),
    OwnerOrder("h1001", "a1002", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "touch", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "restart", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "crash", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "approve", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "approve", "touch", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "approve", "restart", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "advised1002", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "advised1002", "touch", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "h1001", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "a1001", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "b1003", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "approve", "b1003", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "approve", "touch", "b1003", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "b1001", owner: "1001", humans: "active"),
    OwnerOrder("h1001", "a1002", "approve", "b1001", owner: "1001", humans: "active"),
    OwnerOrder("a1001", "a1002", "h1001", owner: "1001", humans: "active"),
    OwnerOrder("a1001", "h1002", "b1001", owner: "1002", humans: "active"),
    OwnerOrder("a1001", "h1002", "b1003", owner: "1002", humans: "active"),
    OwnerOrder("h1001", "a1002", "h1003", owner: "1003", humans: "ended"),
    OwnerOrder("h1001", "h1002", owner: "1002", humans: "ended"),
    OwnerOrder("h1001", "a0", owner: "0", humans: "ended"),
    OwnerOrder("h1001", "a1002", "a0", owner: "0", humans: "ended"),
    OwnerOrder("h1001", "a1002", "approve", "a0", owner: "0", humans: "ended"),
  ]

  @Test(arguments: ownerOrders)
  func anOwnerIsKeptAsLongAsOneOfItsCauses(_ order: OwnerOrder) throws {
    let stage = try Stage(
      """
      [Approval]
      Authenticate=no
      [Rule agents]
      Provenance=agent-executed agent-advised
      TTL=15min
      OnDeadline=revoke

      """
    ) { $0.file("root/srv/a", 0o640) }
    let another = try Actors(
      stage.scratch, "another", loginUID: 4711, program: "\(stage.scratch.path)/claude/claude")
    try stage.start()
    func owner() -> String {
      let result = Spawn.runAndWait(
        "/usr/bin/stat", ["--printf=%u", "\(stage.scratch.path)/root/srv/a"])
      return String(decoding: result.output, as: UTF8.self)
    }
    func grants() throws -> [JSON] {
      try stage.grants().filter { $0["kind"].text == "file-owner" }
    }
    var humans: String?
    for step in order.steps {
      let known = try grants().count
      let chown = "chown \(step.filter(\.isNumber)) $D/a"
      switch step.prefix(while: \.isLetter) {
      case "h": try stage.human.play(chown)
      case "a": try stage.agent(chown)
      case "b": try another.play(chown)
      case "advised":
        _ = try stage.call(
          "AddAdvice",
          [
            ("agent", .string("forum-helper")), ("audience", .string("bob")),
            ("text", .string("```\nchown eve /srv/a\n```")),
          ])
        try stage.human.play(chown)
      case "approve":
        // `grants` gives the newest first.
        let id = try #require(try grants().first?["id"].text)
        #expect(try stage.approve(id, seconds: 3600)["done"].bool == true)
      case "touch":
        try stage.human.play("chmod 640 $D/a; chmod o+r $D/a")
        _ = try stage.grant("another change") { $0["kind"].text == "file-mode" }
      case "restart":
        stage.stop()
        try stage.start()
      default:
        crash(stage)
        try stage.start()
      }
      if step.contains(where: \.isNumber) {
        // An owner that was there before is no grant: what came must be known all the same.
        try stage.human.play("chmod o-r $D/a; chmod o+r $D/a")
        _ = try stage.wait("what follows it") {
          try stage.grants().first {
            $0["kind"].text == "file-mode" && $0["state"].text == "active"
          }
        }
        try stage.human.play("chmod o-r $D/a")
        _ = try stage.wait("it is over") {
          try stage.grants().contains {
            $0["kind"].text == "file-mode" && $0["state"].text == "active"
          }
            ? nil : true
        }
      }
      if step.hasPrefix("h"), humans == nil, try grants().count > known {
        humans = try grants().first?["id"].text
      }
      stage.pass(seconds: 3)
    }
    stage.pass(seconds: 3601)
    stage.pass(seconds: 901)
    _ = try stage.wait("the agents' have ended") {
      try grants().allSatisfy {
        $0["provenance"].text == "human" || $0["state"].text == "ended"
      } ? true : nil
    }
    #expect(owner() == order.owner)
    let state = try stage.show(try #require(humans))["state"].text
    #expect(state == order.humans)
    // Nothing goes on behind the last of them.
    if let humans, state == "active" {
      _ = try stage.call("Revoke", [("ids", stage.ids(humans))])
      try stage.becomes("ended", humans)
      #expect(owner() == "0")
    }
  }
}
