package import ByteText
package import LinuxKit

/// Makes rules of what cvtsudoers says.
package struct SudoRuleReader {
  let aliases: SudoersAliases
  let members: SudoersMemberReader

  package init(aliases: SudoersAliases, names: AccountNames) {
    self.aliases = aliases
    members = SudoersMemberReader(
      user: { names.userName($0) }, group: { names.groupName($0) })
  }

  /// The rules of one `User_Specs` element; nil when a list grows too long or holds something that
  /// nobody knows.
  package func rules(_ spec: JSON) -> [SudoRule]? {
    guard let users = list(spec["User_List"]), let hosts = list(spec["Host_List"]) else {
      return nil
    }
    var specs: [SudoRule] = []
    for json in spec["Cmnd_Specs"].elements {
      guard let rule = commandRule(json, hosts: hosts.map(\.written)) else { return nil }
      specs.append(rule)
    }
    takeBack(&specs)
    var rules: [SudoRule] = []
    for (subject, users) in given(users) {
      for spec in specs {
        var rule = spec
        rule.subject = subject
        rule.users = users
        rules.append(rule)
      }
    }
    return rules
  }

  /// The members that a list gives to, each with those behind it that take it back from some.
  func given(_ list: [SudoersMember]) -> [(subject: String, users: [String])] {
    var found: [(String, [String])] = []
    var seen: Set<String> = []
    for (at, member) in list.enumerated() where !member.negated {
      var users = [member.text]
      var isTaken = false
      for later in list[(at + 1)...] {
        if later.negated, later.text == member.text || later.text == "ALL" { isTaken = true }
        if !later.negated, later.text == member.text { isTaken = true }
        if later.negated, !(later.isName && member.isName), !users.contains(later.written) {
          users.append(later.written)
        }
        if !later.negated { users.removeAll { $0 == "!" + later.text } }
      }
      if !isTaken, seen.insert(member.text).inserted { found.append((member.subject, users)) }
    }
    return found
  }

  /// The whole list of a binding or of users, aliases resolved.
  func list(_ json: JSON) -> [SudoersMember]? {
    guard let resolved = aliases.resolve(json.elements) else { return nil }
    let found = resolved.compactMap(members.member)
    return found.count == resolved.count ? found : nil
  }

  /// A later `!command` under the same runas takes it back from the commands before it.
  private func takeBack(_ specs: inout [SudoRule]) {
    for at in specs.indices where specs[at].gives {
      for later in specs[(at + 1)...]
      where later.runas == specs[at].runas && later.groups == specs[at].groups {
        specs[at].commands += later.commands.filter(SudoRule.isNegated)
      }
    }
  }

  private func commandRule(_ json: JSON, hosts: [String]) -> SudoRule? {
    guard let commands = list(json["Commands"]) else { return nil }
    var rule = SudoRule(
      subject: "", users: [], hosts: hosts, runas: nil, groups: nil,
      commands: commands.map(\.written))
    if !json["runasusers"].isNull {
      guard let users = list(json["runasusers"]) else { return nil }
      rule.runas = users.map(\.written)
    }
    if !json["runasgroups"].isNull {
      guard let resolved = aliases.resolve(json["runasgroups"].elements) else { return nil }
      let groups = resolved.compactMap(members.runasGroup)
      guard groups.count == resolved.count else { return nil }
      rule.groups = groups.map(\.written)
    }
    for option in json["SELinux_Spec"].elements + json["Options"].elements {
      for member in option.members {
        guard take(member, into: &rule) else { return nil }
      }
    }
    // ALL implies it, and cvtsudoers says so as if it stood there.
    if rule.givesAll, rule.tags["setenv"] == true { rule.tags["setenv"] = nil }
    return rule
  }

  private func take(_ member: JSONMember, into rule: inout SudoRule) -> Bool {
    let text =
      member.value.integer.map { String($0) }
      ?? escaped(CvtsudoersJSON.bytes(of: member.value.text ?? ""))
    switch member.name {
    case "role": rule.options.append("ROLE=" + text)
    case "type": rule.options.append("TYPE=" + text)
    case "apparmor_profile": rule.options.append("APPARMOR_PROFILE=" + text)
    case "runchroot": rule.options.append("CHROOT=" + text)
    case "runcwd": rule.options.append("CWD=" + text)
    case "command_timeout": rule.options.append("TIMEOUT=" + text)
    case "notbefore": rule.notBefore = text
    case "notafter": rule.notAfter = text
    default:
      guard let flag = member.value.bool,
        SudoRule.tagWords.contains(where: { $0.name == member.name })
      else { return false }
      rule.tags[member.name] = flag
    }
    return true
  }
}
