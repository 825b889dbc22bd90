import ByteText
import Grants

/// The effect of one command, without the command's text.
struct CommandEffect: Hashable {
  var kind: GrantKind
  var subject: String
  var object: String
  var right: String
  var recursive = false
  var exact = true
}

/// What one command says.
enum CommandReading {
  case effects([CommandEffect])
  /// It looks like a change of access that the text alone does not settle.
  case notUnderstood
  /// Some of it is settled, the rest is not.
  case both([CommandEffect])
}

extension FoundCommand {
  /// Works out what the command would give, by itself and by what it writes.
  var reading: CommandReading {
    guard !written.isEmpty else { return ownReading }
    var effects: [CommandEffect] = []
    var isWhole = true
    for file in written {
      let (found, whole) = file.reading(after: directory)
      effects += found
      isWhole = isWhole && whole
    }
    if program.changesAccess {
      switch ownReading {
      case .effects(let own): effects += own
      case .notUnderstood: isWhole = false
      case .both(let own):
        effects += own
        isWhole = false
      }
    }
    return isWhole ? .effects(effects) : effects.isEmpty ? .notUnderstood : .both(effects)
  }

  private var ownReading: CommandReading {
    switch program {
    case .chmod: fileModes
    case .chown, .chgrp: owners
    case .install: installed
    case .mkdir: madeFolders
    case .setfacl: listEntries
    case .setcap: capabilities
    case .usermod: changedAccount
    case .useradd: newAccount
    case .adduser, .addgroup: addedUser
    case .gpasswd: gpasswdMembers
    case .groupmod: listedMembers(groupmodOptions)
    case .groupadd: listedMembers(groupaddOptions)
    case .groupmems: groupmemsMembers
    case .passwd: password
    case .chpasswd, .newusers: givenPasswords
    case .chage: accountEnd
    case .chsh: loginShell
    case .sshCopyID: copiedKey
    case .psql: databaseGrants
    case .createuser: databaseRole
    case .mysql, .mariadb: namesGrant ? .notUnderstood : .effects([])
    case .kubectl, .oc: roleBindings
    case .docker, .podman, .nerdctl: reachesHost ? .notUnderstood : .effects([])
    case .visudo:
      arguments.contains { ["-c", "--check", "-cf", "-V"].contains($0.text) }
        ? .effects([]) : .notUnderstood
    default: .notUnderstood
    }
  }

  /// What the command acts on, as seen from where it runs.
  func place(_ operand: ShellWord) -> (object: String, exact: Bool) {
    let path = joined(operand, to: directory)
    let normal = normalised(path.bytes, exact: path.exact)
    return ("file:" + escaped(normal), path.exact && normal.first == UInt8(ascii: "/"))
  }
}

// MARK: chmod(1)

let chmodOptions = CommandOptions(
  "",
  long: [
    "recursive": "R", "changes": "c", "silent": "f", "quiet": "f", "verbose": "v",
    "preserve-root": "p", "no-preserve-root": "n", "no-dereference": "h", "dereference": "d",
  ], valuedLong: ["reference"])

/// True for a mode such as `-w`, which stands where options do.
func isDashedMode(_ bytes: [UInt8]) -> Bool {
  bytes.count > 1 && "rwxXstugoa,+=01234567".utf8.contains(bytes[1])
}

extension FoundCommand {
  fileprivate var fileModes: CommandReading {
    let parsed = chmodOptions.parse(arguments, isOperand: isDashedMode)
    if parsed.has("reference") { return .notUnderstood }
    if parsed.has("help") || parsed.has("version") { return .effects([]) }
    // A mode that begins with a dash may stand behind the files.
    let dashed = parsed.operands.firstIndex { $0.bytes.first == UInt8(ascii: "-") }
    let modeAt = dashed ?? 0
    guard parsed.operands.count > 1 else { return .notUnderstood }
    guard parsed.operands[modeAt].exact,
      let effect = FileModeEffect(mode: parsed.operands[modeAt].bytes)
    else { return .notUnderstood }
    guard let subject = effect.subject else { return .effects([]) }
    var effects: [CommandEffect] = []
    for (index, operand) in parsed.operands.enumerated()
    where index != modeAt && !operand.bytes.isEmpty {
      guard effects.count < ChangeGrammar.mostChanges else { break }
      let (object, exact) = place(operand)
      effects.append(
        CommandEffect(
          kind: .fileMode, subject: subject, object: object, right: effect.rights.text,
          recursive: below || parsed.has("R"), exact: exact))
    }
    return .effects(effects)
  }

  /// The mode's effect class by class; nil for any program but chmod.
  var fileModeEffect: FileModeEffect? {
    guard program == .chmod else { return nil }
    let operands = chmodOptions.parse(arguments, isOperand: isDashedMode).operands
    let mode = operands.first { $0.bytes.first == UInt8(ascii: "-") } ?? operands.first
    return mode.flatMap { FileModeEffect(mode: $0.bytes) }
  }
}
