import ByteText
package import Kinds
import LinuxKit

/// Why an answer to polkit's question would prove nothing: polkit shows that a secret is known, and
/// here none is needed, or none is there.
package struct PresenceDoubt {
  /// The groups whose members distributions have polkit ask for `auth_admin`.
  static let administrators: Set<String> = ["sudo", "wheel", "admin"]

  package var uid: UInt32
  package var name: String
  package var groups: Set<String>
  /// Those whose secret polkit takes as well: root and the administrators.
  package var answering: Set<String>
  /// Accounts without a password, where nothing is to be known.
  package var open: Set<String>
  /// Nil where sudo's rules cannot be read.
  package var sudoRules: EntryState?

  package init(
    uid: UInt32, name: String, groups: Set<String>, answering: Set<String>, open: Set<String>,
    sudoRules: EntryState?
  ) {
    self.uid = uid
    self.name = name
    self.groups = groups
    self.answering = answering
    self.open = open
    self.sudoRules = sudoRules
  }

  /// The doubt; nil for none.
  package var reason: String? {
    if uid == 0 { return "polkit asks root nothing: approve as yourself, not as root" }
    if open.contains(name) {
      return "\(name) has an empty password: polkit's question proves nothing"
    }
    if let other = answering.intersection(open).sorted().first {
      return "\(other) has an empty password and may answer for \(name): polkit proves nothing"
    }
    guard let sudoRules else {
      return "the rules of sudo cannot be read: nobody knows whether \(name) becomes root without"
        + " a password"
    }
    let holder = SudoRules.subjectsWithoutPassword(sudoRules).first(where: isHeld)
    return holder.map {
      "sudo lets \($0) in without a password (NOPASSWD): polkit's question proves nothing"
    }
  }

  /// A subject of another form, such as a netgroup, may be anybody.
  private func isHeld(_ subject: String) -> Bool {
    if subject.hasPrefix("user:") { return subject == "user:\(name)" || subject == "user:#\(uid)" }
    if subject.hasPrefix("group:") {
      return subject.hasPrefix("group:#") || groups.contains(String(subject.dropFirst(6)))
    }
    return true
  }

  /// Of this host, read now: reads files and runs a tool, so it is nothing for the engine's queue.
  static func ofHost(uid: UInt32) -> String? {
    guard uid != 0 else {
      return PresenceDoubt(
        uid: 0, name: "root", groups: [], answering: [], open: [], sudoRules: EntryState()
      ).reason
    }
    let names = AccountNames()
    guard let name = names.userName(uid) else { return "uid \(uid) has no account here" }
    guard let passwd = try? SmallFile.read("/etc/passwd"),
      let shadow = try? SmallFile.read("/etc/shadow"),
      let group = try? SmallFile.read("/etc/group")
    else { return "the account files cannot be read: nobody knows whether a password is needed" }
    let lines = AccountLines.users(passwd)
    let passwords = AccountLines.passwords(shadow)
    let open = lines.filter { line in
      line.password.isEmpty
        || (line.password == Array("x".utf8) && passwords[line.name]?.isEmpty == true)
    }
    let held = AccountLines.groups(group).filter { line in
      line.members.contains(Array(name.utf8))
        || lines.contains { $0.uid == uid && $0.gid == line.gid }
    }
    let answering = administrators.reduce(into: Set(["root"])) {
      $0.formUnion(names.members(ofGroup: $1))
    }
    let rules = try? SudoRules(root: []).read(previous: nil)
    return PresenceDoubt(
      uid: uid, name: name, groups: Set(held.map { escaped($0.name) }), answering: answering,
      open: Set(open.map { escaped($0.name) }),
      sudoRules: rules.flatMap { $0.problems.isEmpty ? $0 : nil }
    ).reason
  }
}
