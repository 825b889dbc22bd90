import ByteText
import Glibc
import Grants
import LinuxKit
import Scratch
import Testing

/// Grants of owners, access lists and capabilities from their act to their end.
extension EngineLiveTests {
  private func output(_ program: String, _ arguments: String...) -> String {
    String(decoding: Spawn.runAndWait(program, arguments).output, as: UTF8.self)
  }

  private func acl(_ stage: Stage, _ name: String) -> String {
    output("/usr/bin/getfacl", "-Rcnp", "\(stage.scratch.path)/root/srv/\(name)")
  }

  private func owner(_ stage: Stage, _ name: String) -> String {
    output("/usr/bin/stat", "-c", "%u:%g", "\(stage.scratch.path)/root/srv/\(name)")
      .trimmed
  }

  private func capabilities(_ stage: Stage, _ name: String) -> String {
    let path = "\(stage.scratch.path)/root/srv/\(name)"
    return String(output("/usr/sbin/getcap", path).trimmed.dropFirst(path.utf8.count + 1))
  }

  private func grant(_ stage: Stage, _ kind: GrantKind, items: Int64 = 1) throws -> JSON {
    try stage.grant("a grant of \(kind.rawValue)") {
      $0["kind"].text == kind.rawValue && $0["items"].integer == items
    }
  }

