import ByteText
import Grants
import Kinds

/// Reads the common forms of sudoers(5) by hand, from text that no sudo has seen: rules `USERS
/// HOSTS=(RUNAS) TAG: COMMANDS`, aliases of the same text, and a `Defaults` that loosens.
struct SudoersReader {
  private static let mostRules = 64
  private let object: String
  private let exact: Bool
  private(set) var effects: [CommandEffect] = []
  /// False when a line was not understood.
  private(set) var isWhole = true
  private var aliases: [String: [String]] = [:]

  init(_ file: AccessFile) {
    object = "sudoers:" + escaped(file.path)
    exact = file.exact
  }

  mutating func read(_ content: ShellWord) {
    var line: [UInt8] = []
    for part in split(content.bytes[...], at: 0x0a) {
      line += part
      if line.last == UInt8(ascii: "\\") {
        line[line.count - 1] = 0x20
        continue
      }
      read(line: line)
      line = []
      if effects.count >= ChangeGrammar.mostChanges { return }
    }
    if !line.isEmpty { read(line: line) }
  }

  private mutating func read(line bytes: [UInt8]) {
    guard bytes.count <= 8192 else {
      isWhole = false
      return
    }
    let text = sudoersTrimmed(Array(escaped(Self.withoutComment(bytes)).utf8)[...])
    if text.isEmpty { return }
    if text.starts(with: "@include".utf8) || text.starts(with: "#include".utf8) {
      isWhole = false
    } else if text.starts(with: "Defaults".utf8) {
      loosening(text.dropFirst("Defaults".utf8.count))
    } else if let mark = text.firstIndex(of: 0x20),
      text[..<mark].suffix(6).elementsEqual("_Alias".utf8)
    {
      for definition in text[mark...].split(separator: UInt8(ascii: ":")) {
        guard let equals = definition.firstIndex(of: UInt8(ascii: "=")) else { continue }
        let items = sudoersItems(definition[(equals + 1)...])
        aliases[string(sudoersTrimmed(definition[..<equals]))] = items.prefix(64).map(string)
      }
    } else {
      rule(text)
    }
  }

  /// A number behind `#` is a user's; all else behind it is a comment.
  private static func withoutComment(_ line: [UInt8]) -> ArraySlice<UInt8> {
    for at in line.indices where line[at] == UInt8(ascii: "#") {
      let next = at + 1 < line.count ? line[at + 1] : 0x20
      if isDigit(next) || at > 0 && line[at - 1] == UInt8(ascii: "\\") { continue }
      if line[at...].starts(with: "#include".utf8) { continue }
      return line[..<at]
    }
    return line[...]
  }

  private mutating func loosening(_ text: ArraySlice<UInt8>) {
    var subject = "everyone"
    var right = "NOPASSWD (Defaults)"
    var rest = text
    if let mark = text.first, ":@>!".utf8.contains(mark), let blank = text.firstIndex(of: 0x20) {
      let bound = text[(text.startIndex + 1)..<blank]
      rest = text[blank...]
      if mark == UInt8(ascii: ":") {
        subject = Self.subject(bound)
      } else {
        right = "NOPASSWD (Defaults\(UnicodeScalar(mark))\(string(bound)))"
      }
    }
    for option in sudoersItems(rest) {
      if option.elementsEqual("!authenticate".utf8) {
        add(subject, right)
      } else if option.starts(with: "exempt_group".utf8) {
        let group = sudoersTrimmed(option.drop { $0 != UInt8(ascii: "=") }.dropFirst())
        add("group:" + string(group.filter { $0 != UInt8(ascii: "\"") }), "NOPASSWD (Defaults)")
      }
    }
  }

  private mutating func rule(_ text: ArraySlice<UInt8>) {
    guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else {
      isWhole = false
      return
    }
    // Hosts stand behind the last blank that no comma joins.
    let head = joinedAtCommas(sudoersTrimmed(text[..<equals]))
    guard let blank = head.lastIndex(of: 0x20) else {
      isWhole = false
      return
    }
    let rules = rules(text[(equals + 1)...])
    guard !rules.isEmpty else {
      isWhole = false
      return
    }
    let gifts = rules.filter { $0.commands.contains { !$0.hasPrefix("!") } }.map(\.right)
    for item in sudoersItems(head[..<blank]) {
      let users = aliases.isEmpty ? nil : aliases[string(item)]
      for user in users?.map({ Array($0.utf8)[...] }) ?? [item]
      where user.first != UInt8(ascii: "!") {
        let isAlias = Self.looksLikeAlias(user)
        for right in gifts { add(Self.subject(user), right, isAlias: isAlias) }
      }
    }
  }

