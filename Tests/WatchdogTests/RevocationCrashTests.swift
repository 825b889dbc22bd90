import ByteText
import LinuxKit
import Scratch
import Testing

/// A crash at each step of a revocation: the ledger as it was then, the tree as it was then, and a
/// new start.
extension EngineLiveTests {
  /// What is durable when the daemon dies: before the effect even the intent's own turn may be torn.
  enum CrashStep: String, CaseIterable {
    case beforeIntent, beforeEffect, beforeResult, beforeOutcome, afterOutcome

    var isEffectThere: Bool { self != .beforeIntent && self != .beforeEffect }

    /// The first record that is lost, or the last that is kept.
    var mark: String {
      switch self {
      case .beforeIntent, .beforeEffect: "\"revocation.intent\""
      case .beforeResult: "\"grant.expired\""
      case .beforeOutcome, .afterOutcome: "\"grant.revoked\""
      }
    }
  }

  struct CrashCase: CustomTestStringConvertible {
    var kind: String
    var act: String
    var step: CrashStep

    var testDescription: String { "\(kind), \(step.rawValue)" }
  }

  static let crashCases: [CrashCase] = {
    let acts =
      entryCases.map { ($0.kind, $0.act) } + [
        ("account", "usermod --prefix $S/root -s /bin/bash nobody"),
        ("group-member", "gpasswd --root $S/root -a eve docker"),
      ]
    return acts.flatMap { kind, act in
      CrashStep.allCases.map { CrashCase(kind: kind, act: act, step: $0) }
    }
  }()

  /// Owners, modes and contents of the tree's files, backups left out.
  private func tree(_ stage: Stage) -> String {
    let script = """
      cd '\(stage.scratch.path)/root' && find . -type f ! -name '*-' ! -name '*.lock' \
      -printf '%p %m %u\\n' -exec sha256sum {} + | sort
      """
    return String(
      decoding: Spawn.runAndWait("/bin/sh", ["-c", script]).output, as: UTF8.self)
  }

  private func copy(_ stage: Stage, _ from: String, _ to: String) {
    let folder = stage.scratch.path
    Scratch.run("/bin/rm", ["-rf", "\(folder)/\(to)"])
    Scratch.run("/bin/cp", ["-a", "\(folder)/\(from)", "\(folder)/\(to)"])
  }

  /// Cuts the ledger of the copied state off where the crash is.
  private func cut(_ stage: Stage, at step: CrashStep) throws {
    let path = "\(stage.scratch.path)/after/ledger/00000000000000000001.jsonl"
    let bytes = try SmallFile.read(path)
    var kept: [UInt8] = []
    var isFound = false
    for line in split(bytes[...], at: 0x0a) where !isFound {
      isFound = String(decoding: line, as: UTF8.self).contains(step.mark)
      if !isFound || step != .beforeIntent { kept += line + [0x0a] }
    }
    try #require(isFound)
    try SmallFile.replace(path, with: kept)
  }

  @Test(arguments: crashCases)
  func aCrashAtAnyStepOfARevocationLeavesNothingHalf(_ crash: CrashCase) throws {
    let stage = try Stage(prepare: Self.furnish)
    let before = tree(stage)
    try stage.start()
    try stage.agent(crash.act)
    let id = try #require(
      try stage.grant("a grant") { $0["kind"].text == crash.kind }["id"].text)
    stage.pass(seconds: 890)
    #expect(try stage.show(id)["state"].text == "active")
    let given = tree(stage)
    #expect(given != before)
    copy(stage, "state", "during")
    copy(stage, "root", "given")
    stage.pass(seconds: 20)
    _ = try stage.wait("its outcome") { try stage.show(id)["outcome"].text }
    #expect(tree(stage) == before)
    copy(stage, "state", "after")
    stage.stop()
    // What is known of the tree is written behind the result only.
    if crash.step != .afterOutcome { try cut(stage, at: crash.step) }
    copy(stage, "after/ledger", "during/ledger")
    copy(stage, "during", "state")
    if !crash.step.isEffectThere { copy(stage, "given", "root") }
    #expect(tree(stage) == (crash.step.isEffectThere ? before : given))

    try stage.start()
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    _ = try stage.wait("its outcome") { try stage.show(id)["outcome"].text }
    #expect(tree(stage) == before)
    #expect(try stage.events("grant.revoked").count == 1)
    #expect(try stage.events("grant.expired").count == 1)
    #expect(try stage.events("grant.ended").isEmpty)
    #expect(try stage.events("ledger.damaged").isEmpty)
    #expect(try stage.grants().map { $0["id"].text } == [id])
    #expect(try stage.call("Verify")["verification"]["ok"].bool == true)
    // Nor does the next start find anything to do.
    stage.stop()
    try stage.start()
    #expect(try stage.grants().count == 1)
    #expect(try stage.events("grant.revoked").count == 1)
    #expect(tree(stage) == before)
  }
}
