import ByteText
import Grants
import Kinds

// What commands write into files that decide on access.
extension FoundCommand {
  /// What the command prints, as far as the text tells; nil where it does not.
  func output(_ state: ShellState) -> ShellWord? {
    switch program {
    case .echo: return spoken
    case .printf: return formatted
    case .tee: return input
    case .cat:
      let files = arguments.filter { !$0.isOption }
      if files.isEmpty { return input }
      return files.count == 1 && files[0].exact ? state.files[files[0].bytes] : nil
    default: return nil
    }
  }

  private var spoken: ShellWord {
    var words = arguments[...]
    var interprets = false
    while let first = words.first, first.bytes.count > 1, first.isOption,
      first.bytes.dropFirst().allSatisfy({ "neE".utf8.contains($0) })
    {
      if first.bytes.contains(UInt8(ascii: "e")) { interprets = true }
      words = words.dropFirst()
    }
    let bytes = Array(words.map(\.bytes).joined(separator: [0x20]))
    return ShellWord(
      bytes: interprets ? Self.withoutEscapes(bytes) : bytes, exact: words.allSatisfy(\.exact))
  }

  /// `%s` and `%b` stand for the words behind the format; any other conversion is not followed.
  private var formatted: ShellWord? {
    var words = arguments[...]
    if words.first?.isText("--") == true { words = words.dropFirst() }
    guard let format = words.popFirst() else { return nil }
    let text = Self.withoutEscapes(format.bytes)
    var result: [UInt8] = []
    repeat {
      let before = words.count
      var at = 0
      while at < text.count, result.count <= ChangeGrammar.longestText {
        guard text[at] == UInt8(ascii: "%"), at + 1 < text.count else {
          result.append(text[at])
          at += 1
          continue
        }
        switch text[at + 1] {
        case UInt8(ascii: "%"): result.append(text[at])
        case UInt8(ascii: "s"), UInt8(ascii: "b"): result += words.popFirst()?.bytes ?? []
        default: return nil
        }
        at += 2
      }
      if words.count == before { break }
    } while !words.isEmpty && result.count <= ChangeGrammar.longestText
    return ShellWord(bytes: result, exact: arguments.allSatisfy(\.exact))
  }

  private static func withoutEscapes(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(UInt8(ascii: "\\")) else { return bytes }
    var result: [UInt8] = []
    var at = 0
    while at < bytes.count {
      guard bytes[at] == UInt8(ascii: "\\"), at + 1 < bytes.count else {
        result.append(bytes[at])
        at += 1
        continue
      }
      switch bytes[at + 1] {
      case UInt8(ascii: "n"): result.append(0x0a)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "\\"): result.append(UInt8(ascii: "\\"))
      default: result += bytes[at...at + 1]
      }
      at += 2
    }
    return result
  }

  /// The files that decide on access among those that the command writes, and with what.
  func written(
    _ targets: [ShellWord], _ output: ShellWord?, _ state: ShellState
  ) -> [WrittenFile] {
    var files = targets.compactMap { target in
      AccessFile(target, in: directory).map { WrittenFile(file: $0, content: output) }
    }
    func add(_ target: ShellWord, _ content: ShellWord?) {
      guard files.count < 16, let file = AccessFile(target, in: directory) else { return }
      files.append(WrittenFile(file: file, content: content))
    }
    let operands = arguments.filter { !$0.isOption }
    switch program {
    case .tee: for operand in operands { add(operand, input) }
    case .cp, .mv, .ln, .rsync, .install:
      guard let target = operands.last, operands.count > 1 else { break }
      for source in operands.dropLast().suffix(16) {
        let content = source.exact ? state.files[source.bytes] : nil
        let isFile = AccessFile(target, in: directory) != nil
        add(isFile ? target : inside(target, source), content)
      }
    case .sed:
      let edits = arguments.contains {
        $0.bytes.starts(with: "-i".utf8) || $0.bytes.starts(with: "--in".utf8)
      }
      guard edits else { break }
      for operand in operands.dropFirst() { add(operand, Self.appended(operands[0])) }
    case .dd:
      for word in arguments where word.bytes.starts(with: "of=".utf8) {
        add(ShellWord(bytes: Array(word.bytes[3...]), exact: word.exact), input)
      }
    default: break
    }
    return files
  }

  /// The text of sed's `$ a TEXT`; nil for any other script.
  private static func appended(_ script: ShellWord) -> ShellWord? {
    var rest = script.bytes[...].drop(while: isBlank)
    guard rest.popFirst() == UInt8(ascii: "$") else { return nil }
    rest = rest.drop(while: isBlank)
    guard rest.popFirst() == UInt8(ascii: "a") else { return nil }
    rest = rest.drop { isBlank($0) || $0 == UInt8(ascii: "\\") }
    return ShellWord(bytes: Array(rest), exact: script.exact)
  }
}

