internal import ByteText
internal import Grants

/// The grants that SQL text makes or takes away, PostgreSQL's dialect: GRANT, REVOKE, CREATE, ALTER
/// and DROP ROLE, owners and default privileges.
struct SQLGrants {
  private(set) var found: [Recognition] = []
  private let database: String
  private var rest: ArraySlice<SQLToken> = []

  /// Changes of one text that are told.
  private static let most = 64

  /// `database`: the one the session is connected to.
  init(_ tokens: [SQLToken], database: String) {
    self.database = database
    for statement in tokens.split(whereSeparator: \.isSemicolon) {
      rest = statement
      read()
    }
  }

  // MARK: Statements

  private mutating func read() {
    if take("grant") { return granted(.grant) }
    if take("revoke") { return granted(.revoke) }
    if take("create") {
      _ = take("or") && take("replace")
      guard let isUser = takeRole() else { return }
      return role(isNew: true, isUser: isUser)
    }
    if take("drop") {
      guard takeRole() != nil else { return }
      if take("if") { _ = take("exists") }
      for name in names() { tell(.revoke, "role:" + name, "role/" + name, "role") }
      return
    }
    guard take("alter") else { return }
    if take("default") {
      guard take("privileges") else { return }
      return defaults()
    }
    if rest.first?.isWord("group") == true || rest.first?.isWord("role") == true
      || rest.first?.isWord("user") == true
    {
      _ = takeRole()
      return role(isNew: false, isUser: false)
    }
    owner()
  }

  private mutating func granted(_ type: SignalType, of scope: String? = nil) {
    if type == .revoke {
      for option in ["grant", "admin", "inherit", "set"] where take(option) {
        _ = take("option") && take("for")
        break
      }
    }
    let toward = type == .grant ? "to" : "from"
    guard let end = rest.firstIndex(where: { $0.isWord(toward) }) else { return }
    let head = rest[..<end]
    rest = rest[(end + 1)...]
    let grantees = names()
    if let on = head.firstIndex(where: { $0.isWord("on") }) {
      let right = words(head[..<on])
      let objects = objects(head[(on + 1)...], scope)
      for grantee in grantees {
        for object in objects { tell(type, subject(grantee), object, right) }
      }
    } else {
      var roles = head
      for role in Self.names(&roles) {
        for grantee in grantees { tell(type, subject(grantee), "role/" + role, "member") }
      }
    }
  }

  private mutating func defaults() {
    // `FOR ROLE x` and `IN SCHEMA y` come before the privileges.
    while let next = rest.first, !next.isWord("grant"), !next.isWord("revoke") {
      rest.removeFirst()
    }
    if take("grant") { return granted(.grant, of: "default") }
    if take("revoke") { granted(.revoke, of: "default") }
  }

  private mutating func owner() {
    guard let end = rest.firstIndex(where: { $0.isWord("owner") }) else { return }
    let objects = objects(rest[..<end], nil)
    rest = rest[(end + 1)...]
    guard take("to"), let role = rest.popFirst()?.asName else { return }
    for object in objects { tell(.grant, subject(role), object, "owner") }
  }

  private static let attributes: Set<String> = [
    "superuser", "createrole", "createdb", "login", "replication", "bypassrls",
  ]

  private mutating func role(isNew: Bool, isUser: Bool) {
    guard let name = rest.popFirst()?.asName else { return }
    let role = "role:" + name
    let object = "role/" + name
    if !isNew, take("add") {
      _ = take("user")
      for member in names() { tell(.grant, "role:" + member, object, "member") }
      return
    }
    if !isNew, take("drop") {
      _ = take("user")
      for member in names() { tell(.revoke, "role:" + member, object, "member") }
      return
    }
    _ = take("with")
    var gained: [String] = isUser ? ["LOGIN"] : []
    var lost: [String] = []
    while let token = rest.popFirst() {
      guard case .word(let word) = token else { continue }
      if Self.attributes.contains(word) {
        gained.append(word.uppercased())
      } else if word.hasPrefix("no"), Self.attributes.contains(String(word.dropFirst(2))) {
        if !isNew { lost.append(word.dropFirst(2).uppercased()) }
        gained.removeAll { $0 == word.dropFirst(2).uppercased() }
      } else if word == "password" {
        if take("null") { lost.append("PASSWORD") } else { gained.append("PASSWORD") }
      } else if word == "in", isNew, take("role") || take("group") {
        for other in names() { tell(.grant, role, "role/" + other, "member") }
      } else if isNew, ["role", "user", "admin"].contains(word) {
        for member in names() { tell(.grant, "role:" + member, object, "member") }
      } else if word == "rename" || word == "set" || word == "reset" {
        break
      }
    }
    if isNew, gained.isEmpty { gained = ["role"] }
    if !gained.isEmpty { tell(.grant, role, object, gained.joined(separator: " ")) }
    if !lost.isEmpty { tell(.revoke, role, object, lost.joined(separator: " ")) }
  }

