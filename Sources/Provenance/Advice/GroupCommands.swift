import ByteText
import Grants

// Options of the account tools, from their manual pages (shadow 4.13, Debian's adduser 3.134).

let usermodOptions = CommandOptions(
  "cdefgGlpPRsuvVwWZ",
  long: [
    "append": "a", "groups": "G", "gid": "g", "remove": "r", "comment": "c", "home": "d",
    "expiredate": "e", "inactive": "f", "login": "l", "password": "p", "prefix": "P", "root": "R",
    "shell": "s", "uid": "u", "selinux-user": "Z", "add-subuids": "v", "del-subuids": "V",
    "add-subgids": "w", "del-subgids": "W", "move-home": "m", "non-unique": "o", "lock": "L",
    "unlock": "U", "badname": "b",
  ])
let useraddOptions = CommandOptions(
  "bcdefgGkKpPRsuZ",
  long: [
    "groups": "G", "gid": "g", "base-dir": "b", "comment": "c", "home-dir": "d", "home": "d",
    "expiredate": "e", "inactive": "f", "skel": "k", "key": "K", "password": "p", "prefix": "P",
    "root": "R", "shell": "s", "uid": "u", "selinux-user": "Z", "defaults": "D",
    "create-home": "m", "no-create-home": "M", "no-user-group": "N", "user-group": "U",
    "system": "r", "non-unique": "o", "no-log-init": "l",
  ])
let gpasswdOptions = CommandOptions(
  "adAMQ",
  long: [
    "add": "a", "delete": "d", "administrators": "A", "members": "M", "root": "Q",
    "remove-password": "r", "restrict": "R",
  ])
let groupmodOptions = CommandOptions(
  "gnpPRU",
  long: [
    "append": "a", "users": "U", "gid": "g", "new-name": "n", "password": "p", "prefix": "P",
    "root": "R", "non-unique": "o",
  ])
let groupaddOptions = CommandOptions(
  "gKpPRU",
  long: [
    "users": "U", "gid": "g", "key": "K", "password": "p", "prefix": "P", "root": "R",
    "force": "f", "system": "r", "non-unique": "o",
  ])
let groupmemsOptions = CommandOptions(
  "adgR",
  long: ["add": "a", "delete": "d", "group": "g", "root": "R", "list": "l", "purge": "p"])
let adduserOptions = CommandOptions(
  "cGhgksu",
  valuedLong: [
    "home", "shell", "uid", "gid", "firstuid", "lastuid", "firstgid", "lastgid", "ingroup", "conf",
    "gecos", "comment",
  ])

extension FoundCommand {
  /// `adduser USER GROUP`, or a new account in a group.
  var addedUser: CommandReading {
    let parsed = adduserOptions.parse(arguments)
    switch parsed.operands.count {
    case 1:
      guard program == .adduser else { return .effects([]) }
      let user = parsed.operands[0]
      let login = newLogin(
        user, shell: parsed.last("shell") ?? parsed.last("s"), uid: parsed.last("uid"),
        isSystem: parsed.has("system"))
      guard let group = parsed.last("ingroup") ?? parsed.last("G") else { return .effects(login) }
      return .effects(login + memberEffects([(user, group)]))
    case 2: return members([(parsed.operands[0], parsed.operands[1])])
    default: return .notUnderstood
    }
  }

  var gpasswdMembers: CommandReading {
    let parsed = gpasswdOptions.parse(arguments)
    if parsed.has("A") { return .notUnderstood }
    let added = parsed.options.filter { $0.name == "a" || $0.name == "M" }.compactMap(\.value)
    if added.isEmpty { return parsed.has("a") ? .notUnderstood : .effects([]) }
    guard let group = parsed.operands.first, parsed.operands.count == 1 else {
      return .notUnderstood
    }
    return members(added.flatMap(names).map { ($0, group) })
  }

  /// `--users LIST GROUP`.
  func listedMembers(_ grammar: CommandOptions) -> CommandReading {
    let parsed = grammar.parse(arguments)
    guard let list = parsed.last("U") else { return .effects([]) }
    guard let group = parsed.operands.first, parsed.operands.count == 1 else {
      return .notUnderstood
    }
    return members(names(list).map { ($0, group) })
  }

  var groupmemsMembers: CommandReading {
    let parsed = groupmemsOptions.parse(arguments)
    guard let user = parsed.last("a") else { return .effects([]) }
    guard let group = parsed.last("g") else { return .notUnderstood }
    return members([(user, group)])
  }

  func names(_ list: ShellWord) -> [ShellWord] {
    list.bytes.split(separator: UInt8(ascii: ",")).prefix(ChangeGrammar.mostChanges)
      .map { ShellWord(bytes: Array($0), exact: list.exact) }
  }

  func members(_ pairs: [(user: ShellWord, group: ShellWord)]) -> CommandReading {
    let effects = memberEffects(pairs)
    return effects.isEmpty ? .notUnderstood : .effects(effects)
  }

  func memberEffects(_ pairs: [(user: ShellWord, group: ShellWord)]) -> [CommandEffect] {
    pairs.filter { !$0.user.bytes.isEmpty && !$0.group.bytes.isEmpty }
      .prefix(ChangeGrammar.mostChanges).map { pair in
        // A number is a group id, whose name only the host knows.
        let isNumber = pair.group.bytes.allSatisfy(isDigit)
        return CommandEffect(
          kind: .groupMember, subject: "user:" + escaped(pair.user.bytes),
          object: "group:" + escaped(pair.group.bytes), right: "member",
          exact: pair.user.exact && pair.group.exact && !isNumber)
      }
  }
}
