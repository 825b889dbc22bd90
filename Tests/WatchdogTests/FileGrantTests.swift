import ByteText
import Dispatch
import Glibc
import Scratch
import Testing
import Watchdog

/// Grants on files from their act to their end, on the kernel's own events.
extension EngineLiveTests {
  @Test func recursiveChangeOfAnAgentIsOneGrantAndTakenBack() throws {
    let before: [String: mode_t] = ["a": 0o640, "b": 0o600, "c": 0o755, "sub/d": 0o444]
    let stage = try Stage { scratch in
      scratch.folder("root/srv/data", 0o750)
      scratch.folder("root/srv/data/sub", 0o711)
      for (name, mode) in before { scratch.file("root/srv/data/\(name)", mode) }
    }
    try stage.start()
    try stage.agent("chmod -R a+rwx $D/data")
    let grant = try stage.fileGrant(items: 6)
    let id = try #require(grant["id"].text)
    #expect(grant["subject"].text == "everyone")
    #expect(grant["object"].text == "file:/srv/data")
    #expect(grant["right"].text == "read write execute")
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["confidence"].text == "certain")
    #expect(grant["agent"]["name"].text == "claude-code")
    #expect(grant["actor"]["loginUid"].integer == 4711)
    #expect(grant["rule"].text == "agents")
    #expect(try stage.grants().count == 1)
    #expect(stage.mode("data/a") == 0o777)
    stage.pass(seconds: 3)
    #expect(stage.mode("data/a") == 0o777)
    stage.pass(seconds: 900)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(ended["itemList"].elements.allSatisfy { $0["state"].text == "ended" })
    for (name, mode) in before { #expect(stage.mode("data/\(name)") == UInt16(mode), "\(name)") }
    #expect(stage.mode("data") == 0o750)
    #expect(stage.mode("data/sub") == 0o711)
    for type in ["grant.detected", "grant.expired", "grant.revoked"] {
      #expect(try stage.events(type).map { $0["grant"].text } == [id], "\(type)")
    }
  }

  @Test func oneActIsOneAlert() throws {
    let stage = try Stage(Stage.configuration) { scratch in
      for name in ["a", "b", "c"] { scratch.file("root/srv/\(name)", 0o600) }
    }
    stage.addWebhook()
    try stage.start()
    try stage.agent("chmod 644 $D/a $D/b $D/c")
    let id = try #require(try stage.fileGrant(items: 3)["id"].text)
    stage.pass(seconds: 3)
    let alerts = try stage.wait("the alert") {
      let events = try stage.outbox().filter { $0["subject"].text == id }
      return events.isEmpty ? nil : events
    }
    stage.pass(seconds: 60)
    #expect(try stage.outbox().filter { $0["subject"].text == id }.count == 1)
    #expect(alerts[0]["type"].text == "grant.detected")
    #expect(alerts[0]["data"]["grant"]["items"].integer == 3)
    #expect(alerts[0]["source"].text == "grantwatch://stage")
  }

