import ByteText
import Glibc
import LinuxKit
import Scratch
import Testing

/// What came of an approved advice and goes beyond it, kind by kind: a grant of its own, which is taken
/// back alone.
extension EngineLiveTests {
  private func revoke(_ grant: JSON, _ stage: Stage) throws {
    let id = try #require(grant["id"].text)
    let result = try stage.call("Revoke", [("ids", stage.ids(id))])["results"].elements.first
    #expect(result?["done"].bool == true, "\(String(describing: result))")
  }

  private func state(_ grant: JSON, _ stage: Stage) throws -> String? {
    try stage.show(grant["id"].text ?? "")["state"].text
  }

  @Test func anEntryOfAnAccessListIsDividedByItsRights() throws {
    let (stage, advice) = try approved("Run `setfacl -m u:bob:r /srv/other`.")
    func list() throws -> String {
      try stage.human.play("getfacl -cnpE $D/other >$S/out/list")
      return (stage.text("out/list") ?? "").split(separator: "\n")
        .filter { $0.hasPrefix("user:") || $0.hasPrefix("mask") }.joined(separator: " ")
    }
    try stage.human.play("setfacl -m u:1001:rwx $D/other")
    let (first, second) = try both(stage, of: "file-acl")
    #expect(first["right"].text == "read")
    #expect(second["right"].text == "write execute")
    try isUnapproved(second, beyond: advice, stage)
    _ = try stage.call("Revoke", [("ids", stage.ids(second["id"].text ?? ""))])
    #expect(try list() == "user::rw- user:1001:r-- mask::r--")
    #expect(try stage.show(first["id"].text ?? "")["state"].text == "approved")
    stage.pass(seconds: 3601)
    _ = try stage.call("Revoke", [("ids", stage.ids(first["id"].text ?? ""))])
    #expect(try list() == "user::rw-")
    #expect(try stage.grants().count == 2)
  }

  // MARK: Capabilities

  private func capabilities(_ stage: Stage) throws -> String {
    try stage.human.play("getcap -n $D/other | sed 's/^[^ ]* //' >$S/out/capabilities")
    let lines = (stage.text("out/capabilities") ?? "").split(separator: "\n")
    return lines.first.map(String.init) ?? ""
  }

  @Test func capabilitiesAreDividedOneByOne() throws {
    let (stage, advice) = try approved("Run `setcap cap_net_bind_service+ep /srv/other`.")
    try stage.human.play("setcap cap_net_bind_service,cap_sys_admin+ep $D/other")
    let (first, second) = try both(stage, of: "file-capability")
    #expect(first["right"].text == "cap_net_bind_service=ep")
    #expect(first["after"].text == "cap_net_bind_service=ep")
    #expect(second["right"].text == "cap_sys_admin=ep")
    #expect(second["before"].text == "cap_net_bind_service=ep")
    #expect(second["after"].text == "cap_net_bind_service,cap_sys_admin=ep")
    #expect(second["severity"].text == "critical")
    try isUnapproved(second, beyond: advice, stage)
    stage.stop()
    try stage.start()
    try revoke(second, stage)
    #expect(try capabilities(stage) == "cap_net_bind_service=ep")
    #expect(try state(first, stage) == "approved")
    stage.pass(seconds: 3601)
    try revoke(first, stage)
    #expect(try capabilities(stage) == "")
    #expect(try stage.grants().count == 2)
  }

  @Test func whatIsApprovedOfCapabilitiesMayEndBeforeTheRest() throws {
    let (stage, _) = try approved("Run `setcap cap_net_raw=ep /srv/other`.")
    try stage.human.play("setcap cap_net_raw,cap_net_admin=ep $D/other")
    let (first, second) = try both(stage, of: "file-capability")
    // The flag that puts them in force came with the approved one, and is no agent's to keep.
    try revoke(first, stage)
    #expect(try capabilities(stage) == "cap_net_admin=p")
    #expect(try state(second, stage) == "active")
    try revoke(second, stage)
    #expect(try capabilities(stage) == "")
  }

  @Test func aCapabilityThatWasNotApprovedIsNoPart() throws {
    let (stage, _) = try approved("Run `setcap cap_net_raw=p /srv/other`.")
    try stage.human.play("setcap cap_net_raw=ep $D/other")
    let (first, second) = try both(stage, of: "file-capability")
    #expect(first["right"].text == "cap_net_raw=p")
    try revoke(second, stage)
    #expect(try capabilities(stage) == "cap_net_raw=p")
    #expect(try state(first, stage) == "approved")
  }

  // MARK: Rules of sudo

  private static let line = "eve ALL=(ALL) /bin/systemctl restart nginx"
  private static let advised = "Run `echo '\(line)' | sudo tee /etc/sudoers.d/eve`."

  private func writes(_ line: String, _ stage: Stage) throws {
    try stage.human.play("echo '\(line)' >$S/root/etc/sudoers.d/eve")
  }

  private func rules(_ stage: Stage) -> [String] {
    (stage.text("root/etc/sudoers.d/eve") ?? "").split(separator: "\n").map(String.init)
      .filter { !$0.hasPrefix("#") }
  }

