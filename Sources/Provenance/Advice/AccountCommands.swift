import ByteText
import Grants
import Kinds

let passwdOptions = CommandOptions(
  "inPRwxrS",
  long: [
    "delete": "d", "unlock": "u", "lock": "l", "expire": "e", "status": "S", "root": "R",
    "prefix": "P", "inactive": "i", "mindays": "n", "warndays": "w", "maxdays": "x", "stdin": "s",
  ])
let chageOptions = CommandOptions(
  "dEImMPRW",
  long: [
    "expiredate": "E", "lastday": "d", "inactive": "I", "mindays": "m", "maxdays": "M",
    "warndays": "W", "root": "R", "prefix": "P", "list": "l",
  ])
let chshOptions = CommandOptions("sR", long: ["shell": "s", "root": "R"])

/// Whoever types the command.
private let typist = ShellWord(bytes: Array("$USER".utf8), exact: false)

extension FoundCommand {
  private func account(_ user: ShellWord, _ right: String) -> CommandEffect {
    let name = escaped(user.bytes)
    return CommandEffect(
      kind: .account, subject: "user:" + name, object: "account:" + name, right: right,
      exact: user.exact)
  }

  private func isZero(_ uid: ShellWord?) -> Bool {
    uid.map { !$0.bytes.isEmpty && $0.bytes.allSatisfy { $0 == UInt8(ascii: "0") } } ?? false
  }

  /// What an account that is new gives whoever gets it.
  func newLogin(
    _ user: ShellWord, shell: ShellWord?, uid: ShellWord?, isSystem: Bool
  ) -> [CommandEffect] {
    if isZero(uid) { return [account(user, "root")] }
    if isSystem, shell == nil { return [] }
    if let shell, refusesLogin(shell: shell.bytes) { return [] }
    return [account(user, "login")]
  }

  var newAccount: CommandReading {
    let parsed = useraddOptions.parse(arguments)
    if parsed.has("D") { return .effects([]) }
    guard let user = parsed.operands.first, parsed.operands.count == 1 else {
      return .notUnderstood
    }
    let login = newLogin(user, shell: parsed.last("s"), uid: parsed.last("u"), isSystem: false)
    return .effects(login + memberships(user, parsed))
  }

  private func memberships(_ user: ShellWord, _ parsed: CommandOptions.Parsed) -> [CommandEffect] {
    let lists = parsed.options.filter { $0.name == "G" || $0.name == "g" }.compactMap(\.value)
    return memberEffects(lists.flatMap { names($0).map { (user, $0) } })
  }

  var changedAccount: CommandReading {
    let parsed = usermodOptions.parse(arguments)
    let right = gained(parsed)
    let joins = !parsed.has("r") && (parsed.has("G") || parsed.has("g"))
    guard right != nil || joins else { return .effects([]) }
    guard let user = parsed.operands.first, parsed.operands.count == 1 else {
      return .notUnderstood
    }
    return .effects(
      (right.map { [account(user, $0)] } ?? []) + (joins ? memberships(user, parsed) : []))
  }

  /// The most that options of usermod give an account: root, a login, or a shell to one that has it.
  private func gained(_ parsed: CommandOptions.Parsed) -> String? {
    if isZero(parsed.last("u")) { return "root" }
    if parsed.has("U") || parsed.has("p") { return "login" }
    if let end = parsed.last("e"), Self.isAhead(end) { return "login" }
    if let shell = parsed.last("s"), !refusesLogin(shell: shell.bytes) { return "shell" }
    return nil
  }

  /// False for a day that lies far back: with it an account is shut.
  private static func isAhead(_ day: ShellWord) -> Bool {
    if let number = decimal(day.bytes) { return number > 10_000 }
    return !day.bytes.starts(with: "19".utf8)
  }

  var password: CommandReading {
    let parsed = passwdOptions.parse(arguments)
    let user = parsed.operands.first
    if parsed.has("u") || parsed.has("d") { return .effects([account(user ?? typist, "login")]) }
    let others = parsed.options.contains { !["q", "R", "P", "s"].contains($0.name) }
    // A password that is set opens an account that had none; one's own account is open already.
    guard !others, let user else { return .effects([]) }
    return .effects([account(user, "login")])
  }

  /// `NAME:PASSWORD` lines, or those of newusers(8).
  var givenPasswords: CommandReading {
    guard let input else { return .notUnderstood }
    let names = split(input.bytes[...], at: 0x0a).prefix(ChangeGrammar.mostChanges)
      .compactMap { line -> ShellWord? in
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
          return nil
        }
        let name = Array(line[..<colon])
        return ShellWord(bytes: name, exact: !isUnresolved(name))
      }
    return names.isEmpty ? .notUnderstood : .effects(names.map { account($0, "login") })
  }

  var accountEnd: CommandReading {
    let parsed = chageOptions.parse(arguments)
    guard let end = parsed.last("E") else { return .effects([]) }
    guard let user = parsed.operands.first else { return .notUnderstood }
    return .effects(Self.isAhead(end) ? [account(user, "login")] : [])
  }

  var loginShell: CommandReading {
    let parsed = chshOptions.parse(arguments)
    guard let shell = parsed.last("s") else { return .effects([]) }
    if refusesLogin(shell: shell.bytes) { return .effects([]) }
    return .effects([account(parsed.operands.first ?? typist, "shell")])
  }

  var copiedKey: CommandReading {
    let options = CommandOptions("iFpot")
    guard let target = options.parse(arguments).operands.last else { return .notUnderstood }
    let name = target.bytes.lastIndex(of: UInt8(ascii: "@")).map { Array(target.bytes[..<$0]) }
    return .effects([
      CommandEffect(
        kind: .sshKey, subject: unknownKey,
        object: "account:" + (name.map { escaped($0) } ?? "$USER"), right: "login", exact: false)
    ])
  }
}

/// Stands for a key of which the text tells no more than that there is one.
let unknownKey = "key:?"
