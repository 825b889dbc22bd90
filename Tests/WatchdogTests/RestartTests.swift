import ByteText
import Glibc
import LinuxKit
import Scratch
import Testing
import Watchdog

/// What holds when the daemon stops, dies, or finds its state damaged.
extension EngineLiveTests {
  private func widened() throws -> (Stage, String) {
    let stage = try Stage { scratch in
      scratch.file("root/srv/a", 0o600)
      scratch.file("root/srv/b", 0o600)
      scratch.file("root/srv/open", 0o666)
    }
    try stage.start()
    try stage.agent("chmod 644 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    stage.pass(seconds: 3)
    return (stage, id)
  }

  /// Puts the state as a crash would have left it in the place of the one an orderly stop leaves.
  func crash(_ stage: Stage) {
    let folder = stage.scratch.path
    Scratch.run("/bin/cp", ["-a", "\(folder)/state", "\(folder)/crashed"])
    stage.stop()
    Scratch.run("/bin/rm", ["-rf", "\(folder)/state"])
    stage.scratch.rename("crashed", "state")
  }

  /// Cuts the ledger of a stopped stage off at the first record of `type`.
  func cutLedger(_ stage: Stage, at type: String, keepingIt: Bool) throws {
    let path = "\(stage.scratch.path)/state/ledger/00000000000000000001.jsonl"
    let lines = split(try SmallFile.read(path)[...], at: 0x0a)
    let found = lines.firstIndex {
      String(decoding: $0, as: UTF8.self).contains("\"type\":\"\(type)\"")
    }
    let kept = lines[..<(try #require(found) + (keepingIt ? 1 : 0))]
    try SmallFile.replace(path, with: Array(kept.joined(separator: [0x0a])) + [0x0a])
    Scratch.run("/bin/rm", ["-rf", "\(stage.scratch.path)/state/snapshots"])
  }

  /// A crash may cut between the record of an end and the word of it, which is told then.
  @Test(arguments: ["chmod 666 $D/a", "usermod --prefix $S/root -aG docker eve"], [false, true])
  func whatEndedIsToldThoughACrashTookTheWord(act: String, isTakenBack: Bool) throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    stage.addWebhook()
    try stage.start()
    try stage.agent(act)
    let id = try #require(try stage.grant("a grant") { _ in true }["id"].text)
    if isTakenBack {
      stage.pass(seconds: 901)
    } else {
      try stage.human.play("chmod 640 $D/a; usermod --prefix $S/root -rG docker eve")
    }
    try stage.becomes("ended", id)
    let word = isTakenBack ? "grant.revoked" : "grant.ended"
    _ = try stage.wait("the word") { try stage.events(word).first }
    stage.stop()
    try cutLedger(stage, at: word, keepingIt: false)
    for _ in 0..<2 {
      try stage.start()
      #expect(try stage.show(id)["state"].text == "ended")
      #expect(try stage.events(word).map { $0["grant"].text } == [id])
      #expect(try stage.outbox().count { $0["type"].text == word } == 1)
      stage.stop()
    }
  }

  /// As ldconfig and sed write: what was opened for everyone before it took the name is no news.
  @Test func aFileThatTookThePlaceOfOneWithItsModeIsNoNewsAfterARestart() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o644) }
    try stage.start()
    try stage.agent(
      "(umask 077; echo x >$D/new); sleep 0.1; chmod 644 $D/new; sleep 0.1; mv $D/new $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    try stage.becomes("ended", id)
    stage.stop()
    try stage.start()
    #expect(try stage.grants().count == 1)
  }

