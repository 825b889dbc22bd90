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
    let text = escaped(Self.withoutComment(bytes)).trimmed
    if text.isEmpty { return }
    if text.hasPrefix("@include") || text.hasPrefix("#include") {
      isWhole = false
    } else if text.hasPrefix("Defaults") {
      loosening(text.dropFirst("Defaults".count))
    } else if let mark = text.firstIndex(of: " "), text[..<mark].hasSuffix("_Alias") {
      for definition in text[mark...].split(separator: ":") {
        guard let equals = definition.firstIndex(of: "=") else { continue }
        let items = Self.items(definition[definition.index(after: equals)...], at: ",")
        aliases[definition[..<equals].trimmed] = Array(items.prefix(64))
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

  private mutating func loosening(_ text: Substring) {
    var subject = "everyone"
    var right = "NOPASSWD (Defaults)"
    var rest = text
    if let mark = text.first, ":@>!".contains(mark), let blank = text.firstIndex(of: " ") {
      let bound = text[text.index(after: text.startIndex)..<blank]
      rest = text[blank...]
      if mark == ":" {
        subject = Self.subject(String(bound))
      } else {
        right = "NOPASSWD (Defaults\(mark)\(bound))"
      }
    }
    for option in Self.items(rest, at: ",") {
      if option == "!authenticate" {
        add(subject, right)
      } else if option.hasPrefix("exempt_group") {
        let group = option.drop { $0 != "=" }.dropFirst().trimmed
        add("group:" + group.filter { $0 != "\"" }, "NOPASSWD (Defaults)")
      }
    }
  }

  private mutating func rule(_ text: String) {
    guard let equals = text.firstIndex(of: "=") else {
      isWhole = false
      return
    }
    // Hosts stand behind the last blank that no comma joins.
    var head = text[..<equals].trimmed
    for joined in [" ,", ", "] { head = head.replacing(joined, with: ",") }
    guard let blank = head.lastIndex(of: " ") else {
      isWhole = false
      return
    }
    let users = Self.items(head[..<blank], at: ",").flatMap { aliases[$0] ?? [$0] }
    let rules = Self.rules(text[text.index(after: equals)...], aliases)
    guard !rules.isEmpty else {
      isWhole = false
      return
    }
    for user in users where !user.hasPrefix("!") {
      for one in rules where one.commands.contains(where: { !$0.hasPrefix("!") }) {
        add(
          Self.subject(user),
          SudoRule(
            subject: "", runas: one.runas, groups: one.groups, tags: one.tags,
            commands: one.commands
          ).right, isAlias: Self.looksLikeAlias(user))
      }
    }
  }

  private mutating func add(_ subject: String, _ right: String, isAlias: Bool = false) {
    guard effects.count < ChangeGrammar.mostChanges else { return }
    let isOpen = subject.contains { "$`<".contains($0) } || right.contains { "$`<".contains($0) }
    effects.append(
      CommandEffect(
        kind: .sudoRule, subject: subject, object: object, right: right,
        exact: exact && !isOpen && !isAlias))
  }

  private static func looksLikeAlias(_ name: String) -> Bool {
    name != "ALL" && name.first?.isUppercase == true
      && name.allSatisfy { $0.isUppercase || $0.isNumber || $0 == "_" }
  }

  private static func subject(_ name: String) -> String {
    let plain = name.filter { $0 != "\"" && $0 != "\\" }
    if plain == "ALL" { return "everyone" }
    if plain.hasPrefix("%:") { return "group:" + plain.dropFirst(2) }
    if plain.hasPrefix("%") { return "group:" + plain.dropFirst() }
    if plain.hasPrefix("+") { return "netgroup:" + plain.dropFirst() }
    return "user:" + plain
  }

  // MARK: Commands

  private struct Spec {
    var runas: [String]?
    var groups: [String]?
    var tags: [String: Bool] = [:]
    var commands: [String] = []
  }

  /// `(ALL:ALL) NOPASSWD: A, B, PASSWD: C` as one rule for each run of equal runas and tags.
  private static func rules(_ text: Substring, _ aliases: [String: [String]]) -> [Spec] {
    var rules: [Spec] = []
    var current = Spec()
    for item in items(text, at: ",").prefix(mostRules * 4) {
      var rest = item[...]
      var next = Spec(runas: current.runas, groups: current.groups, tags: current.tags)
      if rest.hasPrefix("("), let close = rest.firstIndex(of: ")") {
        let inner = rest[rest.index(after: rest.startIndex)..<close]
        let halves = inner.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let names = halves.first.map { items($0, at: ",") } ?? []
        next.runas = names.isEmpty ? nil : names
        next.groups = halves.count > 1 ? items(halves[1], at: ",") : nil
        rest = rest[rest.index(after: close)...].trimmed[...]
      }
      while let (tag, value, after) = tag(rest) {
        if let tag { next.tags[tag] = value }
        rest = after
      }
      guard !rest.isEmpty else { continue }
      let commands = aliases[String(rest)] ?? [String(rest)]
      let isSame =
        next.runas == current.runas && next.groups == current.groups && next.tags == current.tags
      if isSame, !rules.isEmpty {
        rules[rules.count - 1].commands += commands
      } else if rules.count < mostRules {
        next.commands = commands
        rules.append(next)
      }
      current = Spec(runas: next.runas, groups: next.groups, tags: next.tags)
    }
    return rules
  }

  /// `NOPASSWD:` or `CWD=/tmp` before a command; nil where the command begins.
  private static func tag(_ text: Substring) -> (String?, Bool, Substring)? {
    if let colon = text.prefix(20).firstIndex(of: ":") {
      let word = text[..<colon].trimmed
      let rest = text[text.index(after: colon)...].trimmed[...]
      for tag in SudoRule.tagWords {
        if tag.set == word { return (tag.name, true, rest) }
        if tag.unset == word { return (tag.name, false, rest) }
      }
    }
    let options = ["CWD=", "CHROOT=", "TIMEOUT=", "NOTBEFORE=", "NOTAFTER=", "ROLE=", "TYPE="]
    if options.contains(where: { text.hasPrefix($0) }), let blank = text.firstIndex(of: " ") {
      return (nil, false, text[blank...].trimmed[...])
    }
    return nil
  }

  /// Cuts a list, but not within brackets, quotes, or behind a backslash.
  private static func items(_ text: some StringProtocol, at mark: Character) -> [String] {
    var items: [String] = []
    var item = ""
    var isQuoted = false
    var isEscaped = false
    var depth = 0
    for letter in text {
      if isEscaped {
        isEscaped = false
      } else if letter == "\\" {
        isEscaped = true
      } else if letter == "\"" {
        isQuoted.toggle()
      } else if letter == "(", !isQuoted {
        depth += 1
      } else if letter == ")", !isQuoted {
        depth -= 1
      } else if letter == mark, !isQuoted, depth <= 0 {
        items.append(item.trimmed)
        item = ""
        continue
      }
      item.append(letter)
    }
    items.append(item.trimmed)
    return items.filter { !$0.isEmpty }
  }
}

extension StringProtocol {
  /// Without blanks at both ends, and with one where several are.
  fileprivate var trimmed: String {
    split { $0 == " " || $0 == "\t" }.joined(separator: " ")
  }
}
