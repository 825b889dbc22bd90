import ByteText

/// What is left of a command when `sudo`, `env`, `nohup` and their like are taken off.
enum UnwrappedCommand {
  /// A program that the grammar reads or at least names.
  case command(FoundCommand)
  /// Text that a shell is given to run.
  case script([UInt8])
  case other
}

/// A program that runs the command behind its own options.
private struct Wrapper {
  var options: CommandOptions
  /// Operands of its own before the command.
  var operands = 0
  /// Options with which it runs no command.
  var runsNothing: Set<String> = []
  var directory: String?
  /// The option whose value is run by a shell.
  var script: String?
}

private let wrappers: [String: Wrapper] = {
  let sudo = Wrapper(
    options: CommandOptions(
      "CDghpRrTtUu",
      long: [
        "user": "u", "group": "g", "host": "h", "prompt": "p", "chdir": "D", "chroot": "R",
        "role": "r", "type": "t", "command-timeout": "T", "other-user": "U", "close-from": "C",
        "list": "l", "edit": "e", "validate": "v", "remove-timestamp": "K",
      ]), runsNothing: ["l", "e", "v", "V", "K"], directory: "D")
  let su = Wrapper(
    options: CommandOptions(
      "cgGsTwu",
      long: [
        "command": "c", "session-command": "c", "group": "g", "supp-group": "G", "shell": "s",
        "whitelist-environment": "w", "user": "u",
      ]), script: "c")
  let plain = Wrapper(options: CommandOptions(""))
  return [
    "sudo": sudo, "su": su, "runuser": su,
    "doas": Wrapper(options: CommandOptions("Cu"), runsNothing: ["L", "C"]),
    "run0": Wrapper(
      options: CommandOptions(
        "ugDp", long: ["user": "u", "group": "g", "chdir": "D", "property": "p"],
        valuedLong: ["unit", "slice", "description", "setenv", "nice", "background"]),
      directory: "D"),
    "pkexec": Wrapper(options: CommandOptions("", valuedLong: ["user"])),
    "env": Wrapper(
      options: CommandOptions(
        "uCS", long: ["unset": "u", "chdir": "C", "split-string": "S"]), directory: "C",
      script: "S"),
    "command": Wrapper(options: CommandOptions(""), runsNothing: ["v", "V"]),
    "exec": Wrapper(options: CommandOptions("a")),
    "time": Wrapper(options: CommandOptions("fo", long: ["format": "f", "output": "o"])),
    "nice": Wrapper(options: CommandOptions("n", long: ["adjustment": "n"])),
    "ionice": Wrapper(
      options: CommandOptions("cnpPu", long: ["class": "c", "classdata": "n"]),
      runsNothing: ["p", "P", "u"]),
    "stdbuf": Wrapper(
      options: CommandOptions("ioe", long: ["input": "i", "output": "o", "error": "e"])),
    "timeout": Wrapper(
      options: CommandOptions("ks", long: ["kill-after": "k", "signal": "s"]), operands: 1),
    "builtin": plain, "nohup": plain, "setsid": plain, "busybox": plain, "toybox": plain,
    "unbuffer": plain, "eatmydata": plain, "fakeroot": plain,
  ]
}()

private let shells: Set<String> = ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash"]
private let shellOptions = CommandOptions("oO", valuedLong: ["rcfile", "init-file"])

/// True for a program that may stand before the one that makes the change.
func isWrapper(_ name: String) -> Bool { wrappers[name] != nil || shells.contains(name) }