  @Test(arguments: [false, true]) func aDeadlineOutlivesTheDaemon(crashed: Bool) throws {
    let (stage, id) = try widened()
    let before = try stage.show(id)
    let standing = try stage.grants(standing: true).count
    crashed ? crash(stage) : stage.stop()
    stage.clock.pass(300_000_000)
    try stage.start()
    let after = try stage.show(id)
    for key in ["id", "incident", "grantedAt", "provenance", "rule", "itemList", "state"] {
      #expect(after[key] == before[key], "\(key)")
    }
    #expect(try stage.grants().count == 1)
    #expect(try stage.grants(standing: true).count == standing)
    stage.pass(seconds: 580)
    #expect(try stage.show(id)["state"].text == "active")
    stage.pass(seconds: 30)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o600)
    #expect(try stage.events("source.gap").contains { $0["text"].text?.contains("daemon") == true })
  }

  @Test func whatIsOverdueAtTheStartIsTakenBack() throws {
    let (stage, id) = try widened()
    stage.stop()
    stage.clock.pass(1000_000_000)
    try stage.start()
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(stage.mode("a") == 0o600)
  }

  @Test func changesWhileDownAreUnknownBoundedAndNotDoubled() throws {
    let (stage, id) = try widened()
    stage.stop()
    stage.clock.pass(100_000_000)
    try stage.agent("chmod 666 $D/b; usermod --prefix $S/root -aG docker eve")
    try stage.start()
    let found = try stage.grants().filter { $0["id"].text != id }
    #expect(Set(found.map { $0["object"].text }) == ["file:/srv/b", "group:docker"])
    for grant in found {
      #expect(grant["provenance"].text == "unknown")
      let least = grant["activeSecondsMin"].double ?? -1
      let most = grant["activeSecondsMax"].double ?? -1
      #expect(least >= 0 && most > least, "\(grant)")
    }
    #expect(found.allSatisfy { ($0["activeSecondsMax"].double ?? 0) >= 100 })
    stage.stop()
    try stage.start()
    #expect(try stage.grants().count == 3)
  }

  @Test func whatEndedWhileDownHasEnded() throws {
    let (stage, id) = try widened()
    stage.stop()
    try stage.human.play("chmod 600 $D/a")
    try stage.start()
    #expect(try stage.show(id)["state"].text == "ended")
    #expect(try stage.show(id)["endedBy"].text == "removed")
  }

  @Test func anApprovalOutlivesTheDaemon() throws {
    let (stage, id) = try widened()
    #expect(try stage.approve(id, seconds: 3600)["done"].bool == true)
    stage.stop()
    try stage.start()
    #expect(try stage.show(id)["state"].text == "approved")
    #expect(try stage.show(id)["approval"]["reason"].text == "on call")
    stage.pass(seconds: 3601)
    try stage.becomes("ended", id)
  }

  @Test func aSecondDaemonIsRefusedWithThePid() throws {
    let (stage, id) = try widened()
    let error = #expect(throws: EngineError.self) { _ = try Engine.make(stage.settings) }
    #expect(error?.description.contains("in use by pid \(getpid())") == true, "\(error as Any)")
    #expect(try stage.show(id)["state"].text == "active")
  }

  @Test func aBadConfigurationLeavesTheOldOne() throws {
    let (stage, id) = try widened()
    stage.configure("[Watchdog]\nMode=sometimes\n")
    stage.reload()
    #expect(stage.log.lines.contains { $0.contains("the old one stays") })
    #expect(
      stage.log.lines.contains { $0.contains("grantwatch.conf:") && $0.contains("sometimes") })
    #expect(try stage.status()["mode"].text == "enforce")
    stage.configure("[Watchdog]\nMode=observe\n" + Stage.configuration)
    stage.reload()
    #expect(try stage.status()["mode"].text == "observe")
    stage.pass(seconds: 901)
    #expect(try stage.show(id)["state"].text == "active")
    stage.stop()
    stage.configure("[Watchdog]\nMode=sometimes\n")
    #expect(throws: EngineError.self) { try stage.start() }
  }

  /// The ledger's newest segment.
  private func segment(_ stage: Stage) throws -> String {
    let folder = "\(stage.scratch.path)/state/ledger"
    let name = try #require(
      SmallFile.names(in: folder).filter { $0.hasSuffix(".jsonl") && $0.hasPrefix("0") }.max())
    return "\(folder)/\(name)"
  }

  @Test func aTornTailIsCutAndReported() throws {
    let (stage, id) = try widened()
    crash(stage)
    let path = try segment(stage)
    var bytes = try SmallFile.read(path)
    while bytes.last == 0 { bytes.removeLast() }
    try SmallFile.replace(path, with: bytes + Array(#"{"seq":99,"prev":"0123"#.utf8))
    try stage.start()
    #expect(try stage.show(id)["state"].text == "active")
    #expect(try stage.events("ledger.damaged").count == 1)
    #expect(try stage.status()["state"].text == "ok")
    #expect(try stage.call("Verify")["verification"]["ok"].bool == true)
    #expect(stage.log.lines.contains { $0.contains("ledger") && $0.contains("torn-") })
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
  }

  @Test func aFlippedBitDegradesAndTheRestIsNotTrusted() throws {
    let (stage, id) = try widened()
    crash(stage)
    let path = try segment(stage)
    var bytes = try SmallFile.read(path)
    let place = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"))) + 200
    bytes[place] ^= 1
    try SmallFile.replace(path, with: bytes)
    try stage.start()
    #expect(try stage.status()["state"].text == "degraded")
    #expect(try stage.events("ledger.damaged").isEmpty == false)
    #expect(SmallFile.names(in: "\(stage.scratch.path)/state/damaged").isEmpty == false)
    #expect((try? stage.show(id)) == nil)
    #expect(try stage.status()["problems"].elements.isEmpty == false)
    try stage.agent("chmod 644 $D/b")
    let later = try stage.grant("a new grant") { $0["object"].text == "file:/srv/b" }
    stage.pass(seconds: 901)
    try stage.becomes("ended", later["id"].text ?? "")
  }

  @Test func aLostBaselineIsSaidAndDoublesNothing() throws {
    let (stage, id) = try widened()
    let standing = try stage.grants(standing: true).count
    stage.stop()
    stage.scratch.remove("state/baseline")
    stage.scratch.file("state/groups.json", 0o600, text: "{}")
    try SmallFile.replace("\(stage.scratch.path)/state/groups.json", with: Array("{}".utf8))
    try stage.start()
    #expect(try stage.status()["state"].text == "degraded")
    #expect(try stage.events("ledger.damaged").count == 2)
    #expect(try stage.grants(standing: true).count == standing)
    #expect(try stage.grants().count == 1)
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o600)
  }

  @Test func othersReadOnlyWhatConcernsThem() throws {
    let (stage, id) = try widened()
    try stage.agent("usermod --prefix $S/root -aG audio nobody; setpriv --reuid=65534 true")
    let mine = try stage.grant("a membership") { $0["subject"].text == "user:nobody" }
    func nobody(_ method: String, _ parameters: [(String, JSON)] = []) throws -> JSON {
      try stage.ask(method, parameters, by: stage.human, wrapped: Stage.asNobody)
    }
    let list = try nobody("List", [("filter", .object([]))])
    #expect(list["parameters"]["grants"].elements.map { $0["id"] } == [mine["id"]])
    let hidden = try nobody("Show", [("ids", stage.ids(id))])
    #expect(hidden["error"].text == "io.grantwatch.NotFound")
    #expect(hidden["parameters"]["matches"].elements.isEmpty)
    #expect(
      try nobody("Explain", [("ids", stage.ids(id))])["error"].text == "io.grantwatch.NotFound")
    let shown = try nobody("Show", [("ids", stage.ids(mine["id"].text ?? ""))])
    #expect(shown["parameters"]["grants"].elements.count == 1)
    for method in ["Log", "Verify", "GetDeadLetters"] {
      #expect(try nobody(method)["error"].text == "io.grantwatch.PermissionDenied", "\(method)")
    }
    let status = try nobody("GetStatus")["parameters"]["status"]
    #expect(status["grants"]["active"].integer == 1)
  }
}