  /// Longer than an act may pause; and longer than an act may last and the dead are kept.
  @Test(arguments: [3, 70] as [Int64])
  func changesThatWaitToBeReadAreOfTheSameAct(late: Int64) throws {
    let stage = try Stage { scratch in
      for name in ["a", "b"] { scratch.file("root/srv/\(name)", 0o600) }
    }
    try stage.start()
    mkfifo("\(stage.scratch.path)/go", 0o600)
    try stage.agent(
      """
      (exec perl -e 'chmod 0666, "$ENV{D}/a"; open F, "<", "$ENV{S}/go"; <F>; \
      chmod 0666, "$ENV{D}/b"; exit 0'; ) & echo $! >$S/out/pid
      """)
    _ = try stage.fileGrant()
    let engine = try #require(stage.engine)
    let pid = try #require(
      stage.text("out/pid").flatMap { Int32($0.trimmingPrefix(" ").prefix { $0.isNumber }) })
    // The engine's thread gets no processor.
    engine.queue.sync {
      stage.scratch.file("go", 0o600, text: "\n")
      while kill(pid, 0) == 0 { usleep(1000) }
      for _ in 0..<late {
        stage.clock.pass(1_000_000)
        engine.timerFired()
      }
    }
    _ = try stage.fileGrant(items: 2)
    #expect(try stage.grants().count == 1)
  }

  @Test func whatAHumanGaveIsNotTakenBack() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.human.play("chmod 666 $D/a")
    let grant = try stage.fileGrant()
    let id = try #require(grant["id"].text)
    #expect(grant["provenance"].text == "human")
    #expect(grant["rule"].isNull)
    #expect(grant["expiresAt"].isNull)
    stage.pass(seconds: 86_400)
    #expect(try stage.show(id)["state"].text == "active")
    #expect(stage.mode("a") == 0o666)
  }

  @Test func whatNobodyKnownGaveIsNotTakenBack() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    let strangers = try Actors(stage.scratch, "strangers", loginUID: .max)
    try stage.start()
    try strangers.play("chmod 666 $D/a")
    let grant = try stage.fileGrant()
    #expect(grant["provenance"].text == "unknown")
    stage.pass(seconds: 86_400)
    #expect(try stage.show(grant["id"].text ?? "")["state"].text == "active")
    #expect(stage.mode("a") == 0o666)
  }

  @Test func whatWasThereIsStanding() throws {
    let stage = try Stage { scratch in
      scratch.file("root/srv/open", 0o666)
      scratch.file("root/srv/setuid", 0o4755)
      scratch.file("root/srv/plain", 0o644)
    }
    try stage.start()
    #expect(try stage.grants().isEmpty)
    let standing = try stage.grants(standing: true)
    let files = standing.filter { $0["kind"].text == "file-mode" }
    #expect(Set(files.compactMap { $0["object"].text }) == ["file:/srv/open", "file:/srv/setuid"])
    #expect(
      standing.contains {
        $0["subject"].text == "user:bob" && $0["object"].text == "group:staff"
      })
    #expect(standing.allSatisfy { $0["standing"].bool == true && $0["expiresAt"].isNull })
    stage.pass(seconds: 86_400)
    #expect(try stage.grants().isEmpty)
    #expect(stage.mode("open") == 0o666)
    #expect(try stage.status()["grants"]["active"].integer == 0)
    let id = try #require(files.first?["id"].text)
    #expect(try stage.approve(id)["status"].text == "refused")
  }

  @Test func anAgentsLaterChangeDoesNotShelterItsEarlier() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o640) }
    let another = try Actors(
      stage.scratch, "another", loginUID: 4711, program: "\(stage.scratch.path)/claude/claude")
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let first = try #require(try stage.fileGrant()["id"].text)
    try another.play("chmod 667 $D/a")
    _ = try stage.wait("two grants") { try stage.grants().count == 2 ? true : nil }
    stage.pass(seconds: 901)
    for grant in try stage.grants() { try stage.becomes("ended", grant["id"].text ?? "") }
    #expect(stage.mode("a") == 0o640)
    #expect(try stage.events("grant.revoked").first?["grant"].text == first)
  }

  @Test func aHumansGrantShelters() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 604 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    try stage.human.play("chmod 644 $D/a")
    _ = try stage.wait("two grants") { try stage.grants().count == 2 ? true : nil }
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o640)
  }

  @Test func anothersNarrowingShrinksAndEnds() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b", "c"] { scratch.file("root/srv/\(name)", 0o600) }
    }
    try stage.start()
    try stage.agent("chmod 666 $D/a $D/b $D/c")
    let id = try #require(try stage.fileGrant(items: 3)["id"].text)
    try stage.human.play("chmod o= $D/a; chmod 600 $D/b")
    let shrunk = try stage.wait("the items shrink") {
      let items = try stage.show(id)["itemList"].elements
      return items[1]["state"].text == "ended" ? items : nil
    }
    #expect(shrunk.map { $0["after"].text } == ["0660", "0666", "0666"])
    #expect(shrunk.map { $0["state"].text } == ["active", "ended", "active"])
    try stage.human.play("chmod 600 $D/a $D/c")
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "removed")
    #expect(try stage.events("grant.ended").count == 1)
  }

  @Test func aNarrowedFileIsNotWidenedAgainByTheRevocation() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o644) }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    try stage.human.play("chmod o-r $D/a")
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    #expect(stage.mode("a") == 0o640)
  }

  @Test func aDeletedFileEndsItsGrant() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    try stage.start()
    try stage.agent("chmod 666 $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    try stage.human.play("rm $D/a")
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "removed")
  }

  @Test func anImmutableFileFailsVisiblyAndIsTriedAgain() throws {
    let stage = try Stage { $0.file("root/srv/a", 0o600) }
    defer { Scratch.run("/usr/bin/chattr", ["-i", "\(stage.scratch.path)/root/srv/a"]) }
    try stage.start()
    try stage.agent("chmod 666 $D/a; chattr +i $D/a")
    let id = try #require(try stage.fileGrant()["id"].text)
    stage.pass(seconds: 901)
    try stage.becomes("revoke-failed", id)
    #expect(try stage.events("grant.revoke-failed").count == 1)
    #expect(try stage.status()["grants"]["revoke-failed"].integer == 1)
    #expect(stage.mode("a") == 0o666)
    try stage.human.play("chattr -i $D/a")
    stage.pass(seconds: 10)
    let ended = try stage.becomes("ended", id)
    #expect(ended["endedBy"].text == "expired")
    #expect(stage.mode("a") == 0o600)
  }

  @Test func weakConfidenceIsNotRevokedByItself() throws {
    let stage = try Stage(
      """
      [Approval]
      Authenticate=no
      [Rule all]
      MinConfidence=weak
      TTL=15min
      OnDeadline=revoke

      """
    ) { $0.file("root/srv/a", 0o600) }
    let hinted = try Actors(
      stage.scratch, "hinted", loginUID: 4711, environment: ["STAGE_HINT=1"])
    try stage.start()
    try hinted.play("chmod 666 $D/a")
    let grant = try stage.fileGrant()
    let id = try #require(grant["id"].text)
    #expect(grant["provenance"].text == "agent-executed")
    #expect(grant["confidence"].text == "weak")
    stage.pass(seconds: 901)
    let expired = try stage.wait("it is said to be overdue") {
      try stage.events("grant.expired").first
    }
    #expect(expired["text"].text?.contains("weak") == true)
    stage.pass(seconds: 901)
    #expect(try stage.events("grant.expired").count == 1)
    #expect(try stage.show(id)["state"].text == "active")
    #expect(try stage.status()["overdue"].integer == 1)
    #expect(stage.mode("a") == 0o666)
  }

  @Test func hostileNamesAreShownEscapedAndTakenBack() throws {
    let names: [[UInt8]] = [
      Array("new\nline".utf8), [0xff, 0xfe, 0x80], Array("back\\slash \"quote\"".utf8),
      Array("-rf".utf8), Array("\u{202e}txt.exe".utf8), Array("$(reboot)".utf8),
      Array(repeating: UInt8(ascii: "n"), count: 255), Array("\u{1b}[2J".utf8),
    ]
    let stage = try Stage { scratch in
      scratch.folder("root/srv/data")
      for name in names { scratch.file(scratch.bytes("root/srv/data/") + name, 0o600) }
    }
    try stage.start()
    try stage.agent("chmod -R o+w $D/data")
    let grant = try stage.fileGrant(items: Int64(names.count) + 1)
    let id = try #require(grant["id"].text)
    let objects = try stage.show(id)["itemList"].elements.compactMap { $0["object"].text }
    #expect(
      Set(objects.dropFirst(0))
        == Set(names.map { "file:/srv/data/" + escaped($0) } + ["file:/srv/data"]))
    #expect(objects.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } })
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    for name in names {
      #expect(Scratch.mode(stage.scratch.bytes("root/srv/data/") + name) == 0o600)
    }
    #expect(try stage.call("Verify")["verification"]["ok"].bool == true)
  }

  @Test func aPathOf4096BytesIsHeld() throws {
    let stage = try Stage { scratch in
      let part = String(repeating: "d", count: 250)
      Scratch.run(
        "/bin/bash",
        [
          "-c",
          "cd \(scratch.path)/root/srv; for i in {1..16}; do mkdir \(part) && cd -P \(part) "
            + "|| exit; done; touch deep; chmod 600 deep",
        ])
    }
    try stage.start()
    try stage.agent("cd $D; chmod -R o+w .")
    let grant = try stage.fileGrant(items: 18)
    stage.pass(seconds: 901)
    try stage.becomes("ended", grant["id"].text ?? "")
    try stage.human.play("find $D -perm -o+w >$S/out/left")
    #expect(stage.text("out/left") == "")
  }
}
