import ByteText
import Scratch
import Testing

/// What was made with access while it was there outlives its end, and is listed with the grant.
extension EngineLiveTests {
  /// A stage with folders of cron, at and systemd, and a login of mia's and of noah's.
  private struct Workshop {
    let stage: Stage
    let mia, noah: Actors

    init() throws {
      stage = try Stage { scratch in
        EngineLiveTests.furnish(scratch)
        Stage.addAccount(scratch, "mia", Stage.ownNumber(4))
        Stage.addAccount(scratch, "noah", Stage.ownNumber(5))
        for name in ["a", "b"] { scratch.file("root/srv/\(name)", 0o600) }
        for folder in [
          "etc/cron.d", "etc/systemd", "etc/systemd/system", "var", "var/spool", "var/spool/cron",
          "var/spool/cron/crontabs", "var/spool/cron/atjobs", "home/mia", "home/mia/.config",
          "home/mia/.config/systemd", "home/mia/.config/systemd/user",
        ] { scratch.folder("root/" + folder) }
      }
      mia = try Actors(stage.scratch, "mia", loginUID: Stage.ownNumber(4))
      noah = try Actors(stage.scratch, "noah", loginUID: Stage.ownNumber(5))
      try stage.start()
    }

    /// The id of the one grant with this subject and object.
    func grant(_ subject: String, _ object: String) throws -> String {
      let grant = try stage.grant("\(subject) on \(object)") {
        $0["subject"].text == subject && $0["object"].text == object
      }
      return try #require(grant["id"].text)
    }

    func made(_ id: String) throws -> [String] {
      try stage.show(id)["madeMeanwhile"].elements.compactMap(\.text)
    }