  @Test func setfaclOfAnAgentIsOneGrantAndTakenBack() throws {
    let stage = try Stage { scratch in
      scratch.folder("root/srv/data", 0o750)
      for name in ["a", "b", "c"] { scratch.file("root/srv/data/\(name)", 0o640) }
    }
    let before = acl(stage, "data")
    try stage.start()
    try stage.agent("setfacl -R -m u:1001:rwX,d:u:1001:rwX $D/data")
    let grant = try grant(stage, .fileACL, items: 4)
    let id = try #require(grant["id"].text)
    #expect(grant["subject"].text == "user:bob")
    #expect(grant["object"].text == "file:/srv/data")
    #expect(grant["right"].text == "read write execute")
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["severity"].text == "medium")
    #expect(try stage.grants().count == 1)
    let items = try stage.show(id)["itemList"].elements
    #expect(
      items.first { $0["object"].text == "file:/srv/data/a" }?["after"].text
        == "user:bob:rw-,mask::rw-")
    stage.pass(seconds: 901)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(acl(stage, "data") == before)
    #expect(stage.mode("data") == 0o750 && stage.mode("data/a") == 0o640)
    // Given again it is a new grant.
    try stage.agent("setfacl -m u:1001:rw $D/data/a")
    _ = try stage.grant("a second grant") { $0["id"].text != id && $0["items"].integer == 1 }
  }

  @Test func chownOfAnAgentIsAGrantForEachWhoGains() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    try stage.start()
    try stage.agent("chown 1001:50 $D/a")
    let grants = try stage.wait("two grants") {
      let grants = try stage.grants()
      return grants.count == 2 ? grants : nil
    }
    #expect(Set(grants.compactMap { $0["subject"].text }) == ["user:bob", "group:staff"])
    #expect(grants.allSatisfy { $0["kind"].text == "file-owner" })
    #expect(grants.allSatisfy { $0["before"].text == "root:root" })
    #expect(grants.allSatisfy { $0["after"].text == "bob:staff" })
    stage.pass(seconds: 901)
    for grant in grants { try stage.becomes("ended", grant["id"].text ?? "") }
    #expect(owner(stage, "a") == "0:0")
    #expect(stage.mode("a") == 0o640)
  }

  @Test func capabilitiesOfAnAgentAreTakenOffAndStandingOnesShown() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b"] {
        Scratch.run("/bin/cp", ["/bin/true", "\(scratch.path)/root/srv/\(name)"])
      }
      Scratch.run("/usr/sbin/setcap", ["cap_net_raw=ep", "\(scratch.path)/root/srv/b"])
    }
    try stage.start()
    let standing = try stage.grants(standing: true).first {
      $0["kind"].text == "file-capability"
    }
    #expect(standing?["object"].text == "file:/srv/b")
    #expect(standing?["right"].text == "cap_net_raw=ep")
    try stage.agent("setcap cap_net_admin,cap_setuid=ep $D/a")
    let grant = try grant(stage, .fileCapability)
    #expect(grant["subject"].text == "everyone")
    #expect(grant["right"].text == "cap_setuid,cap_net_admin=ep")
    #expect(grant["severity"].text == "critical")
    stage.pass(seconds: 901)
    try stage.becomes("ended", grant["id"].text ?? "")
    #expect(capabilities(stage, "a") == "" && capabilities(stage, "b") == "cap_net_raw=ep")
  }

  // MARK: Law 3

  /// Who comes second.
  enum Second: String, CaseIterable, Sendable { case agent, human, approved }

  private struct Overlap {
    let kind: GrantKind
    let prepare: String
    let first: String
    let second: String
    let state: (Stage) -> String
    let plain: String
  }

  private func overlap(_ kind: GrantKind) -> Overlap {
    switch kind {
    case .fileACL:
      Overlap(
        kind: kind, prepare: "", first: "setfacl -m u:1001:rw $D/a",
        second: "setfacl -m u:1001:rwx $D/a", state: { acl($0, "a") },
        plain: "user::rw-\ngroup::r--\nother::---\n\n")
    case .fileOwner:
      Overlap(
        kind: kind, prepare: "", first: "chown 1001 $D/a", second: "chown 1002 $D/a",
        state: { owner($0, "a") }, plain: "0:0")
    default:
      Overlap(
        kind: kind, prepare: "", first: "setcap cap_net_raw=ep $D/a",
        second: "setcap cap_net_raw,cap_net_admin=ep $D/a", state: { capabilities($0, "a") },
        plain: "")
    }
  }

  @Test(
    arguments: [GrantKind.fileACL, .fileOwner, .fileCapability],
    Second.allCases.flatMap { second in [true, false].map { (second, $0) } })
  func overlapsEndWithTheLast(kind: GrantKind, how: (second: Second, firstFirst: Bool)) throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    let another = try Actors(
      stage.scratch, "another", loginUID: 4711, program: "\(stage.scratch.path)/claude/claude")
    let overlap = overlap(kind)
    try stage.start()
    try stage.agent(overlap.first)
    let first = try #require(try grant(stage, kind)["id"].text)
    try (how.second == .human ? stage.human : another).play(overlap.second)
    let second = try #require(
      try stage.grant("a second grant") {
        $0["kind"].text == kind.rawValue && $0["id"].text != first
      }["id"].text)
    if how.second == .approved {
      #expect(try stage.approve(second, seconds: 3600)["done"].bool == true)
    }
    let both = overlap.state(stage)
    func revoke(_ id: String) throws {
      if try stage.show(id)["state"].text == "ended" { return }
      _ = try stage.call("Revoke", [("ids", stage.ids(id))])
      try stage.becomes("ended", id)
    }
    try revoke(how.firstFirst ? first : second)
    let between = overlap.state(stage)
    if how.firstFirst, kind == .fileOwner {
      // What the second took the place of had ended with it.
      #expect(between == both)
    } else {
      #expect(between != both && between != overlap.plain || kind == .fileOwner, "\(between)")
    }
    try revoke(how.firstFirst ? second : first)
    #expect(overlap.state(stage) == overlap.plain)
    #expect(stage.mode("a") == 0o640)
  }

  @Test func aHumansOwnerStandsAsideForAnAgents() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    try stage.start()
    try stage.human.play("chown 1001 $D/a")
    let humans = try #require(try grant(stage, .fileOwner)["id"].text)
    try stage.agent("chown 1002 $D/a")
    let agents = try stage.grant("the agent's") { $0["provenance"].text == "agent-executed" }
    #expect(try stage.show(humans)["state"].text == "active")
    stage.pass(seconds: 901)
    try stage.becomes("ended", agents["id"].text ?? "")
    #expect(owner(stage, "a") == "1001:0")
    #expect(try stage.show(humans)["state"].text == "active")
    try stage.human.play("chown 0 $D/a")
    #expect(try stage.becomes("ended", humans)["endedBy"].text == "removed")
  }

  @Test func anotherBehindTheSameMaskKeepsItsAccess() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    try stage.start()
    try stage.agent("setfacl -m u:1001:rwx $D/a")
    let id = try #require(try grant(stage, .fileACL)["id"].text)
    try stage.human.play("setfacl -m u:1002:rw $D/a")
    _ = try stage.grant("the human's") { $0["subject"].text == "user:eve" }
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    let left = acl(stage, "a")
    #expect(left.contains("user:1002:rw-\n") && left.contains("mask::rw-"))
    #expect(!left.contains("1001"))
  }

  // MARK: What is none, and what ends

  @Test func narrowingShrinksAndEnds() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b"] { scratch.file("root/srv/\(name)", 0o640) }
    }
    try stage.start()
    try stage.agent("setfacl -m u:1001:rw $D/a $D/b; chown 1002 $D/b")
    let id = try #require(try grant(stage, .fileACL, items: 2)["id"].text)
    let owned = try #require(try grant(stage, .fileOwner)["id"].text)
    try stage.human.play("setfacl -m u:1001:r $D/a; setfacl -x u:1001 $D/b; chown 0 $D/b")
    try stage.becomes("ended", owned)
    let items = try stage.wait("the items shrink") {
      let items = try stage.show(id)["itemList"].elements
      return items[1]["state"].text == "ended" ? items : nil
    }
    #expect(items[0]["after"].text == "user:bob:r--,mask::r--")
    try stage.human.play("setfacl -b $D/a")
    #expect(try stage.becomes("ended", id)["endedBy"].text == "removed")
  }

  @Test func makingAFileOfAnothersIsNoGrant() throws {
    let stage = try Stage {
      $0.file("root/srv/a", 0o640)
      $0.file("root/srv/last", 0o640)
    }
    try stage.start()
    try stage.human.play(
      "install -o 1001 -g 50 -m 640 /dev/null $D/new; install -d -o 1001 $D/home;"
        + " chown 0:0 $D/a; chmod o+r $D/last")
    _ = try stage.grant("the human's last act") { $0["object"].text == "file:/srv/last" }
    try stage.agent("chmod o+r $D/a")
    _ = try stage.grant("the agent's") { $0["provenance"].text == "agent-executed" }
    // install(1) may be seen to widen the mode that it first makes a file with.
    #expect(try stage.grants().allSatisfy { $0["kind"].text == "file-mode" })
  }

  @Test func aCopyInAFilesPlaceKeepsNothing() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    let before = acl(stage, "a")
    try stage.start()
    try stage.agent("setfacl -m u:1001:rw $D/a")
    let first = try #require(try grant(stage, .fileACL)["id"].text)
    try stage.agent("cp -a $D/a $S/out/copy; mv $S/out/copy $D/a")
    let second = try stage.grant("the copy's") {
      $0["kind"].text == "file-acl" && $0["id"].text != first
    }
    stage.pass(seconds: 901)
    try stage.becomes("ended", second["id"].text ?? "")
    #expect(acl(stage, "a") == before)
  }

  // MARK: Restarts and races

  @Test func whatWasGivenWhileDownIsFoundAndAnswered() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b", "c"] { scratch.file("root/srv/\(name)", 0o640) }
    }
    try stage.start()
    stage.stop()
    try stage.agent("setfacl -m u:1001:rw $D/a; chown 1002 $D/b; setcap cap_net_raw=ep $D/c")
    try stage.start()
    let grants = try stage.grants()
    #expect(
      Set(grants.compactMap { $0["kind"].text }) == ["file-acl", "file-owner", "file-capability"])
    #expect(grants.allSatisfy { $0["provenance"].text == "unknown" })
    for grant in grants {
      _ = try stage.call("Revoke", [("ids", stage.ids(grant["id"].text ?? ""))])
      try stage.becomes("ended", grant["id"].text ?? "")
    }
    #expect(owner(stage, "b") == "0:0" && capabilities(stage, "c") == "")
  }

  @Test func aFileSwappedForALinkOrAFIFOIsLeftAlone() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b"] { scratch.file("root/srv/\(name)", 0o640) }
      scratch.file("out/target", 0o640)
    }
    try stage.start()
    try stage.agent("setfacl -m u:1001:rw $D/a $D/b $S/out/target")
    let id = try #require(try grant(stage, .fileACL, items: 2)["id"].text)
    try stage.human.play(
      "rm $D/a $D/b; ln -s $S/out/target $D/a; mkfifo -m 640 $D/b; setfacl -m u:1001:rw $D/b")
    stage.pass(seconds: 901)
    _ = try stage.wait("it is over") {
      let state = try stage.show(id)["state"].text
      return state == "drifted" || state == "ended" ? state : nil
    }
    #expect(output("/usr/bin/getfacl", "-cnp", "\(stage.scratch.path)/out/target").contains("1001"))
    #expect(acl(stage, "b").contains("user:1001:rw-"))
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self
    while text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
