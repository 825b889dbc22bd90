import ByteText
import Glibc
import Grants
import LinuxKit
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

  /// What an agent does to `a`, or the folder `d`, and how the tree shows it.
  struct FileAct: CustomTestStringConvertible {
    var kind: String
    var act: String
    /// Prints the access.
    var look: String
    /// Somebody's change after the revocation, which stays.
    var change: String
    var reason: String

    var testDescription: String { act }
  }

  static let fileActs = [
    FileAct(
      kind: "file-owner", act: "chown 1001 $D/a", look: "stat -c %u:%g:%a $D/a",
      change: "chown 1002 $D/a", reason: "its owner is 1002 now, and was 0"),
    FileAct(
      kind: "file-acl", act: "setfacl -m u:1001:rw $D/a", look: "getfacl -cnp $D/a",
      change: "setfacl -m u:1001:- $D/a", reason: "its access list changed"),
    FileAct(
      kind: "file-acl", act: "setfacl -R -m u:1001:rwX,d:u:1001:rwX $D/d",
      look: "getfacl -Rcnp $D/d", change: "setfacl -m d:u:1001:- $D/d",
      reason: "1 of 2 items are left as they are: file:/srv/d: its access list changed"),
    FileAct(
      kind: "file-capability", act: "setcap cap_net_raw=ep $D/a", look: "getcap $D/a",
      change: "mv $D/a $D/c; cp /bin/true $D/a", reason: "another file stands under its name"),
  ]

  private func look(_ stage: Stage, _ act: FileAct) -> String {
    let line = "D=\(stage.scratch.path)/root/srv PATH=$PATH:/usr/sbin; \(act.look)"
    return String(decoding: Spawn.runAndWait("/bin/sh", ["-c", line]).output, as: UTF8.self)
  }

  /// A stage where the act was played and taken back; what was there before it and with it.
  private func takenBack(_ act: FileAct) throws -> (
    Stage, id: String, before: String, given: String
  ) {
    let stage = try Stage { scratch in
      Scratch.run("/bin/cp", ["/bin/true", "\(scratch.path)/root/srv/a"])
      scratch.chmod("root/srv/a", 0o750)
      scratch.folder("root/srv/d", 0o750)
      scratch.file("root/srv/d/f", 0o640)
    }
    let before = look(stage, act)
    try stage.start()
    try stage.agent(act.act)
    let id = try #require(
      try stage.grant("a grant") { $0["kind"].text == act.kind }["id"].text)
    stage.pass(seconds: 3)
    let given = look(stage, act)
    #expect(given != before)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(look(stage, act) == before)
    return (stage, id, before, given)
  }

  @Test(arguments: fileActs)
  func ownersListsAndCapabilitiesArePutBack(_ act: FileAct) throws {
    let (stage, id, before, given) = try takenBack(act)
    let result = try stage.prolong("Restore", id)
    #expect(result["done"].bool == true, "\(result)")
    #expect(look(stage, act) == given)
    let copy = try #require(
      try stage.grant("the new grant") { $0["state"].text == "approved" }["id"].text)
    // What is put back stands over a crash, and is no news after it.
    crash(stage)
    try stage.start()
    #expect(try stage.show(copy)["state"].text == "approved")
    #expect(try stage.grants().count == 2)
    stage.pass(seconds: 1000)
    #expect(try stage.becomes("ended", copy)["endedBy"].text == "expired")
    #expect(look(stage, act) == before)
    #expect(try stage.grants().count == 2)
  }

  @Test(arguments: fileActs)
  func whatSomebodyChangedSinceIsNotPutBack(_ act: FileAct) throws {
    let (stage, id, _, _) = try takenBack(act)
    try stage.human.play(act.change + "; touch $D/last; chmod 666 $D/last")
    _ = try stage.grant("the human's last act") { $0["object"].text == "file:/srv/last" }
    let left = look(stage, act)
    let result = try stage.prolong("Restore", id)
    #expect(result["status"].text == "failed")
    #expect(result["result"].text?.contains(act.reason) == true, "\(result)")
    let inPart = act.reason.contains("1 of 2")
    #expect((look(stage, act) == left) != inPart)
    let copy = try stage.grant("its record") {
      $0["kind"].text == act.kind && $0["approval"] != .null && $0["id"].text != id
    }
    let shown = try stage.show(copy["id"].text ?? "")
    #expect(shown["state"].text == (inPart ? "approved" : "ended"))
    #expect(
      shown["evidence"].elements.contains {
        $0["text"].text?.contains("not put back: ") == true
      })
  }

  @Test func whatACrashKeptFromBeingPutBackHasEnded() throws {
    let act = Self.fileActs[1]
    let (stage, id, before, _) = try takenBack(act)
    #expect(try stage.prolong("Restore", id)["done"].bool == true)
    let copy = try #require(
      try stage.grant("the new grant") { $0["state"].text == "approved" }["id"].text)
    crash(stage)
    // As if the record were durable and the deed not done.
    Scratch.run("/usr/bin/setfacl", ["-x", "u:1001", "\(stage.scratch.path)/root/srv/a"])
    Scratch.run("/usr/bin/setfacl", ["-b", "\(stage.scratch.path)/root/srv/a"])
    #expect(look(stage, act) == before)
    try stage.start()
    #expect(try stage.becomes("ended", copy)["endedBy"].text == "removed")
  }

  @Test(arguments: [false, true])
  func whatSomebodyElseTookAwayIsNotPutBack(crashed: Bool) throws {
    let stage = try Stage { scratch in
      for name in ["a", "b"] { scratch.file("root/srv/\(name)", 0o600) }
    }
    try stage.start()
    try stage.agent("chmod 644 $D/a $D/b")
    let id = try #require(try stage.fileGrant(items: 2)["id"].text)
    try stage.human.play("chmod 600 $D/b")
    _ = try stage.wait("one is over") {
      let states = try stage.show(id)["itemList"].elements.map { $0["state"].text }
      return states == ["active", "ended"] ? true : nil
    }
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    if crashed {
      crash(stage)
      try stage.start()
    }
    #expect(try stage.prolong("Restore", id)["done"].bool == true)
    #expect(stage.mode("a") == 0o644 && stage.mode("b") == 0o600)
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