extension WrittenFile {
  /// What the file then gives, and whether all of it was understood.
  func reading(after directory: ShellWord) -> (effects: [CommandEffect], isWhole: Bool) {
    switch file.role {
    case .sudoers:
      guard let content else { return ([], false) }
      var reader = SudoersReader(file)
      reader.read(content)
      return (reader.effects, reader.isWhole)
    case .keys(let account): return keys(account)
    case .polkit:
      let effect = CommandEffect(
        kind: .polkitRule, subject: "everyone", object: "polkit:" + escaped(file.path),
        right: "rules", exact: file.exact)
      return ([effect], true)
    case .passwords: return lines(Self.account)
    case .shadow: return lines(Self.opened)
    case .groups: return lines(Self.members)
    case .cron(let hasUser):
      guard let content else { return ([], false) }
      var effects: [CommandEffect] = []
      var isWhole = true
      for line in cronCommands(content.bytes, hasUser: hasUser) {
        var reader = ShellReader(Array(line), 0..<line.count, depth: ChangeGrammar.deepest - 1)
        reader.read()
        for found in reader.found.prefix(64) {
          switch found.reading {
          case .effects(let more): effects += more
          case .both(let more):
            effects += more
            isWhole = false
          case .notUnderstood: isWhole = false
          }
        }
      }
      return (effects, isWhole)
    case .other: return ([], false)
    }
  }

  private func keys(_ account: [UInt8]?) -> ([CommandEffect], Bool) {
    let object = "account:" + (account.map { escaped($0) } ?? "$USER")
    func effect(_ subject: String) -> CommandEffect {
      CommandEffect(
        kind: .sshKey, subject: subject, object: object, right: "login",
        exact: subject != unknownKey && account != nil && file.exact)
    }
    guard let content else { return ([effect(unknownKey)], true) }
    var effects: [CommandEffect] = []
    for line in split(content.bytes[...], at: 0x0a).prefix(ChangeGrammar.mostChanges) {
      if let key = AuthorizedKey(line) {
        effects.append(effect(key.subject))
      } else if line.contains(where: { !isBlank($0) }),
        line.first(where: { !isBlank($0) }) != UInt8(ascii: "#")
      {
        effects.append(effect(unknownKey))
      }
    }
    return (effects, true)
  }

  private func lines(
    _ read: ([ArraySlice<UInt8>]) -> [CommandEffect]
  ) -> ([CommandEffect], Bool) {
    guard let content else { return ([], false) }
    var effects: [CommandEffect] = []
    for line in split(content.bytes[...], at: 0x0a).prefix(ChangeGrammar.mostChanges) {
      let fields = split(line, at: UInt8(ascii: ":"))
      guard let name = fields.first, !name.isEmpty, fields.count > 3 else { continue }
      effects += read(fields)
    }
    return (effects, !effects.isEmpty)
  }

  private static func effect(_ name: ArraySlice<UInt8>, _ right: String) -> CommandEffect {
    let text = escaped(name)
    return CommandEffect(
      kind: .account, subject: "user:" + text, object: "account:" + text, right: right,
      exact: !isUnresolved(name))
  }

  private static func account(_ fields: [ArraySlice<UInt8>]) -> [CommandEffect] {
    let isRoot = !fields[2].isEmpty && fields[2].allSatisfy { $0 == UInt8(ascii: "0") }
    if isRoot { return [effect(fields[0], "root")] }
    if fields.count > 6, refusesLogin(shell: Array(fields[6])) { return [] }
    return [effect(fields[0], "login")]
  }

  private static func opened(_ fields: [ArraySlice<UInt8>]) -> [CommandEffect] {
    let isShut = fields[1].first.map { "!*".utf8.contains($0) } ?? false
    return isShut ? [] : [effect(fields[0], "login")]
  }

  private static func members(_ fields: [ArraySlice<UInt8>]) -> [CommandEffect] {
    split(fields[3], at: UInt8(ascii: ",")).filter { !$0.isEmpty }.prefix(64).map { name in
      CommandEffect(
        kind: .groupMember, subject: "user:" + escaped(name), object: "group:" + escaped(fields[0]),
        right: "member", exact: !isUnresolved(name) && !isUnresolved(fields[0]))
    }
  }
}