/// Takes everything off `words` that only runs the rest of them.
///
/// `isAction` is true for the command that `find` runs, which is no other `find`.
func unwrapped(
  _ all: [ShellWord], in start: ShellWord, isAction: Bool = false
) -> UnwrappedCommand {
  var words = all[...]
  var directory = start
  for _ in 0..<ChangeGrammar.deepest {
    while let first = words.first, let next = words.dropFirst().first,
      assignmentName(first.bytes) != nil || isUnknownWrapper(first, before: next)
    {
      words = words.dropFirst()
    }
    guard let first = words.first else { return .other }
    let name = programName(first)
    if AccessProgram(rawValue: name) != nil || unreadPrograms.contains(name) {
      return .command(
        FoundCommand(
          program: name, arguments: Array(words.dropFirst()), source: 0..<0, directory: directory))
    }
    let rest = Array(words.dropFirst())
    if shells.contains(name) { return shellScript(rest) }
    switch name {
    case "eval": return .script(Array(rest.map(\.bytes).joined(separator: [0x20])))
    case "find": return isAction ? .other : findAction(rest, in: directory)
    case "xargs":
      guard rest.contains(where: { AccessProgram(rawValue: programName($0)) != nil }) else {
        return .other
      }
      return .command(
        FoundCommand(program: name, arguments: rest, source: 0..<0, directory: directory))
    default: break
    }
    guard let wrapper = wrappers[name] else { return .other }
    if let option = wrapper.script {
      let parsed = wrapper.options.parse(rest, permutes: name != "env")
      if let script = parsed.last(option) { return .script(script.bytes) }
      if name == "su" { return .other }
    }
    let parsed = wrapper.options.parse(rest, permutes: false)
    if parsed.options.contains(where: { wrapper.runsNothing.contains($0.name) }) { return .other }
    if let option = wrapper.directory, let target = parsed.last(option) {
      directory = joined(target, to: directory)
    }
    // Options of env and sudo may be followed by more assignments; those go next time round.
    guard let place = parsed.places.first, place + wrapper.operands < rest.count else {
      return .other
    }
    words = rest[(place + wrapper.operands)...]
  }
  return .other
}

/// `$SUDO chmod …`: a variable in the place of `sudo`.
private func isUnknownWrapper(_ word: ShellWord, before next: ShellWord) -> Bool {
  !word.exact && word.bytes.first == UInt8(ascii: "$")
    && (AccessProgram(rawValue: programName(next)) != nil || isWrapper(programName(next)))
}

/// The last component of the word that names a program; empty where it is not known.
func programName(_ word: ShellWord) -> String {
  guard word.exact, word.bytes.count <= 256 else { return "" }
  let slash = word.bytes.lastIndex(of: UInt8(ascii: "/"))
  return String(decoding: word.bytes[(slash.map { $0 + 1 } ?? 0)...], as: UTF8.self)
}

private func shellScript(_ words: [ShellWord]) -> UnwrappedCommand {
  let parsed = shellOptions.parse(words, permutes: false)
  guard parsed.has("c"), let script = parsed.operands.first else { return .other }
  return .script(script.bytes)
}

/// Tests of `find` that choose between files and folders, or none: the action still reaches what
/// the folder holds.
private let wideTests: Set<String> = ["-type", "-mindepth", "-xdev", "-mount", "-depth", "-print"]

private func findAction(_ words: [ShellWord], in directory: ShellWord) -> UnwrappedCommand {
  var roots: [ShellWord] = []
  var at = 0
  while at < words.count, let option = words[at].bytes.first {
    if option == UInt8(ascii: "-") {
      guard ["-L", "-P", "-H"].contains(words[at].text) else { break }
    } else if option == UInt8(ascii: "(") || option == UInt8(ascii: "!") {
      break
    } else {
      roots.append(words[at])
    }
    at += 1
  }
  guard
    let action = words[at...].firstIndex(where: {
      ["-exec", "-execdir", "-ok", "-okdir"].contains($0.text)
    })
  else { return .other }
  let isWide = words[at..<action].allSatisfy {
    $0.bytes.first != UInt8(ascii: "-") && $0.bytes.count == 1 || wideTests.contains($0.text)
  }
  if roots.isEmpty { roots = [ShellWord(bytes: [UInt8(ascii: ".")])] }
  var run: [ShellWord] = []
  for word in words[(action + 1)...] {
    if word.bytes == [UInt8(ascii: ";")] || word.bytes == [UInt8(ascii: "+")] { break }
    if word.bytes == Array("{}".utf8) {
      run += roots.map { ShellWord(bytes: $0.bytes, exact: $0.exact && isWide) }
    } else {
      run.append(word)
    }
  }
  guard case .command(var found) = unwrapped(run, in: directory, isAction: true) else {
    return .other
  }
  found.below = true
  return .command(found)
}
