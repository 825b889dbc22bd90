import ByteText
import Scratch
import Testing
import Watchdog

/// Very many entries in one go, and entries that are moved about to gain time.
extension EngineLiveTests {
  @Test(arguments: ["sudo-rule", "ssh-key"])
  func aFloodOfEntriesIsTakenBackInAFewGoesAndFillsNoOutbox(_ kind: String) throws {
    let count = 300
    let stage = try Stage { scratch in
      Self.furnish(scratch)
      scratch.folder("etc/webhooks.d")
      let lines = (0..<count).map { index in
        let blob =
          [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 32]
          + [UInt8](repeating: UInt8(index % 256), count: 31) + [UInt8(index / 256)]
        return kind == "sudo-rule"
          ? "u\(index) ALL=(ALL) NOPASSWD: ALL\n" : "ssh-ed25519 \(base64(blob)) k\n"
      }
      scratch.file("flood", 0o644, text: lines.joined())
    }
    stage.addWebhook()
    try stage.start()
    let file = kind == "sudo-rule" ? "root/etc/sudoers.d/x" : "root/home/bob/.ssh/authorized_keys"
    try stage.agent("cat $S/flood >>$S/\(file)")
    _ = try stage.wait("all of them") {
      try stage.grants().count { $0["kind"].text == kind } == count ? true : nil
    }
    stage.pass(seconds: 3)
    stage.pass(seconds: 11)
    // The first leave one by one, then all others together.
    func told() throws -> [JSON] {
      var told: [JSON] = []
      while let event = try stage.outbox().first {
        if event["type"].text == "grant.detected" { told.append(event) }
        try stage.acknowledge(event)
      }
      return told
    }
    let alerts = try told()
    #expect(alerts.count == AlertFolding.most + 1)
    let incident = try #require(stage.grants().first?["incident"].text)
    #expect(alerts.last?["subject"].text == incident)
    #expect(
      alerts.last?["data"]["text"].text?.contains("\(count - AlertFolding.most) more") == true)
    stage.pass(seconds: 901)
    _ = try stage.wait("all are taken back") {
      try stage.status()["grants"]["ended"].integer == Int64(count) ? true : nil
    }
    #expect(stage.text(file) == "# kept\n")
    let intents = try stage.call("Log")["events"].elements.filter {
      $0["type"].text == "grant.revoked"
    }
    #expect(intents.count == count)
  }

  /// A rule that went and comes again in another file has the deadline of then, over a reboot too.
  @Test(arguments: [false, true])
  func aRuleThatIsMovedToAnotherFileGainsNoTime(reboots: Bool) throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(Self.entryCases[0].act)
    let first = try stage.grant("a rule") { $0["kind"].text == "sudo-rule" }
    let id = try #require(first["id"].text)
    stage.pass(seconds: 600)
    try stage.agent("echo '# kept' >$S/root/etc/sudoers.d/x")
    try stage.becomes("ended", id)
    if reboots {
      stage.stop()
      stage.clock.reboot()
      try stage.start()
    }
    try stage.agent("echo 'eve ALL=(ALL:ALL) NOPASSWD: ALL' >$S/root/etc/sudoers.d/y")
    let again = try stage.grant("it again") { $0["state"].text == "active" }
    #expect(again["object"].text == "sudoers:/etc/sudoers.d/y")
    let left = try #require(again["expiresAt"].text.flatMap { Timestamp(rfc3339: $0) })
    let due = try #require(first["expiresAt"].text.flatMap { Timestamp(rfc3339: $0) })
    #expect(left - due < TimeSpan(seconds: 20) && due - left < TimeSpan(seconds: 20))
  }

  @Test func aFileOfPolkitsThatIsRenamedGainsNoTime() throws {
    let stage = try Stage(prepare: Self.furnish)
    try stage.start()
    try stage.agent(Self.entryCases[2].act)
    let first = try stage.grant("a file") { $0["kind"].text == "polkit-rule" }
    stage.pass(seconds: 600)
    try stage.agent("cd $S/root/etc/polkit-1/rules.d && mv 9.rules 8.rules")
    let again = try stage.grant("it again") {
      $0["state"].text == "active" && $0["id"] != first["id"]
    }
    #expect(again["object"].text == "polkit:/etc/polkit-1/rules.d/8.rules")
    #expect(again["expiresAt"].text?.prefix(18) == first["expiresAt"].text?.prefix(18))
  }

  @Test func anAccountThatItsMakerRenumbersIsClosedAllTheSame() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("useradd --prefix $S/root -M -s /bin/bash mallory")
    let id = try #require(
      try stage.grant("an account") { $0["kind"].text == "account" }["id"].text)
    stage.pass(seconds: 3)
    try stage.agent("usermod --prefix $S/root -u 1500 mallory")
    _ = try stage.wait("it is followed") {
      try stage.call("Explain", [("ids", stage.ids(id))])["explanations"].elements.first?["because"]
        .elements.contains { $0.text?.contains("another uid") == true } == true ? true : nil
    }
    stage.stop()
    try stage.start()
    stage.pass(seconds: 901)
    #expect(try stage.becomes("ended", id)["endedBy"].text == "expired")
    #expect(stage.text("root/etc/passwd")?.contains("mallory:x:1500") == true)
    #expect(
      stage.text("root/etc/passwd")?.contains("mallory:x:1500:1003::/home/mallory:/bin/bash")
        == false)
    #expect(try stage.grants().filter { $0["kind"].text == "account" }.count == 1)
  }

  /// By somebody else it might be another account of that name.
  @Test func anAccountThatAHumanRenumbersIsLeftAlone() throws {
    let stage = try Stage()
    try stage.start()
    try stage.agent("useradd --prefix $S/root -M -s /bin/bash mallory")
    let id = try #require(
      try stage.grant("an account") { $0["kind"].text == "account" }["id"].text)
    stage.pass(seconds: 3)
    try stage.human.play("usermod --prefix $S/root -u 1500 mallory")
    stage.pass(seconds: 901)
    try stage.becomes("drifted", id)
  }

  @Test func aPasswordThatIsTakenAwayIsToldAsWhatWasBefore() throws {
    let stage = try Stage { scratch in
      scratch.remove("root/etc/shadow")
      scratch.file(
        "root/etc/shadow", 0o640,
        text: "root:*:1::::::\nnobody:*:1::::::\nbob:!$6$x$y:1::::::\neve:!:1::::::\n")
    }
    try stage.start()
    try stage.agent("sed -i 's/^eve:!:/eve:$6$v$w:/' $S/root/etc/shadow")
    _ = try stage.grant("a password") { $0["object"].text == "account:eve" }
    stage.pass(seconds: 3)
    try stage.agent("passwd -R $S/root -d eve || sed -i 's/^eve:[^:]*:/eve::/' $S/root/etc/shadow")
    let eve = try stage.grant("no password") { $0["after"].text == "no password" }
    #expect(eve["before"].text == "password")
    try stage.agent("sed -i 's/^bob:[^:]*:/bob::/' $S/root/etc/shadow")
    let bob = try stage.grant("no password") { $0["object"].text == "account:bob" }
    #expect(bob["before"].text == "locked password")
  }
}