  // MARK: Pieces

  private mutating func take(_ keyword: String) -> Bool {
    guard rest.first?.isWord(keyword) == true else { return false }
    rest.removeFirst()
    return true
  }

  /// Takes ROLE, USER or GROUP; true for USER.
  private mutating func takeRole() -> Bool? {
    if take("role") || take("group") { return false }
    return take("user") ? true : nil
  }

  private mutating func names() -> [String] { Self.names(&rest) }

  /// `a, "B", c`; GROUP before a name says nothing.
  private static func names(_ tokens: inout ArraySlice<SQLToken>) -> [String] {
    var names: [String] = []
    while names.count < most {
      if tokens.first?.isWord("group") == true { tokens.removeFirst() }
      guard let name = tokens.first?.asName else { break }
      names.append(name)
      tokens.removeFirst()
      guard tokens.first?.isComma == true else { break }
      tokens.removeFirst()
    }
    return names
  }

  private func subject(_ name: String) -> String { name == "public" ? "everyone" : "role:" + name }

  /// `SELECT, INSERT (a)` as PostgreSQL writes privileges.
  private func words(_ tokens: ArraySlice<SQLToken>) -> String {
    var text = ""
    for token in tokens {
      switch token {
      case .word(let word):
        text += (text.isEmpty || text.hasSuffix("(") ? "" : " ") + word.uppercased()
      case .name(let name): text += "\"\(name)\""
      case .symbol(let byte): text += byte == UInt8(ascii: "(") ? " (" : String(UnicodeScalar(byte))
      case .text: text += "''"
      }
    }
    return text
  }

  private static let classes: Set<String> = [
    "table", "schema", "database", "sequence", "function", "procedure", "routine", "view", "type",
    "domain", "language", "tablespace", "tables", "sequences", "functions", "routines", "types",
    "schemas", "materialized", "foreign", "server", "data", "wrapper", "large", "object",
    "parameter",
  ]

  /// `TABLE public.t1, t2`, `ALL TABLES IN SCHEMA s`, `SCHEMA s` as objects below the database.
  private func objects(_ tokens: ArraySlice<SQLToken>, _ scope: String?) -> [String] {
    var tokens = tokens
    var kind: [String] = []
    while case .word(let word)? = tokens.first,
      Self.classes.contains(word) || word == "all" || word == "in" || word == "only"
    {
      if word != "in", word != "only" { kind.append(word) }
      tokens.removeFirst()
      // A table may have a name of these.
      if tokens.isEmpty, scope == nil {
        kind.removeLast()
        return [
          database + "/" + (kind.isEmpty ? "table" : kind.joined(separator: "-")) + "/" + word
        ]
      }
    }
    let family = (scope.map { [$0] } ?? []) + (kind.isEmpty ? ["table"] : kind)
    let prefix = database + "/" + family.joined(separator: "-")
    guard scope == nil else { return [prefix] }
    var objects: [String] = []
    var name = ""
    for token in tokens {
      if token.isComma {
        if !name.isEmpty { objects.append(prefix + "/" + name) }
        name = ""
      } else if let part = token.asName {
        name += part
      } else if case .symbol(let byte) = token, byte == UInt8(ascii: ".") || name.hasSuffix("(") {
        name += "."
      } else {
        break
      }
    }
    if !name.isEmpty { objects.append(prefix + "/" + name) }
    return Array(objects.prefix(Self.most))
  }

  private mutating func tell(
    _ type: SignalType, _ subject: String, _ object: String, _ right: String
  ) {
    guard found.count < Self.most else { return }
    found.append(
      Recognition(
        type, kind: .postgresql, subject: escaped(Array(subject.utf8).prefix(256)),
        object: "postgresql:" + escaped(Array(object.utf8).prefix(512)),
        right: escaped(Array(right.utf8).prefix(256))))
  }
}
