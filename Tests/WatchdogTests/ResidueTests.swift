import ByteText
import LinuxKit
import Scratch
import Testing

/// Who still uses access that was taken back: told, or ended where the rule says so.
extension EngineLiveTests {
  private static let (uid, held, told) = (
    Stage.ownNumber(0), Stage.ownNumber(1), Stage.ownNumber(2)
  )

  /// `OnResidue=terminate` for the objects named `held`, and nothing of it for the others.
  private static let rules = """
    [Approval]
    Authenticate=no
    [Rule ended]
    Provenance=agent-executed
    Object=*held*
    TTL=15min
    OnDeadline=revoke
    OnResidue=terminate
    [Rule told]
    Provenance=agent-executed
    TTL=15min
    OnDeadline=revoke

    """

  /// A stage with an account mallory and groups held and told, of numbers of their own.
  private func stageWithMallory(_ prepare: (Scratch) -> Void = { _ in }) throws -> Stage {
    try Stage(Self.rules) { scratch in
      Stage.addAccount(scratch, "mallory", Self.uid)
      Stage.addGroup(scratch, "held", Self.held)
      Stage.addGroup(scratch, "told", Self.told)
      prepare(scratch)
    }
  }

  /// A process of mallory's, or of another uid, that runs a line of shell which ends in `sleep`.
  private func process(
    _ stage: Stage, uid: UInt32 = uid, groups: UInt32? = nil, _ line: String = "exec sleep 600"
  ) -> WaitingChild {
    stage.holder(uid: uid, groups: groups, line)
  }

  private func lives(_ child: WaitingChild) -> Bool {
    ProcessFiles().stat(child.pid).map { $0.state != UInt8(ascii: "Z") } ?? false
  }

  private func ended(_ stage: Stage) -> [String] {
    (stage.text("state/ledger/00000000000000000001.jsonl") ?? "").split(separator: "\n")
      .map(String.init).filter { $0.contains("\"type\":\"residue.terminated\"") }
  }

