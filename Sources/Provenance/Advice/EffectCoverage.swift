import ByteText
import Grants
import Kinds

// How far an advised change of a kind other than permission bits explains a grant.
extension AdvisedChange {
  /// Owners and access lists: who gains, and for lists which rights.
  func holderCoverage(of grant: Grant, _ granted: FileRights) -> Coverage {
    let isSame = change.subject == grant.subject
    let isLike =
      change.subject == "group:*" && grant.subject.hasPrefix("group:")
      || isUnresolved(change.subject.utf8) && !change.exact
    guard isSame || isLike else { return .none }
    if change.kind == .fileACL, granted.isDisjoint(with: rights) { return .none }
    return isSame && change.exact && rights.isSuperset(of: granted) ? .whole : .part
  }

  /// Who may run the file is told by its mode, so that the subject does not count.
  func capabilityCoverage(of grant: Grant) -> Coverage {
    guard let capabilities, let granted = FileCapabilities(text: grant.right) else {
      return change.right == grant.right && change.exact ? .whole : .part
    }
    guard capabilities.overlaps(granted) else { return .none }
    return change.exact && capabilities.gives(atLeast: granted) ? .whole : .part
  }

  /// Kinds whose grants are entries: the same subject, object and right, or how much of them.
  func entryCoverage(of grant: Grant, _ item: GrantItem) -> Coverage {
    let isSubject = change.subject == grant.subject
    let isSubjectOpen = !change.exact && isUnresolved(change.subject.utf8)
    switch change.kind {
    case .sudoRule:
      guard isSubject || isSubjectOpen else { return .none }
      let right = SudoRight.coverage(of: grant.right, by: change.right)
      return isSubject && change.exact ? right : min(right, .part)
    case .sshKey:
      let isObject = change.object == item.object
      if isSubject { return isObject && change.exact ? .whole : .part }
      return isObject && change.subject == unknownKey ? .part : .none
    case .account:
      guard isSubject, change.object == item.object else { return .none }
      return change.exact && Self.rank(grant.right) <= Self.rank(change.right) ? .whole : .part
    case .postgresql: return databaseCoverage(of: grant, item, isSubject || isSubjectOpen)
    case .kubernetes:
      let isNear =
        change.object.utf8.split(separator: UInt8(ascii: "/")).first
        == item.object.utf8.split(separator: UInt8(ascii: "/")).first
      guard isSubject || isSubjectOpen, change.object == item.object || isNear && !change.exact
      else { return .none }
      return isSubject && change.exact && change.right == grant.right ? .whole : .part
    default:
      guard change.object == item.object else { return .none }
      if isSubject { return change.exact ? .whole : .part }
      return isSubjectOpen ? .part : .none
    }
  }

  /// Root may log in, and who logs in has a shell.
  private static func rank(_ right: String) -> Int {
    switch right {
    case "root": 3
    case "login": 2
    default: 1
    }
  }

  private func databaseCoverage(of grant: Grant, _ item: GrantItem, _ isSubject: Bool) -> Coverage {
    guard isSubject else { return .none }
    let (advised, given) = (DatabaseObject(change.object), DatabaseObject(item.object))
    guard advised.family == given.family, advised.name == given.name,
      advised.database == given.database || advised.database == "?"
    else { return .none }
    let words = DatabaseObject.rights(change.right)
    let granted = DatabaseObject.rights(grant.right)
    guard !granted.isDisjoint(with: words) || words.contains("ALL") else { return .none }
    let isWhole = words.contains("ALL") || words.isSuperset(of: granted)
    return isWhole && change.exact && change.subject == grant.subject ? .whole : .part
  }
}

/// An object of PostgreSQL in its parts; `public` is the schema of a name without one.
struct DatabaseObject {
  var database: String
  var family: String
  var name: String

  init(_ object: String) {
    let text = object.hasPrefix("postgresql:") ? object.dropFirst("postgresql:".count) : object[...]
    let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else {
      database = ""
      family = parts.first.map { String($0) } ?? ""
      name = parts.count > 1 ? String(parts[1]) : ""
      return
    }
    (database, family, name) = (String(parts[0]), String(parts[1]), String(parts[2]))
    if name.hasPrefix("public.") { name.removeFirst("public.".count) }
  }

  /// `SELECT, INSERT`, `MEMBER GRANTED BY postgres` as single words in upper case.
  static func rights(_ text: String) -> Set<String> {
    var upper = text.uppercased()
    if let by = upper.firstRange(of: " GRANTED BY ") { upper = String(upper[..<by.lowerBound]) }
    if upper.hasPrefix("ALL") { return ["ALL"] }
    let isList = upper.contains(",") || upper.contains("(")
    return Set(
      upper.split(separator: isList ? "," : " ").map {
        $0.split(separator: " ").joined(separator: " ")
      })
  }
}

/// Rights as sudoers writes them: `(bob) NOPASSWD: /usr/bin/id, /usr/bin/ls`.
enum SudoRight {
  /// How much of `right` a rule with `advised` gives.
  static func coverage(of right: String, by advised: String) -> Coverage {
    if right == advised { return .whole }
    let (given, told) = (parts(right), parts(advised))
    // Where something is taken back, order matters: then they must be equal.
    let takesBack = told.commands.contains { $0.hasPrefix("!") }
    func covers(_ wide: [String], _ narrow: String) -> Bool {
      wide.contains { SudoRule.command($0, covers: narrow) }
    }
    let isWider =
      given.runas == told.runas && told.tags.isSuperset(of: given.tags)
      && (takesBack
        ? Set(told.commands).isSuperset(of: given.commands)
        : given.commands.allSatisfy { covers(told.commands, $0) })
    if isWider { return .whole }
    let overlaps =
      given.commands.contains { covers(told.commands, $0) }
      || told.commands.contains { covers(given.commands, $0) }
    return overlaps ? .part : .none
  }

  static func parts(_ text: String) -> (runas: String, tags: Set<String>, commands: [String]) {
    var rest = text[...]
    var runas = ""
    if rest.hasPrefix("("), let close = rest.firstIndex(of: ")") {
      runas = String(rest[...close])
      rest = rest[rest.index(after: close)...].drop { $0 == " " }
    }
    var tags: Set<String> = []
    while let colon = rest.firstIndex(of: ":"),
      rest[..<colon].allSatisfy({ $0.isUppercase || $0 == "_" })
    {
      tags.insert(String(rest[..<colon]))
      rest = rest[rest.index(after: colon)...].drop { $0 == " " }
    }
    // What only records or forbids is no gain.
    tags.formIntersection(["NOPASSWD", "SETENV"])
    let commands = rest.split(separator: ",").map {
      $0.split(separator: " ").joined(separator: " ")
    }
    return (runas, tags, commands)
  }
}