/// What changes in an item of a grant is as durable as the grant.
extension EngineLiveTests {
  private func output(_ stage: Stage, _ line: String) -> String {
    let line = "D=\(stage.scratch.path)/root/srv; \(line)"
    return String(decoding: Spawn.runAndWait("/bin/sh", ["-c", line]).output, as: UTF8.self)
  }

  #if arch(arm64)
    private static let setxattr = 5
  #else
    private static let setxattr = 188
  #endif

  @Test func aListThatWasGivenInStepsIsKnownWholeAfterACrash() throws {
    let stage = try Stage { $0.folder("root/srv/d", 0o750) }
    let before = output(stage, "getfacl -cnp $D/d")
    try stage.start()
    // One process, two calls: the folder's own list, and what new files in it get. As setfacl does
    // it, but slowly enough to be seen twice.
    stage.scratch.file(
      "twice.pl", 0o755,
      text: """
        sub entry { pack('vvV', @_) }
        my $all = 4294967295;
        my $list = pack('V', 2) . entry(1, 7, $all) . entry(2, 7, 1001) . entry(4, 5, $all)
          . entry(16, 7, $all) . entry(32, 0, $all);
        for my $name ('access', 'default') {
          my $attribute = "system.posix_acl_$name";
          syscall(0 + $ARGV[0], $ARGV[1], $attribute, $list, length($list), 0) == 0 or die $!;
          select(undef, undef, undef, 0.3);
        }

        """)
    try stage.agent("perl $S/twice.pl \(Self.setxattr) $D/d")
    let id = try #require(
      try stage.grant("a list") { $0["kind"].text == "file-acl" }["id"].text)
    _ = try stage.wait("both lists") {
      try stage.show(id)["after"].text?.contains("default:user:bob:rwx") == true ? true : nil
    }
    crash(stage)
    try stage.start()
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(output(stage, "getfacl -cnp $D/d") == before)
  }

  @Test func anOwnerGoesBackToTheFirstOneAfterACrash() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    let another = try Actors(
      stage.scratch, "another", loginUID: 4711, program: "\(stage.scratch.path)/claude/claude")
    try stage.start()
    try stage.human.play("chown 1001 $D/a")
    let first = try #require(
      try stage.grant("bob's") { $0["subject"].text == "user:bob" }["id"].text)
    try another.play("chown 1002 $D/a")
    let second = try #require(
      try stage.grant("eve's") { $0["subject"].text == "user:eve" }["id"].text)
    _ = try stage.call("Revoke", [("ids", stage.ids(first))])
    try stage.becomes("ended", first)
    crash(stage)
    try stage.start()
    stage.pass(seconds: 901)
    try stage.becomes("ended", second)
    #expect(output(stage, "stat -c %u $D/a") == "0\n")
  }

  @Test func aRuleGoesBackToWhatWasBeforeTheFirstOneAfterACrash() throws {
    let stage = try Stage(prepare: Self.furnish)
    stage.scratch.remove("root/etc/sudoers.d/x")
    stage.scratch.file("root/etc/sudoers.d/x", 0o440, text: "eve ALL=(ALL) /bin/id\n")
    try stage.start()
    func rule(_ right: String, by actors: Actors) throws -> String {
      try actors.play(
        "cd $S; echo 'eve ALL=(ALL) \(right)' >new; chmod 440 new; mv new root/etc/sudoers.d/x")
      let grant = try stage.grant("a rule for \(right)") { $0["right"].text == right }
      return try #require(grant["id"].text)
    }
    let first = try rule("ALL", by: stage.human)
    let second = try rule("NOPASSWD: ALL", by: stage.agents)
    _ = try stage.call("Revoke", [("ids", stage.ids(first))])
    try stage.becomes("ended", first)
    crash(stage)
    try stage.start()
    stage.pass(seconds: 901)
    try stage.becomes("ended", second)
    #expect(stage.text("root/etc/sudoers.d/x") == "eve ALL=(ALL) /bin/id\n")
  }
}