  private func grant(_ stage: Stage, on object: String) throws -> String {
    try #require(
      try stage.grant("a grant on \(object)") { $0["object"].text == object }["id"].text)
  }

  /// Waits for the outcome of a revocation.
  private func outcome(_ stage: Stage, _ id: String) throws -> JSON {
    try stage.wait("the outcome of \(id)") {
      let grant = try stage.show(id)
      return grant["outcome"] == .null ? nil : grant
    }
  }

  @Test func whoStillHasAGroupIsEndedOnlyWhereTheRuleSaysSo() throws {
    let stage = try stageWithMallory()
    try stage.start()
    try stage.agent(
      "usermod --prefix $S/root -aG held mallory; usermod --prefix $S/root -aG told mallory")
    let (first, second) = (
      try grant(stage, on: "group:held"), try grant(stage, on: "group:told")
    )
    let holder = process(stage, groups: Self.held)
    let reported = process(stage, groups: Self.told)
    // Not by this membership.
    let another = process(stage, uid: Stage.ownNumber(3), groups: Self.held)
    stage.pass(seconds: 901)
    let clean = try outcome(stage, first)
    #expect(clean["outcome"].text == "clean" && clean["residue"].elements.isEmpty)
    #expect(clean["state"].text == "ended" && clean["endedBy"].text == "expired")
    #expect(!lives(holder))
    let left = try outcome(stage, second)
    #expect(left["outcome"].text == "residue")
    #expect(
      left["residue"].elements.compactMap(\.text)
        == ["process \(reported.pid) (sleep) of mallory still has group told"])
    #expect(lives(reported) && lives(another))
    #expect(ended(stage).count == 1 && ended(stage)[0].contains("\"grant\":\"\(first)\""))
    #expect(try stage.events("grant.residue").map { $0["grant"].text } == [second])
  }

  @Test func whoStillHasAFileOpenIsEndedOnlyWhereTheRuleSaysSo() throws {
    let stage = try stageWithMallory { scratch in
      for name in ["held", "told"] { scratch.file("root/srv/\(name)", 0o640) }
    }
    try stage.start()
    try stage.agent("chmod 644 $D/held")
    try stage.agent("setfacl -m u:\(Self.uid):r $D/told")
    let (first, second) = (
      try grant(stage, on: "file:/srv/held"), try grant(stage, on: "file:/srv/told")
    )
    let holder = process(stage, "exec sleep 600 <$0/held")
    let stubborn = process(stage, "trap '' TERM; exec sleep 600 <$0/held")
    let reported = process(stage, "exec sleep 600 <$0/told")
    // Root and the owner may open it without the grant.
    let owners = process(stage, uid: 0, "exec sleep 600 <$0/held")
    stage.pass(seconds: 901)
    let clean = try outcome(stage, first)
    #expect(clean["outcome"].text == "clean" && clean["residue"].elements.isEmpty)
    #expect(!lives(holder) && !lives(stubborn))
    let left = try outcome(stage, second)
    #expect(left["outcome"].text == "residue")
    #expect(
      left["residue"].elements.compactMap(\.text)
        == ["process \(reported.pid) (sleep) still has /srv/told open (read)"])
    #expect(lives(reported) && lives(owners))
    #expect(ended(stage).count == 1 && ended(stage)[0].contains("2 processes"))
  }

  /// The kernel gives capabilities at the start of a program, and leaves them to it.
  @Test func whoRunsAProgramWithItsFormerCapabilitiesIsResidue() throws {
    let stage = try stageWithMallory { scratch in
      for name in ["held", "told"] {
        Scratch.run("/bin/cp", ["/usr/bin/sleep", "\(scratch.path)/root/srv/\(name)"])
      }
    }
    try stage.start()
    try stage.agent("setcap cap_net_raw,cap_net_admin=ep $D/held")
    try stage.agent("setcap cap_net_raw,cap_net_admin=ep $D/told")
    let (first, second) = (
      try grant(stage, on: "file:/srv/held"), try grant(stage, on: "file:/srv/told")
    )
    func runner(_ name: String, uid: UInt32 = Self.uid) -> WaitingChild {
      WaitingChild(
        "/usr/bin/setpriv",
        ["--reuid", "\(uid)", "--clear-groups", "\(stage.scratch.path)/root/srv/\(name)", "600"]
      ) { ProcessFiles().stat($0)?.comm == Array(name.utf8) }
    }
    let holder = runner("held")
    let reported = runner("told")
    // Root has them anyway.
    let roots = runner("told", uid: 0)
    stage.pass(seconds: 901)
    #expect(try outcome(stage, first)["outcome"].text == "clean")
    #expect(!lives(holder))
    let left = try outcome(stage, second)
    #expect(left["outcome"].text == "residue")
    #expect(
      left["residue"].elements.compactMap(\.text) == [
        "process \(reported.pid) (told) still runs /srv/told with cap_net_admin,cap_net_raw"
      ])
    #expect(lives(reported) && lives(roots))
  }

  /// Whoever asked for the revocation hears who still uses it, or that nobody does.
  @Test func theAnswerToARevocationTellsOfResidue() throws {
    let stage = try stageWithMallory()
    try stage.start()
    try stage.agent(
      "usermod --prefix $S/root -aG held mallory; usermod --prefix $S/root -aG told mallory")
    let ids = [try grant(stage, on: "group:held"), try grant(stage, on: "group:told")]
    let holder = process(stage, groups: Self.held)
    let reported = process(stage, groups: Self.told)
    let answers = try stage.call(
      "Revoke", [("ids", .array(ids.map { .string($0) }))])["results"].elements
    #expect(
      answers.map { $0["result"].text } == [
        "revoked",
        "revoked; still in use: process \(reported.pid) (sleep) of mallory still has group told",
      ])
    #expect(!lives(holder) && lives(reported))
  }
}
