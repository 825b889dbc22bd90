import Grants
import Sources
import Testing

@Suite struct AccountLineTests {
  private func fields(
    _ tool: String, _ message: String, uid: UInt32 = 0, exe: String? = nil,
    commandLine: String? = nil
  ) -> JournalFields {
    var fields = JournalFields()
    fields.identifiers = [Array(tool.utf8)]
    fields.message = Array(message.utf8)
    fields.uid = uid
    fields.exe = Array((exe ?? "/usr/sbin/\(tool)").utf8)
    fields.commandLine = commandLine.map { Array($0.utf8) }
    return fields
  }

  private func read(_ tool: String, _ message: String, uid: UInt32 = 0) -> Recognition? {
    Recognizers.recognize(fields(tool, message, uid: uid))?.recognition
  }

  @Test(
    "Every change of a membership that the labels say is in the journal is told, once, in order",
    arguments: [
      "acct-usermod-aG", "acct-usermod-G-replace", "acct-useradd", "acct-prefix-root",
      "human-direct",
    ])
  func labels(name: String) {
    let expected = Samples.labels(name)
      .filter { ["grant", "revoke"].contains($0[0]) && $0[1] == "group-member" && $0[4] == "yes" }
      .map { "\($0[0]) user:\($0[2]) group:\($0[3].split(separator: " ").last ?? "")" }
    let told = Samples.recognized(name)
      .filter { $0.kind == .groupMember && $0.root == nil && $0.object != "group:1005" }
      .map { "\($0.type.rawValue) \($0.subject ?? "?") \($0.object ?? "?")" }
    #expect(told == expected)
  }

  @Test("Every line that somebody else wrote in a tool's name is a spoof")
  func spoofs() {
    for name in ["adv-logger-spoof", "adv-fake-usermod-binary", "adv-logger-root-fakepid"] {
      let expected = Samples.labels(name)
        .filter { $0[0] == "spoof" }
      let told = Samples.recognized(name)
      #expect(told.map(\.type) == expected.map { _ in .spoof }, "\(name)")
      #expect(told.allSatisfy { !$0.trusted })
    }
    let native = Samples.recognized("adv-native-fake-fields")
    #expect(native.map(\.type) == [SignalType](repeating: .spoof, count: 10))
  }

  @Test("gpasswd tells changes, sets and refusals")
  func gpasswd() {
    let told = Samples.recognized("acct-gpasswd")
    #expect(
      told.map(\.type) == [.grant, .revoke, .set, .set, .set, .set, .grant, .grant, .revoke])
    #expect(told[0].subject == "user:alice" && told[0].object == "group:docker")
    #expect(told[0].actorUser == "root" && told[0].trusted)
    #expect(told[2].right == "administrator" && told[2].members == ["alice"])
    #expect(told[3].object == "group:devs" && told[3].members == ["bob", "carol"])
    #expect(told[4].members == [] && told[4].right == "member")
    let refusal = Samples.recognized("acct-fail")
    #expect(refusal.map(\.type) == [.denied])
    #expect(refusal.first?.subject == "user:mallory" && refusal.first?.trusted == true)
  }

  @Test("A primary group is told by its number")
  func primary() {
    let told = Samples.recognized("acct-usermod-uid-gid")
    #expect(told.prefix(2).map(\.type) == [.grant, .revoke])
    #expect(told.first?.subject == "user:daniel")
    #expect(told.first?.object == "group:27")
  }

  @Test("groupmod -U and groupdel give a set, the rest of the group tools nothing")
  func groupTools() {
    let told = Samples.recognized("acct-groupadd")
    #expect(told.allSatisfy { $0.type == .set || $0.object == "group:rootclone" })
    #expect(told.compactMap(\.object).contains("group:team"))
    #expect(read("groupmod", "group changed in /etc/group (group a/1, new gid: 0)") == nil)
    #expect(read("groupadd", "new group: name=ops, GID=1009")?.isSilent == true)
    #expect(read("groupadd", "new group: name=ops, GID=0")?.isSilent == false)
    #expect(read("groupmod", "group changed in /etc/group (group team/1009)")?.members == nil)
    #expect(read("groupdel", "group 'team' removed")?.members == [])
    #expect(read("groupdel", "group 'team' removed from /etc/gshadow") == nil)
  }

  @Test("A name with a line's words in it leaves subject and object open, and no trust")
  func ambiguousNames() {
    for message in [
      "add 'eve' to group 'sudo' to group 'devs'", "add 'bob' to group 'evil' to group 'sudo'",
    ] {
      let told = read("usermod", message)
      #expect(told?.type == .grant && told?.subject == nil && told?.object == nil)
      #expect(told?.trusted == false)
    }
    let set = read("gpasswd", "members of group a set by x to b set by root to c")
    #expect(set?.members == nil && set?.trusted == false)
  }

  @Test("A change of another tree names the tree")
  func trees() {
    func root(_ tool: String, _ line: String) -> String? {
      let message =
        tool == "gpasswd" ? "user a added by root to group b" : "add 'a' to group 'b'"
      return Recognizers.recognize(fields(tool, message, commandLine: line))?.recognition.root
    }
    #expect(root("usermod", "usermod -P /srv/img -aG b a") == "/srv/img")
    #expect(root("usermod", "usermod --prefix=/srv/img/ -aG b a") == "/srv/img")
    #expect(root("usermod", "usermod -R/srv/img -aG b a") == "/srv/img")
    #expect(root("usermod", "usermod -aG b a") == nil)
    #expect(root("usermod", "usermod -aG b -- -P /x") == nil)
    #expect(root("gpasswd", "gpasswd -Q /srv/img -a a b") == "/srv/img")
    #expect(root("gpasswd", "gpasswd -R b") == nil)
    #expect(Samples.recognized("acct-prefix-root").isEmpty)
    #expect(
      Samples.recognized("acct-prefix-root", root: "/srv/img").map(\.root) == ["/srv/img"])
  }

  @Test("Odd lines tell nothing and break nothing")
  func odd() {
    for message in [
      "", "add '", "add 'x", "add 'x'", "delete '' from group", "change user '",
      "change user 'a' GID from '1' to 'x'", "user  added by ", "members of group ",
      "group '", "group changed in /etc/group (group )",
    ] {
      for tool in ["useradd", "usermod", "userdel", "gpasswd", "groupadd", "groupmod", "groupdel"] {
        #expect(read(tool, message) == nil, "\(tool): \(message)")
        #expect(read(tool, message, uid: 1000)?.type == .spoof)
      }
    }
    var silent = fields("usermod", "x", uid: 5)
    silent.message = nil
    #expect(Recognizers.recognize(silent) == nil)
  }
}
