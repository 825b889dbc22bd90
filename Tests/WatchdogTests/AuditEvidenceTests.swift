import ByteText
import Glibc
import LinuxKit
import Scratch
import Testing

/// What the kernel's audit records say of the calls that made grants.
extension EngineLiveTests {
  private static var rules: String {
    let here = #filePath
    let folder = here.prefix(upTo: here.lastIndex(of: "/") ?? here.endIndex)
    return "\(folder)/../../etc/grantwatch/audit.rules"
  }

  #if arch(arm64)
    private static let removexattr = 14
  #else
    private static let removexattr = 197
  #endif

  /// An act on one file, what it becomes, and how its record names it.
  private struct Act {
    var name: String
    var line: String
    var kinds: [String]
    var message: String
    /// A call on a descriptor names no path.
    var hasPath = true
  }

  private static let acts: [Act] = [
    Act(
      name: "a", line: "setfacl -m u:1001:rw $D/a", kinds: ["file-acl"],
      message: "changed an attribute of"),
    Act(
      name: "b",
      line: "perl -e 'my $n = q(system.posix_acl_access); syscall(\(removexattr), $ARGV[0], $n)'"
        + " $D/b",
      kinds: ["file-acl"], message: "changed an attribute of"),
    Act(
      name: "c", line: "setcap cap_net_raw=ep $D/c", kinds: ["file-capability"],
      message: "changed an attribute of"),
    Act(
      name: "d", line: "perl -e 'open(F, q(<), $ARGV[0]); chown(1001, -1, *F)' $D/d",
      kinds: ["file-owner"], message: "changed the owner of", hasPath: false),
    Act(
      name: "e", line: "chown -h 1001 $D/e", kinds: ["file-owner"],
      message: "changed the owner of"),
    // One call, and a grant for each who gains.
    Act(
      name: "f", line: "chown 1001:50 $D/f", kinds: ["file-owner", "file-owner"],
      message: "changed the owner of"),
  ]

  private func audited(_ grant: JSON) -> [String] {
    grant["evidence"].elements.filter { $0["source"].text == "audit" }.compactMap {
      $0["text"].text
    }
  }

  @Test(
    .enabled(
      if: access("/usr/sbin/auditctl", X_OK) == 0 && (try? AuditStatus.read()) != nil,
      "needs auditctl and a kernel with audit"))
  func theRecordOfACallIsEvidenceOfItsGrant() throws {
    let stage = try Stage { scratch in
      for name in ["a", "b", "d", "e", "f", "g"] {
        scratch.file("root/srv/\(name)", name == "b" ? 0o644 : 0o640)
      }
      scratch.file("out/tool", 0o4755)
      let srv = "\(scratch.path)/root/srv"
      Scratch.run("/bin/cp", ["/bin/true", "\(srv)/c"])
      Scratch.run("/usr/bin/setfacl", ["-m", "u:1001:-", "\(srv)/b"])
    }
    try stage.start()
    let isDone = try AuditRules.with(Self.rules) {
      for act in Self.acts { try stage.agent(act.line) }
      // Of the first of these two changes there is no record.
      try stage.human.play(
        "perl -e 'rename($ARGV[0], $ARGV[1]); chown(1001, -1, $ARGV[2])'"
          + " $S/out/tool $D/tool $D/g")
      let wanted = Self.acts.reduce(0) { $0 + $1.kinds.count } + 1
      let grants = try stage.wait("audit tells of \(wanted) grants") { () -> [JSON]? in
        let grants = try stage.grants().map { try stage.show($0["id"].text ?? "") }
        return grants.filter { !audited($0).isEmpty }.count == wanted ? grants : nil
      }
      #expect(grants.count == wanted + 1)
      func told(_ name: String) -> [JSON] {
        grants.filter { $0["object"].text == "file:/srv/\(name)" }
      }
      for act in Self.acts {
        let found = told(act.name)
        #expect(found.compactMap { $0["kind"].text } == act.kinds, "\(act.line)")
        for grant in found {
          let (pid, session) = (
            grant["actor"]["pid"].integer ?? 0, grant["actor"]["session"].integer ?? 0
          )
          let object = act.hasPath ? "/srv/\(act.name)" : "an open file"
          let lines = audited(grant)
          #expect(lines.count == 1)
          #expect(
            lines.first?.contains(
              "[\(pid)] uid 0 login uid 4711 session \(session): \(act.message) \(object): ")
              == true,
            "\(lines)")
          #expect(grant["provenance"].text == "agent-executed")
        }
      }
      // The record of one change of a process is none of its other grants'.
      let owner = told("g").flatMap { audited($0) }
      #expect(
        owner.count == 1 && owner[0].contains("changed the owner of /srv/g: perl"), "\(owner)")
      #expect(told("tool").map { audited($0) } == [[]])
    }
    #expect(isDone)
  }
}
