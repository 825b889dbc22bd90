import ByteText
import Grants
import Kinds

let ownerOptions = CommandOptions(
  "",
  long: [
    "recursive": "R", "changes": "c", "silent": "f", "quiet": "f", "verbose": "v",
    "no-dereference": "h", "dereference": "d", "preserve-root": "p", "no-preserve-root": "n",
  ], valuedLong: ["reference", "from"])
private let installOptions = CommandOptions(
  "mogtSZ",
  long: [
    "mode": "m", "owner": "o", "group": "g", "target-directory": "t", "directory": "d",
    "suffix": "S",
  ], valuedLong: ["backup", "context"])
private let mkdirOptions = CommandOptions("mZ", long: ["mode": "m", "parents": "p"])
let aclOptions = CommandOptions(
  "mMxX",
  long: [
    "modify": "m", "modify-file": "M", "remove": "x", "remove-file": "X", "recursive": "R",
    "default": "d", "remove-all": "b", "remove-default": "k", "restore": "B",
  ], valuedLong: ["set", "set-file"])

// MARK: Owners and modes of new files

extension FoundCommand {
  private static let ownerRights: FileRights = [.read, .write, .execute, .setuid]
  private static let groupRights: FileRights = [.read, .write, .execute, .setgid]

  var owners: CommandReading {
    let parsed = ownerOptions.parse(arguments)
    if parsed.has("reference") { return .notUnderstood }
    guard parsed.operands.count > 1 else { return .notUnderstood }
    let subjects = program == .chgrp ? [group(parsed.operands[0])] : named(parsed.operands[0])
    var effects: [CommandEffect] = []
    for operand in parsed.operands.dropFirst() where !operand.bytes.isEmpty {
      for subject in subjects.compactMap({ $0 }) where effects.count < ChangeGrammar.mostChanges {
        effects.append(
          owned(operand, subject, recursive: below || parsed.has("R"), isOpen: parsed.has("from")))
      }
    }
    return .effects(effects)
  }

  private func owned(
    _ operand: ShellWord, _ subject: (text: String, exact: Bool), recursive: Bool, isOpen: Bool
  ) -> CommandEffect {
    let (object, exact) = place(operand)
    let rights = subject.text.hasPrefix("user:") ? Self.ownerRights : Self.groupRights
    return CommandEffect(
      kind: .fileOwner, subject: subject.text, object: object, right: rights.text,
      recursive: recursive, exact: exact && subject.exact && !isOpen)
  }

  /// `bob`, `bob:staff`, `bob:`, `:staff`; root gains nothing by owning a file.
  private func named(_ word: ShellWord) -> [(text: String, exact: Bool)?] {
    let parts = word.bytes.split(
      separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    let user = Array(parts.first ?? [])
    var subjects: [(text: String, exact: Bool)?] = []
    if !user.isEmpty, !Self.isRoot(user) {
      let exact = word.exact && !user.allSatisfy(isDigit)
      subjects.append(("user:" + escaped(user), exact))
    }
    if parts.count > 1 {
      subjects.append(group(ShellWord(bytes: Array(parts[1]), exact: word.exact)))
    }
    return subjects
  }

  private func group(_ word: ShellWord) -> (text: String, exact: Bool)? {
    guard !word.bytes.isEmpty, !Self.isRoot(word.bytes) else { return nil }
    return ("group:" + escaped(word.bytes), word.exact && !word.bytes.allSatisfy(isDigit))
  }

  private static func isRoot(_ name: [UInt8]) -> Bool {
    name == Array("root".utf8) || name == [UInt8(ascii: "0")]
  }

  /// `install -m 4755 -o bob x /usr/local/bin/x`; without a mode it is what everybody installs.
  var installed: CommandReading {
    let parsed = installOptions.parse(arguments)
    guard parsed.has("m") || parsed.has("o") || parsed.has("g") else { return .effects([]) }
    var targets = parsed.operands
    if !parsed.has("d") {
      let folder = parsed.last("t")
      guard targets.count > (folder == nil ? 1 : 0) else { return .notUnderstood }
      let last = folder ?? targets.removeLast()
      let isFolder = folder != nil || targets.count > 1 || last.bytes.last == UInt8(ascii: "/")
      targets =
        isFolder ? targets.prefix(ChangeGrammar.mostChanges).map { inside(last, $0) } : [last]
    }
    guard !targets.isEmpty else { return .notUnderstood }
    var effects = modes(parsed.last("m"), targets)
    guard effects != nil || !parsed.has("m") else { return .notUnderstood }
    let owners = [
      parsed.last("o").flatMap { named($0).first ?? nil }, parsed.last("g").flatMap(group),
    ].compactMap { $0 }
    for target in targets.prefix(ChangeGrammar.mostChanges) {
      effects = (effects ?? []) + owners.map { owned(target, $0, recursive: false, isOpen: false) }
    }
    return .effects(effects ?? [])
  }

  var madeFolders: CommandReading {
    let parsed = mkdirOptions.parse(arguments)
    guard let mode = parsed.last("m") else { return .effects([]) }
    return modes(mode, parsed.operands).map { .effects($0) } ?? .notUnderstood
  }

  private func modes(_ mode: ShellWord?, _ targets: [ShellWord]) -> [CommandEffect]? {
    guard let mode, mode.exact, let effect = FileModeEffect(mode: mode.bytes) else { return nil }
    guard let subject = effect.subject else { return [] }
    return targets.prefix(ChangeGrammar.mostChanges).map { target in
      let (object, exact) = place(target)
      return CommandEffect(
        kind: .fileMode, subject: subject, object: object, right: effect.rights.text, exact: exact)
    }
  }
}

/// The file in `folder` that has the last name of `source`.
func inside(_ folder: ShellWord, _ source: ShellWord) -> ShellWord {
  let name = source.bytes.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []
  return ShellWord(
    bytes: folder.bytes + [UInt8(ascii: "/")] + name, exact: folder.exact && source.exact)
}

// MARK: setfacl(1)

extension FoundCommand {
  var listEntries: CommandReading {
    let parsed = aclOptions.parse(arguments)
    let lists = parsed.options.filter { $0.name == "m" || $0.name == "set" }.compactMap(\.value)
    let unread = ["M", "set-file", "B"].contains(where: parsed.has)
    guard !lists.isEmpty else { return unread ? .notUnderstood : .effects([]) }
    guard !parsed.operands.isEmpty else { return .notUnderstood }
    var isWhole = !unread
    var effects: [CommandEffect] = []
    for list in lists {
      for text in split(list.bytes[...], at: UInt8(ascii: ",")).prefix(64) where !text.isEmpty {
        guard let entry = ListEntry(text) else {
          isWhole = false
          continue
        }
        guard let subject = entry.subject, !entry.rights.isEmpty else { continue }
        for operand in parsed.operands where effects.count < ChangeGrammar.mostChanges {
          let (object, exact) = place(operand)
          // The others' entry of a list is what the mode shows for them.
          let isMode = subject == "everyone" && !entry.isDefault && !parsed.has("d")
          effects.append(
            CommandEffect(
              kind: isMode ? .fileMode : .fileACL, subject: subject, object: object,
              right: entry.rights.text, recursive: below || parsed.has("R"),
              exact: exact && list.exact && !entry.isNumber))
        }
      }
    }
    if effects.isEmpty, !isWhole { return .notUnderstood }
    return isWhole ? .effects(effects) : .both(effects)
  }
}

/// `u:bob:rwX`, `d:g:staff:r-x`, `o::r`.
private struct ListEntry {
  var isDefault = false
  var subject: String?
  var isNumber = false
  var rights: FileRights = []