  @Test(
    "A rule that holds the approved one is taken back to that",
    arguments: [
      "eve ALL=(ALL) NOPASSWD: /bin/systemctl", "eve ALL=(ALL) ALL",
      "eve ALL=(ALL) NOPASSWD: ALL", "eve ALL=(ALL) /bin/systemctl restart nginx, /bin/sh",
      "eve ALL=(ALL) NOPASSWD: /bin/systemctl restart nginx",
    ])
  func widerSudoRule(line: String) throws {
    let (stage, advice) = try approved(Self.advised, prepare: Self.furnish)
    try writes(line, stage)
    let (first, second) = try both(stage, of: "sudo-rule")
    #expect(first["right"].text == "/bin/systemctl restart nginx")
    #expect(first["after"].text == Self.line)
    #expect(second["before"].text == Self.line)
    #expect(second["after"].text == line)
    try isUnapproved(second, beyond: advice, stage)
    stage.stop()
    try stage.start()
    #expect(try state(first, stage) == "approved")
    try revoke(second, stage)
    #expect(rules(stage) == [Self.line])
    #expect(try stage.becomes("ended", second["id"].text ?? "")["endedBy"].text == "revoked")
    stage.pass(seconds: 10)
    #expect(try state(first, stage) == "approved")
    #expect(try stage.grants().count == 2)
    try revoke(first, stage)
    #expect(rules(stage) == [])
    #expect(try state(first, stage) == "ended")
  }

  @Test func anApprovalThatEndsFirstTakesNothingOfTheRestAlong() throws {
    let (stage, _) = try approved(Self.advised, prepare: Self.furnish)
    try writes("eve ALL=(ALL) ALL", stage)
    let (first, second) = try both(stage, of: "sudo-rule")
    try revoke(first, stage)
    #expect(rules(stage) == ["eve ALL=(ALL) ALL"])
    try revoke(second, stage)
    #expect(rules(stage) == [])
  }

  @Test func aRuleThatSomebodyTakesAwayEndsBothParts() throws {
    let (stage, _) = try approved(Self.advised, prepare: Self.furnish)
    try writes("eve ALL=(ALL) ALL", stage)
    let (first, second) = try both(stage, of: "sudo-rule")
    try stage.human.play("rm $S/root/etc/sudoers.d/eve")
    for grant in [first, second] {
      #expect(try stage.becomes("ended", grant["id"].text ?? "")["endedBy"].text == "removed")
    }
  }

  @Test func aRuleThatSomebodyNarrowsToTheApprovedOneIsThat() throws {
    let (stage, _) = try approved(Self.advised, prepare: Self.furnish)
    try writes("eve ALL=(ALL) ALL", stage)
    let (first, second) = try both(stage, of: "sudo-rule")
    try writes(Self.line, stage)
    #expect(try stage.becomes("ended", second["id"].text ?? "")["endedBy"].text == "removed")
    #expect(try state(first, stage) == "approved")
    try revoke(first, stage)
    #expect(rules(stage) == [])
  }

  @Test func theApprovedRuleThatIsThenWidenedIsPutBack() throws {
    let (stage, _) = try approved(Self.advised, prepare: Self.furnish)
    try writes(Self.line, stage)
    let first = try stage.grant("the approved rule") { $0["state"].text == "approved" }
    stage.pass(seconds: 70)
    try stage.agent("echo 'eve ALL=(ALL) NOPASSWD: ALL' >$S/root/etc/sudoers.d/eve")
    let second = try stage.grant("the wider rule") { $0["id"] != first["id"] }
    #expect(second["state"].text == "active")
    #expect(second["before"].text == Self.line)
    #expect(second["intent"]["fit"].text == "wider")
    stage.pass(seconds: 901)
    try stage.becomes("ended", second["id"].text ?? "")
    #expect(rules(stage) == [Self.line])
    #expect(try state(first, stage) == "approved")
  }

  @Test(
    "A rule of which nobody can say that it holds the approved one is taken back whole",
    arguments: [
      "eve ALL=(bob) NOPASSWD: ALL", "eve ALL=(ALL) ALL, !/bin/sh",
    ])
  func undividedSudoRule(line: String) throws {
    let (stage, advice) = try approved(Self.advised, prepare: Self.furnish)
    try writes(line, stage)
    let grant = try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }
    #expect(grant["before"].text == "absent")
    try isUnapproved(grant, beyond: advice, stage)
    try revoke(grant, stage)
    #expect(rules(stage) == [])
    // What was approved may still come.
    try writes(Self.line, stage)
    _ = try stage.grant("the approved rule") {
      $0["kind"].text == "sudo-rule" && $0["state"].text == "approved"
    }
  }

  @Test func whatStoodThereIsNotLostForThePartThatWasApproved() throws {
    let (stage, _) = try approved(Self.advised) { scratch in
      Self.furnish(scratch)
      scratch.file("root/etc/sudoers.d/eve", 0o440, text: "eve ALL=(ALL) /bin/id\n")
    }
    try writes("eve ALL=(ALL) ALL", stage)
    let grant = try stage.grant("a rule") { $0["intent"]["fit"].text == "wider" }
    try revoke(grant, stage)
    #expect(rules(stage) == ["eve ALL=(ALL) /bin/id"])
  }
}