  private mutating func add(_ subject: String, _ right: String, isAlias: Bool = false) {
    guard effects.count < ChangeGrammar.mostChanges else { return }
    func isOpen(_ text: String) -> Bool { text.utf8.contains { "$`<".utf8.contains($0) } }
    effects.append(
      CommandEffect(
        kind: .sudoRule, subject: subject, object: object, right: right,
        exact: exact && !isOpen(subject) && !isOpen(right) && !isAlias))
  }

  private static func looksLikeAlias(_ name: ArraySlice<UInt8>) -> Bool {
    guard let first = name.first, !name.elementsEqual("ALL".utf8) else { return false }
    if name.allSatisfy({ $0 < 0x80 }) {
      return first &- 0x41 < 26 && name.allSatisfy { isNameByte($0) && $0 &- 0x61 >= 26 }
    }
    let text = string(name)
    return text.first?.isUppercase == true
      && text.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
  }

  private static func subject(_ name: ArraySlice<UInt8>) -> String {
    let plain = name.filter { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    if plain.elementsEqual("ALL".utf8) { return "everyone" }
    switch plain.first {
    case UInt8(ascii: "%"):
      return "group:" + string(plain.dropFirst(plain.starts(with: "%:".utf8) ? 2 : 1))
    case UInt8(ascii: "+"): return "netgroup:" + string(plain.dropFirst())
    default: return "user:" + string(plain)
    }
  }

  // MARK: Commands

  private struct Spec {
    var runas: [String]?
    var groups: [String]?
    var tags: [String: Bool] = [:]
    var commands: [String] = []

    var right: String {
      SudoRule(subject: "", runas: runas, groups: groups, tags: tags, commands: commands).right
    }
  }

  /// `(ALL:ALL) NOPASSWD: A, B, PASSWD: C` as one rule for each run of equal runas and tags.
  private func rules(_ text: ArraySlice<UInt8>) -> [Spec] {
    var rules: [Spec] = []
    var current = Spec()
    for item in sudoersItems(text).prefix(Self.mostRules * 4) {
      var rest = item
      var next = Spec(runas: current.runas, groups: current.groups, tags: current.tags)
      if rest.first == UInt8(ascii: "("), let close = rest.firstIndex(of: UInt8(ascii: ")")) {
        let inner = rest[(rest.startIndex + 1)..<close]
        let colon = inner.firstIndex(of: UInt8(ascii: ":"))
        let names = sudoersItems(inner[..<(colon ?? inner.endIndex)]).map(string)
        next.runas = names.isEmpty ? nil : names
        next.groups = colon.map { sudoersItems(inner[($0 + 1)...]).map(string) }
        rest = sudoersTrimmed(rest[(close + 1)...])
      }
      while let (tag, value, after) = Self.tag(rest) {
        if let tag { next.tags[tag] = value }
        rest = after
      }
      guard !rest.isEmpty else { continue }
      let command = string(rest)
      let commands = aliases[command] ?? [command]
      let isSame =
        next.runas == current.runas && next.groups == current.groups && next.tags == current.tags
      if isSame, !rules.isEmpty {
        rules[rules.count - 1].commands += commands
      } else if rules.count < Self.mostRules {
        next.commands = commands
        rules.append(next)
      }
      current = Spec(runas: next.runas, groups: next.groups, tags: next.tags)
    }
    return rules
  }

  /// `NOPASSWD:` or `CWD=/tmp` before a command; nil where the command begins.
  private static func tag(_ text: ArraySlice<UInt8>) -> (String?, Bool, ArraySlice<UInt8>)? {
    guard let first = text.first, first &- 0x41 < 26 else { return nil }
    if let colon = text.prefix(20).firstIndex(of: UInt8(ascii: ":")) {
      let word = sudoersTrimmed(text[..<colon])
      for tag in SudoRule.tagWords {
        let isSet = word.elementsEqual(tag.set.utf8)
        guard isSet || word.elementsEqual(tag.unset.utf8) else { continue }
        return (tag.name, isSet, sudoersTrimmed(text[(colon + 1)...]))
      }
    }
    let options = ["CWD=", "CHROOT=", "TIMEOUT=", "NOTBEFORE=", "NOTAFTER=", "ROLE=", "TYPE="]
    if options.contains(where: { text.starts(with: $0.utf8) }),
      let blank = text.firstIndex(of: 0x20)
    {
      return (nil, false, sudoersTrimmed(text[blank...]))
    }
    return nil
  }
}

private func string(_ text: some Collection<UInt8>) -> String {
  String(decoding: text, as: UTF8.self)
}