  init?(_ text: ArraySlice<UInt8>) {
    var parts = split(text, at: UInt8(ascii: ":"))[...]
    if parts.count == 4, parts[0].elementsEqual("d".utf8) || parts[0].elementsEqual("default".utf8)
    {
      isDefault = true
      parts = parts.dropFirst()
    }
    // `other:r` and `mask:r` leave the empty name out.
    if parts.count == 2, "om".utf8.contains(parts[parts.startIndex].first ?? 0) {
      parts = [parts[parts.startIndex], [], parts[parts.startIndex + 1]]
    }
    guard parts.count == 3 else { return nil }
    let (word, name, bits) = (
      Array(parts[parts.startIndex]), Array(parts[parts.startIndex + 1]),
      parts[parts.startIndex + 2]
    )
    for bit in bits {
      switch bit {
      case UInt8(ascii: "r"): rights.insert(.read)
      case UInt8(ascii: "w"): rights.insert(.write)
      case UInt8(ascii: "x"), UInt8(ascii: "X"): rights.insert(.execute)
      case UInt8(ascii: "-"): break
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        if bit & 4 != 0 { rights.insert(.read) }
        if bit & 2 != 0 { rights.insert(.write) }
        if bit & 1 != 0 { rights.insert(.execute) }
      default: return nil
      }
    }
    isNumber = !name.isEmpty && name.allSatisfy(isDigit)
    switch String(decoding: word, as: UTF8.self) {
    case "u", "user": if !name.isEmpty { subject = "user:" + escaped(name) }
    case "", "o", "other":
      if word.isEmpty { return nil }
      subject = "everyone"
    case "g", "group": subject = name.isEmpty ? "group:*" : "group:" + escaped(name)
    case "m", "mask": break
    default: return nil
    }
  }
}

// MARK: setcap(8)

extension FoundCommand {
  /// `setcap cap_net_raw+ep /usr/bin/x`, several pairs in a row.
  var capabilities: CommandReading {
    let parsed = CommandOptions("n").parse(arguments)
    if parsed.has("v") { return .effects([]) }
    if parsed.has("r"), parsed.operands.count < 2 { return .effects([]) }
    var effects: [CommandEffect] = []
    var at = 0
    while at + 1 < parsed.operands.count, effects.count < ChangeGrammar.mostChanges {
      let (text, file) = (parsed.operands[at], parsed.operands[at + 1])
      guard text.exact, let given = FileCapabilities(text: text.text), !given.isEmpty else {
        return effects.isEmpty ? .notUnderstood : .both(effects)
      }
      let (object, exact) = place(file)
      effects.append(
        CommandEffect(
          kind: .fileCapability, subject: "everyone", object: object, right: given.text,
          recursive: below, exact: exact && !parsed.has("n")))
      at += 2
    }
    return effects.isEmpty ? .notUnderstood : .effects(effects)
  }
}
