import ByteText
import Grants
import Scratch
import Testing
import Watchdog

/// Access on another system, of which a log file tells.
extension EngineLiveTests {
  private func stage() throws -> Stage {
    let stage = try Stage { scratch in
      scratch.file("out/k8s.log", 0o640)
      scratch.file(
        "etc/agents.d/cluster.conf", 0o644,
        text: "[Agent]\nName=cluster-agent\n[Match]\nUser=system:serviceaccount:agents:claude\n")
    }
    stage.configure(
      Stage.configuration
        + "[LogFile kubernetes]\nPath=\(stage.scratch.path)/out/k8s.log\nFormat=kubernetes-audit\n")
    return stage
  }

  private func add(_ stage: Stage, _ verb: String, subjects: [String], user: String = "alice") {
    let list = subjects.map { #"{"kind":"User","name":"\#($0)"}"# }.joined(separator: ",")
    let line =
      #"{"kind":"Event","stage":"ResponseComplete","verb":"\#(verb)","user":{"username":"\#(user)"},"objectRef":{"resource":"rolebindings","namespace":"prod","name":"wide"},"responseStatus":{"code":200},"responseObject":{"roleRef":{"kind":"Role","name":"edit"},"subjects":[\#(list)]}}"#
    stage.scratch.remove("out/next")
    stage.scratch.file("out/next", 0o640, text: line)
    Scratch.run(
      "/bin/sh",
      [
        "-c",
        "cat \(stage.scratch.path)/out/next >>\(stage.scratch.path)/out/k8s.log;"
          + "echo >>\(stage.scratch.path)/out/k8s.log",
      ])
  }

  private func told(_ stage: Stage, _ subject: String, _ state: String) throws -> JSON {
    for _ in 0..<3 { stage.pass(seconds: 1) }
    return try stage.grant("\(subject) \(state)") {
      $0["kind"].text == "connector:kubernetes" && $0["subject"].text == subject
        && $0["state"].text == state
    }
  }

  @Test func aRoleBindingIsAGrantThatIsToldOf() throws {
    let stage = try stage()
    try stage.start()
    add(stage, "create", subjects: ["bob"])
    let grant = try told(stage, "user:bob", "active")
    #expect(grant["object"].text == "kubernetes:rolebinding/prod/wide")
    #expect(grant["right"].text == "Role/edit" && grant["provenance"].text == "unknown")
    #expect(grant["actor"]["user"].text == "alice")
    let id = try #require(grant["id"].text)
    let refused = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
    #expect(refused?["status"].text == "refused")
    #expect(refused?["result"].text?.contains("not taken back from here") == true)
    add(stage, "patch", subjects: ["eve"])
    _ = try told(stage, "user:bob", "ended")
    _ = try told(stage, "user:eve", "active")
    stage.stop()
    add(stage, "delete", subjects: [])
    try stage.start()
    _ = try told(stage, "user:eve", "ended")
    #expect(try stage.grants().count == 2)
  }

  @Test func anAgentsBindingIsItsOwnAndOverdueItIsOnlyReported() throws {
    let stage = try stage()
    try stage.start()
    add(stage, "create", subjects: ["bob"], user: "system:serviceaccount:agents:claude")
    let grant = try told(stage, "user:bob", "active")
    #expect(grant["provenance"].text == "agent-executed" && grant["confidence"].text == "strong")
    #expect(grant["agent"]["name"].text == "cluster-agent")
    let id = try #require(grant["id"].text)
    stage.pass(seconds: 1000)
    let overdue = try stage.wait("overdue") { try stage.events("grant.expired").first }
    #expect(overdue["grant"].text == id)
    #expect(try stage.show(id)["state"].text == "active")
    stage.stop()
    try stage.start()
    #expect(try stage.grants().count == 1)
  }
}