    /// Waits until as many lines are there as `starts` has, and compares their begins.
    func expect(
      _ id: String, _ starts: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let made = try stage.wait("\(starts.count) lines of \(id)") { () -> [String]? in
        let lines = try self.made(id)
        return lines.count >= starts.count ? lines : nil
      }
      #expect(made.count == starts.count, "\(made)", sourceLocation: sourceLocation)
      for (line, start) in zip(made, starts) {
        #expect(line.hasPrefix(start), "\(line)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func whatTheHolderGaveAndHadRunIsListedWithTheGrant() throws {
    let shop = try Workshop()
    let stage = shop.stage
    try stage.agent("echo 'mia ALL=(ALL) NOPASSWD: ALL' >>$S/root/etc/sudoers.d/x")
    let id = try shop.grant("user:mia", "sudoers:/etc/sudoers.d/x")
    #expect(try shop.made(id).isEmpty)
    // By another account: none of it.
    try shop.noah.play("echo '* * * * * root id' >$S/root/etc/cron.d/noahs; chmod 644 $D/b")
    let noahs = try shop.grant("everyone", "file:/srv/b")
    try shop.mia.play("gpasswd --root $S/root -a noah docker")
    let member = try shop.grant("user:noah", "group:docker")
    try shop.mia.play("cp /bin/true $D/tool; chmod 4755 $D/tool")
    let tool = try shop.grant("everyone", "file:/srv/tool")
    try shop.mia.play(
      """
      echo '* * * * * root id' >$S/root/etc/cron.d/job; echo >>$S/root/etc/cron.d/job; \
      echo x >$S/root/var/spool/cron/crontabs/mia; echo x >$S/root/var/spool/cron/atjobs/a01; \
      echo x >$S/root/etc/systemd/system/back.service; \
      echo x >$S/root/home/mia/.config/systemd/user/own.timer
      """)
    let all = [
      "\(member): group-member: ", "\(tool): file-mode: ",
      "cron entry /etc/cron.d/job, written at 2", "cron entry /var/spool/cron/crontabs/mia, ",
      "at job /var/spool/cron/atjobs/a01, ", "unit /etc/systemd/system/back.service, ",
      "user unit /home/mia/.config/systemd/user/own.timer, ",
    ]
    try shop.expect(id, all)
    let line = try shop.made(id)[2]
    #expect(line.contains(" by root (login mia), pid "), "\(line)")
    #expect(try shop.made(noahs).isEmpty)
    #expect(try shop.made(member).count == 5, "the giver of a membership wrote them too")
    // What comes when the access has ended is not made with it; what was made stays listed.
    stage.pass(seconds: 901)
    try stage.becomes("ended", id)
    try shop.mia.play("echo x >$S/root/etc/cron.d/later; chmod 644 $D/a")
    _ = try shop.grant("everyone", "file:/srv/a")
    try shop.expect(id, all)
    crash(stage)
    try stage.start()
    try shop.expect(id, all)
  }

  @Test func whatTheGiverHadRunIsListedWithWhatItGave() throws {
    let shop = try Workshop()
    let stage = shop.stage
    try stage.agent("chmod 666 $D/a")
    let agents = try shop.grant("everyone", "file:/srv/a")
    try shop.mia.play("chmod 666 $D/b")
    let mias = try shop.grant("everyone", "file:/srv/b")
    try stage.agent("echo x >$S/root/etc/cron.d/agents")
    try shop.expect(agents, ["cron entry /etc/cron.d/agents, written at "])
    #expect(try shop.made(mias).isEmpty)
    try shop.noah.play("echo x >$S/root/etc/cron.d/noahs")
    try stage.agent("echo x >$S/root/etc/cron.d/last")
    try shop.expect(agents, ["cron entry /etc/cron.d/agents", "cron entry /etc/cron.d/last"])
    #expect(try shop.made(mias).isEmpty)
  }

  @Test func membersOfAGroupHaveWhatItWasGiven() throws {
    let shop = try Workshop()
    try shop.stage.human.play("gpasswd --root $S/root -a mia staff")
    _ = try shop.grant("user:mia", "group:staff")
    try shop.stage.agent("echo '%staff ALL=(ALL) ALL' >>$S/root/etc/sudoers.d/x")
    let id = try shop.grant("group:staff", "sudoers:/etc/sudoers.d/x")
    try shop.noah.play("echo x >$S/root/etc/cron.d/noahs")
    try shop.mia.play("echo x >$S/root/etc/cron.d/mias")
    try shop.expect(id, ["cron entry /etc/cron.d/mias, written at "])
  }

  /// Nobody is blamed for what was written then: the owner of the file and its time are all there is.
  @Test(arguments: [false, true])
  func whatWasWrittenWhileNobodyLookedIsListedAsSuch(crashed: Bool) throws {
    let shop = try Workshop()
    let stage = shop.stage
    let mia = Stage.ownNumber(4)
    try stage.agent(
      "echo 'mia ALL=(ALL) NOPASSWD: ALL' >>$S/root/etc/sudoers.d/x; chmod 666 $D/a")
    let mias = try shop.grant("user:mia", "sudoers:/etc/sudoers.d/x")
    let agents = try shop.grant("everyone", "file:/srv/a")
    try stage.human.play("echo 'noah ALL=(ALL) ALL' >>$S/root/etc/sudoers.d/x")
    let noahs = try shop.grant("user:noah", "sudoers:/etc/sudoers.d/x")
    try shop.mia.play("echo x >$S/root/etc/cron.d/seen")
    try shop.expect(mias, ["cron entry /etc/cron.d/seen, written at "])
    crashed ? crash(stage) : stage.stop()
    try shop.mia.play(
      """
      umask 022; cd $S/root; mkdir etc/systemd/system/x.wants usr usr/lib usr/lib/systemd \
      usr/lib/systemd/system; echo x >var/spool/cron/crontabs/mia; chown \(mia) var/spool/cron/crontabs/mia; \
      echo x >home/mia/.config/systemd/user/own.timer; chown \(mia) home/mia/.config/systemd/user/own.timer; \
      echo x >etc/cron.d/roots; ln -s ../a.service etc/systemd/system/x.wants/a.service; \
      echo x >usr/lib/systemd/system/packaged.service
      """)
    try stage.start()
    let made = try shop.made(mias)
    // The agent gave it as root.
    let roots = [
      "cron entry /etc/cron.d/roots, changed at 2", "unit /etc/systemd/system/x.wants/a.service, ",
    ]
    let own = [
      "user unit /home/mia/.config/systemd/user/own.timer, changed at 2",
      "cron entry /var/spool/cron/crontabs/mia, changed at 2",
    ]
    try shop.expect(
      mias, ["cron entry /etc/cron.d/seen, written at "] + roots + own)
    #expect(
      made.dropFirst().allSatisfy { $0.contains("nobody was seen to write it, its owner is ") })
    #expect(made.last?.hasSuffix("its owner is mia") == true, "\(made)")
    #expect(
      try shop.made(agents).filter { !$0.contains("sudo-rule") && !$0.contains("seen,") }.count == 2
    )
    #expect(try shop.made(noahs).isEmpty)
    // Found once.
    stage.stop()
    try stage.start()
    #expect(try shop.made(mias) == made)
  }

  @Test func noMoreThanSixtyFourLinesAreKept() throws {
    let shop = try Workshop()
    try shop.stage.agent("gpasswd --root $S/root -a mia docker")
    let id = try shop.grant("user:mia", "group:docker")
    try shop.mia.play("for n in $(seq 1 80); do echo x >$S/root/etc/cron.d/job$n; done")
    let made = try shop.stage.wait("64 lines") { () -> [String]? in
      let made = try shop.made(id)
      return made.count >= 64 ? made : nil
    }
    #expect(made.count == 64 && made.last == "more was made, which is not listed")
    #expect(made[62].hasPrefix("cron entry /etc/cron.d/job63, "))
    // The record with all of them is read back.
    shop.stage.stop()
    try shop.stage.start()
    #expect(try shop.made(id) == made)
  }
}
