import Grants
import Sources
import Testing

/// Whether a line is the tool's own, as journald really saw the senders.
@Suite struct SenderTrustTests {
  private func recognition(
    _ tool: String, _ message: String, uid: UInt32, exe: String? = nil, comm: String? = nil,
    isPrivileged: Bool? = nil
  ) -> Recognition? {
    var fields = JournalFields()
    fields.identifiers = [Array(tool.utf8)]
    fields.message = Array(message.utf8)
    fields.uid = uid
    fields.pid = 7
    fields.transport = Array("syslog".utf8)
    fields.exe = exe.map { Array($0.utf8) }
    fields.comm = comm.map { Array($0.utf8) }
    fields.isPrivileged = isPrivileged
    return Recognizers.recognize(fields)?.recognition
  }

  @Test("crontab that was over before journald found its program accuses nobody")
  func quickCrontab() {
    let quick = recognition(
      "crontab", "(alice) REPLACE (alice)", uid: 1000, comm: "crontab", isPrivileged: false)
    #expect(quick?.type == .set && quick?.trusted == false)
    let other = recognition(
      "crontab", "(alice) REPLACE (alice)", uid: 1000, comm: "logger", isPrivileged: false)
    #expect(other?.type == .spoof)
    let elsewhere = recognition(
      "crontab", "(root) REPLACE (root)", uid: 1000, exe: "/home/m/crontab", comm: "crontab",
      isPrivileged: false)
    #expect(elsewhere?.type == .spoof)
  }

  @Test("doas has become the command when journald looks who wrote its line")
  func doas() {
    let line = "alice ran command /bin/true of-doas as root from /home/alice"
    let asRoot = recognition("doas", line, uid: 0, comm: "true", isPrivileged: true)
    #expect(asRoot?.type == .use && asRoot?.trusted == true)
    #expect(asRoot?.subject == "user:alice" && asRoot?.object == "account:root")
    #expect(recognition("doas", line, uid: 0, exe: "/bin/id", comm: "id")?.trusted == false)
    let asBob = recognition(
      "doas", "alice ran command /usr/bin/id as bob from /home/alice", uid: 1001,
      exe: "/usr/bin/id", comm: "id", isPrivileged: false)
    #expect(asBob?.type == .use && asBob?.trusted == false)
    let forged = recognition(
      "doas", "alice ran command /usr/bin/id as root from /home/alice", uid: 1001,
      exe: "/usr/bin/id", comm: "id", isPrivileged: false)
    #expect(forged?.trusted == false)
    #expect(recognition("doas", line, uid: 1001, exe: "/usr/bin/logger")?.type == .spoof)
  }

  @Test("A job of at shows by its session, which atd opens as daemon")
  func job() {
    let line = "pam_unix(atd:session): session opened for user alice(uid=1000) by (uid=1)"
    let genuine = recognition(
      "atd", line, uid: 1, exe: "/usr/sbin/atd", comm: "atd", isPrivileged: false)
    #expect(genuine?.type == .use && genuine?.trusted == true && genuine?.object == "at:alice")
    #expect(recognition("atd", line, uid: 1004, exe: "/usr/bin/logger")?.type == .spoof)
  }

  @Test("newgrp has become a shell, or is gone, when journald looks, and accuses nobody")
  func newgrp() {
    let line = "user 'alice' (login 'alice' on ???) switched to group 'devs'"
    for (exe, comm) in [("/usr/bin/bash", "bash"), (nil, "sh"), (nil, nil)] as [(String?, String?)]
    {
      let told = recognition("newgrp", line, uid: 1000, exe: exe, comm: comm, isPrivileged: false)
      #expect(told?.type == .use && told?.trusted == false)
    }
    let genuine = recognition("newgrp", line, uid: 1000, exe: "/usr/bin/newgrp", comm: "newgrp")
    #expect(genuine?.trusted == true)
    #expect(recognition("newgrp", line, uid: 1004, exe: "/usr/bin/logger")?.type == .spoof)
  }
}
