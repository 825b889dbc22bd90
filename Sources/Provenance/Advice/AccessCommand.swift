import ByteText
import Grants

/// A program whose effect on access the grammar works out.
enum AccessProgram: String, CaseIterable {
  case chmod, usermod, gpasswd, adduser, addgroup, useradd, groupmod, groupadd, groupmems
}

/// Programs that change access in ways the grammar only names.
let unreadPrograms: Set<String> = ["chown", "chgrp", "setfacl", "setcap", "visudo"]

/// The effect of one command, without the command's text.
struct CommandEffect: Equatable {
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
}

extension FoundCommand {
  /// Works out what the command would give.
  var reading: CommandReading {
    switch AccessProgram(rawValue: program) {
    case .chmod: fileModes
    case .usermod: memberships(usermodOptions, groupLists: ["G", "g"], unless: ["r"])
    case .useradd: memberships(useraddOptions, groupLists: ["G", "g"], unless: ["D"])
    case .adduser, .addgroup: addedUser
    case .gpasswd: gpasswdMembers
    case .groupmod: listedMembers(groupmodOptions)
    case .groupadd: listedMembers(groupaddOptions)
    case .groupmems: groupmemsMembers
    case nil: .notUnderstood
    }
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
    let place = dashed ?? 0
    guard parsed.operands.count > 1 else { return .notUnderstood }
    guard parsed.operands[place].exact,
      let effect = FileModeEffect(mode: parsed.operands[place].bytes)
    else { return .notUnderstood }
    guard let subject = effect.subject else { return .effects([]) }
    var effects: [CommandEffect] = []
    for (index, operand) in parsed.operands.enumerated()
    where index != place && !operand.bytes.isEmpty {
      guard effects.count < ChangeGrammar.mostChanges else { break }
      let path = joined(operand, to: directory)
      let normal = normalised(path.bytes, exact: path.exact)
      effects.append(
        CommandEffect(
          kind: .fileMode, subject: subject, object: "file:" + escaped(normal),
          right: effect.rights.text, recursive: below || parsed.has("R"),
          exact: path.exact && normal.first == UInt8(ascii: "/")))
    }
    return .effects(effects)
  }

  /// The mode's effect class by class; nil for any program but chmod.
  var fileModeEffect: FileModeEffect? {
    guard program == "chmod" else { return nil }
    let operands = chmodOptions.parse(arguments, isOperand: isDashedMode).operands
    let mode = operands.first { $0.bytes.first == UInt8(ascii: "-") } ?? operands.first
    return mode.flatMap { FileModeEffect(mode: $0.bytes) }
  }
}
