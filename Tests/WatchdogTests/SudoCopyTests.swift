import ByteText
import Control
import LinuxKit
import Scratch
import Testing

/// The same rule twice in one file of sudoers: two causes of one access.
extension EngineLiveTests {
  /// One order of copies, and what is left when the agents' time is over.
  struct SudoCopies: Sendable, CustomTestStringConvertible {
    /// `there`: the rule is there before anything is watched; `agent`, `human`: who writes it once
    /// more; `down`: an agent does so while nobody watches; `less`: a human takes one copy out;
    /// `revoke`: the human's grant is taken back as asked.
    var steps: [String]
    var left: Int
    /// How the agent's and the human's grants ended; nil for those that are active, empty for none.
    var agents: String?
    var humans: String?
    var keys = ""

    var testDescription: String { steps.joined(separator: " ") + keys }
  }

  static let sudoCopies = [
    SudoCopies(steps: ["agent", "agent"], left: 0, agents: "expired", humans: ""),
    SudoCopies(steps: ["agent", "down"], left: 0, agents: "expired", humans: ""),
    SudoCopies(steps: ["agent", "agent", "less"], left: 0, agents: "expired", humans: ""),
    SudoCopies(steps: ["agent", "human"], left: 1, agents: "superseded"),
    SudoCopies(steps: ["agent", "agent", "human"], left: 1, agents: "superseded"),
    SudoCopies(steps: ["agent", "human", "agent"], left: 1, agents: "superseded"),
    SudoCopies(steps: ["agent", "human", "restart"], left: 1, agents: "superseded"),
    SudoCopies(steps: ["agent", "human", "less"], left: 1, agents: "removed"),
    SudoCopies(
      steps: ["agent", "human", "revoke"], left: 0, agents: "expired", humans: "superseded"),
    SudoCopies(steps: ["human", "agent"], left: 1, agents: "superseded"),
    SudoCopies(steps: ["human", "agent", "less"], left: 1, agents: "removed"),
    SudoCopies(
      steps: ["human", "agent", "revoke"], left: 0, agents: "expired", humans: "superseded"),
    SudoCopies(steps: ["human", "human"], left: 2, agents: ""),
    SudoCopies(steps: ["there", "agent"], left: 1, agents: "superseded", humans: ""),
    SudoCopies(steps: ["there", "agent", "agent"], left: 1, agents: "superseded", humans: ""),
    SudoCopies(steps: ["there", "human"], left: 2, agents: "", humans: ""),
    SudoCopies(
      steps: ["agent", "human"], left: 1, agents: "superseded", keys: "NativeExpiry=yes"),
    SudoCopies(
      steps: ["human", "agent"], left: 1, agents: "superseded", keys: "NativeExpiry=yes"),
    SudoCopies(
      steps: ["agent", "agent"], left: 0, agents: "expired", humans: "", keys: "NativeExpiry=yes"),
  ]

  private static let copied = "eve ALL=(ALL) /bin/ls"

  private func rules(_ stage: Stage) -> [String] {
    (stage.text("root/etc/sudoers.d/x") ?? "").split(separator: "\n").map(String.init)
      .filter { $0.contains("eve") }
  }

  @Test(arguments: sudoCopies)
  func aRuleIsKeptAsLongAsOneOfItsCopies(_ copies: SudoCopies) throws {
    let isThere = copies.steps.first == "there"
    let stage = try Stage(Stage.revoking(copies.keys)) { scratch in
      scratch.folder("root/etc/sudoers.d")
      scratch.file(
        "root/etc/sudoers", 0o440, text: "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
      scratch.file(
        "root/etc/sudoers.d/x", 0o440, text: "# kept\n" + (isThere ? "\(Self.copied)\n" : ""))
    }
    try stage.start()
    func grant(_ provenance: String) throws -> JSON? {
      try stage.grants().first {
        $0["kind"].text == "sudo-rule" && $0["provenance"].text == provenance
      }
    }
    /// A rule beside it, for what comes before it must be known when that one is.
    var others = 0
    func isKnown() throws {
      others += 1
      try stage.human.play("echo 'bob ALL=(ALL) /bin/\(others)' >>$S/root/etc/sudoers.d/x")
      _ = try stage.grant("the rule behind it") {
        $0["subject"].text == "user:bob" && $0["right"].text?.hasSuffix("/\(others)") == true
      }
    }
    for step in copies.steps {
      let write = "echo '\(Self.copied)' >>$S/root/etc/sudoers.d/x"
      switch step {
      case "there": continue
      case "agent": try stage.agent(write)
      case "human": try stage.human.play(write)
      case "restart":
        stage.stop()
        try stage.start()
      case "down":
        stage.stop()
        try stage.agent(write)
        try stage.start()
      case "less":
        try stage.human.play(
          "cd $S; perl -ne 'print unless /^eve/ && !$n++' root/etc/sudoers.d/x >new; chmod 440 new;"
            + " mv new root/etc/sudoers.d/x")
      default:
        let id = try #require(
          try stage.grants().first {
            $0["provenance"].text == "human" && $0["subject"].text == "user:eve"
          }?["id"].text)
        _ = try stage.call("Revoke", [("ids", stage.ids(id))])
        try stage.becomes("ended", id)
        _ = try stage.wait("one copy") { rules(stage).count == 1 ? true : nil }
      }
      // Who wrote while a look went on counts for the next one too.
      try isKnown()
      try isKnown()
      stage.pass(seconds: 3)
      // A copy of another's rule gets none.
      guard !copies.keys.isEmpty, copies.steps.first == "agent" else { continue }
      _ = try stage.wait("its own end") { try grant("agent-executed")?["nativeExpiry"].text }
    }
    stage.pass(seconds: 901)
    func outcome(_ provenance: String) throws -> String? {
      let found = try stage.grants().filter {
        $0["provenance"].text == provenance && $0["subject"].text == "user:eve"
      }
      #expect(found.count <= 1)
      guard let grant = found.first else { return "" }
      return grant["state"].text == "active" ? nil : grant["endedBy"].text
    }
    _ = try stage.wait("the agent's has ended") {
      try outcome("agent-executed") == nil ? nil : true
    }
    #expect(try outcome("agent-executed") == copies.agents)
    #expect(try outcome("human") == copies.humans)
    _ = try stage.wait("\(copies.left) copies: \(rules(stage))") {
      rules(stage).count == copies.left ? true : nil
    }
    #expect(rules(stage).allSatisfy { $0 == Self.copied })
    #expect(stage.text("root/etc/sudoers.d/x")?.hasPrefix("# kept\n") == true)
    // Nothing goes on behind the last of them.
    if copies.humans == nil, copies.left == 1 {
      let id = try #require(
        try stage.grants().first {
          $0["provenance"].text == "human" && $0["subject"].text == "user:eve"
        }?["id"].text)
      _ = try stage.call("Revoke", [("ids", stage.ids(id))])
      try stage.becomes("ended", id)
      #expect(rules(stage).isEmpty)
    }
  }
}
