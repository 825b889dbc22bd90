import ByteText

/// What is left of a command when `sudo`, `env`, `nohup` and their like are taken off.
enum UnwrappedCommand {
  /// A program that the grammar reads or at least names.
  case command(FoundCommand)
  /// Text that a shell is given to run.
  case script([UInt8])
  /// A program that runs what it is given to read.
  case reader(Program, [ShellWord])
  /// A `find` that only prints what it finds.
  case find([ShellWord])
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
  /// The option that names whom the command runs as.
  var user: String?
}

private let wrappers: [Program: Wrapper] = {
  let sudo = Wrapper(
    options: CommandOptions(
      "CDghpRrTtUu",
      long: [
        "user": "u", "group": "g", "host": "h", "prompt": "p", "chdir": "D", "chroot": "R",
        "role": "r", "type": "t", "command-timeout": "T", "other-user": "U", "close-from": "C",
        "list": "l", "edit": "e", "validate": "v", "remove-timestamp": "K",
      ]), runsNothing: ["l", "e", "v", "V", "K"], directory: "D",
    user: "u")
  let su = Wrapper(
    options: CommandOptions(
      "cgGsTwu",
      long: [
        "command": "c", "session-command": "c", "group": "g", "supp-group": "G", "shell": "s",
        "whitelist-environment": "w", "user": "u",
      ]), script: "c")
  let plain = Wrapper(options: CommandOptions(""))
  return [
    .sudo: sudo, .su: su, .runuser: su,
    .doas: Wrapper(options: CommandOptions("Cu"), runsNothing: ["L", "C"]),
    .run0: Wrapper(
      options: CommandOptions(
        "ugDp", long: ["user": "u", "group": "g", "chdir": "D", "property": "p"],
        valuedLong: ["unit", "slice", "description", "setenv", "nice", "background"]),
      directory: "D"),
    .pkexec: Wrapper(options: CommandOptions("", valuedLong: ["user"])),
    .env: Wrapper(
      options: CommandOptions(
        "uCS", long: ["unset": "u", "chdir": "C", "split-string": "S"]), directory: "C",
      script: "S"),
    .command: Wrapper(options: CommandOptions(""), runsNothing: ["v", "V"]),
    .exec: Wrapper(options: CommandOptions("a")),
    .time: Wrapper(options: CommandOptions("fo", long: ["format": "f", "output": "o"])),
    .nice: Wrapper(options: CommandOptions("n", long: ["adjustment": "n"])),
    .ionice: Wrapper(
      options: CommandOptions("cnpPu", long: ["class": "c", "classdata": "n"]),
      runsNothing: ["p", "P", "u"]),
    .stdbuf: Wrapper(
      options: CommandOptions("ioe", long: ["input": "i", "output": "o", "error": "e"])),
    .timeout: Wrapper(
      options: CommandOptions("ks", long: ["kill-after": "k", "signal": "s"]), operands: 1),
    .builtin: plain, .nohup: plain, .setsid: plain, .busybox: plain, .toybox: plain,
    .unbuffer: plain, .eatmydata: plain, .fakeroot: plain,
    .chroot: Wrapper(
      options: CommandOptions("", valuedLong: ["userspec", "groups"]), operands: 1),
    .flock: Wrapper(
      options: CommandOptions("wEc", long: ["timeout": "w", "command": "c"]), operands: 1,
      script: "c"),
    .watch: Wrapper(options: CommandOptions("n", long: ["interval": "n"])),
    .systemdRun: Wrapper(
      options: CommandOptions(
        "puHME", long: ["property": "p", "unit": "u", "host": "H", "machine": "M", "setenv": "E"],
        valuedLong: [
          "uid", "gid", "nice", "slice", "description", "working-directory", "service-type",
          "on-active", "on-boot", "on-startup", "on-unit-active", "on-unit-inactive",
          "on-calendar", "timer-property", "path-property", "socket-property", "background",
        ]), directory: "working-directory", user: "uid"),
  ]
}()

private let shellOptions = CommandOptions("oO", valuedLong: ["rcfile", "init-file"])
private let xargsOptions = CommandOptions(
  "aEdIiLlnPs",
  long: [
    "arg-file": "a", "delimiter": "d", "replace": "I", "max-lines": "L", "max-args": "n",
    "max-procs": "P", "max-chars": "s", "null": "0", "no-run-if-empty": "r",
  ])
private let sshOptions = CommandOptions("BbcDEeFIiJLlmOopQRSWw")

/// True for a program that may stand before the one that makes the change.
func isWrapper(_ program: Program) -> Bool { wrappers[program] != nil || program.isShell }

/// Takes everything off `words` that only runs the rest of them.
///
/// `isAction` is true for the command that `find` or `xargs` runs, which is no other of them.
/// `pipe` is what it is given to read by `|`.
func unwrapped(
  _ all: [ShellWord], in start: ShellWord, pipe: ShellReader.Pipe? = nil, isAction: Bool = false
) -> UnwrappedCommand {
  var words = all[...]
  var directory = start
  var user: ShellWord?
  for _ in 0..<ChangeGrammar.deepest {
    while let first = words.first, let next = words.dropFirst().first,
      first.bytes.contains(UInt8(ascii: "=")) && assignmentName(first.bytes) != nil
        || isUnknownWrapper(first, before: next)
    {
      if isTeeEditor(first) {
        return editedByTee(words.dropFirst(), directory)
      }
      words = words.dropFirst()
    }
    guard let first = words.first, let program = program(first) else { return .other }
    if program.changesAccess || program.writes {
      var found = FoundCommand(
        program: program, arguments: Array(words.dropFirst()), source: 0..<0, directory: directory)
      found.user = user
      return .command(found)
    }
    let rest = Array(words.dropFirst())
    if program.isShell { return shellScript(rest, program) }
    switch program {
    case .eval: return .script(Array(rest.map(\.bytes).joined(separator: [0x20])))
    case .find: return isAction ? .other : findAction(rest, in: directory)
    case .xargs: return isAction ? .other : piped(rest, pipe, directory)
    case .at, .batch, .crontab: return .reader(program, rest)
    case .ssh:
      let parsed = sshOptions.parse(rest, permutes: false)
      guard let host = parsed.places.first else { return .other }
      let script = Array(rest[(host + 1)...].map(\.bytes).joined(separator: [0x20]))
      return script.isEmpty ? .reader(.sh, rest) : .script(script)
    default: break
    }
    guard let wrapper = wrappers[program] else { return .other }
    if let option = wrapper.script {
      let parsed = wrapper.options.parse(rest, permutes: program != .env)
      if let script = parsed.last(option) { return .script(script.bytes) }
      if program == .su { return .reader(.sh, rest) }
    }
    let parsed = wrapper.options.parse(rest, permutes: false)
    if parsed.options.contains(where: { wrapper.runsNothing.contains($0.name) }) { return .other }
    if let option = wrapper.directory, let target = parsed.last(option) {
      directory = joined(target, to: directory)
    }
    if let option = wrapper.user, let name = parsed.last(option) { user = name }
    // Options of env and sudo may be followed by more assignments; those go next time round.
    guard let place = parsed.places.first, place + wrapper.operands < rest.count else {
      return parsed.has("i") || parsed.has("s") ? .reader(.sh, rest) : .other
    }
    words = rest[(place + wrapper.operands)...]
  }
  return .other
}

/// `EDITOR='tee -a'`, with which visudo writes what it is given to read.
private func isTeeEditor(_ word: ShellWord) -> Bool {
  guard word.bytes.count <= 64,
    word.bytes.starts(with: "EDITOR=".utf8) || word.bytes.starts(with: "VISUAL=".utf8)
  else { return false }
  return word.bytes.split { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "/") || isBlank($0) }
    .contains { $0.elementsEqual("tee".utf8) }
}

private func editedByTee(
  _ words: ArraySlice<ShellWord>, _ directory: ShellWord
) -> UnwrappedCommand {
  guard let place = words.firstIndex(where: { program($0) == .visudo }) else { return .other }
  let options = CommandOptions("fx", long: ["file": "f"]).parse(Array(words[(place + 1)...]))
  let file = options.last("f") ?? options.operands.first
  return .command(
    FoundCommand(
      program: .tee, arguments: [file ?? ShellWord(bytes: Array("/etc/sudoers".utf8))],
      source: 0..<0, directory: directory))
}

/// `$SUDO chmod …`: a variable in the place of `sudo`.
private func isUnknownWrapper(_ word: ShellWord, before next: ShellWord) -> Bool {
  guard !word.exact, word.bytes.first == UInt8(ascii: "$"), let program = program(next) else {
    return false
  }
  return program.changesAccess || program.writes || isWrapper(program)
}

/// The program that a word names, by the last component of its path; nil where it is not known.
func program(_ word: ShellWord) -> Program? {
  guard word.exact, word.bytes.count <= 256 else { return nil }
  let slash = word.bytes.lastIndex(of: UInt8(ascii: "/"))
  return Program.named(word.bytes[(slash.map { $0 + 1 } ?? 0)...])
}

private func shellScript(_ words: [ShellWord], _ shell: Program) -> UnwrappedCommand {
  let parsed = shellOptions.parse(words, permutes: false)
  if parsed.has("c") {
    return parsed.operands.first.map { .script($0.bytes) } ?? .other
  }
  let isRead = parsed.operands.isEmpty || parsed.has("s") || parsed.operands[0].isText("-")
  return isRead ? .reader(shell, words) : .other
}

/// `… | xargs chmod 777`: what is found, or written, stands behind the command's own words.
private func piped(
  _ words: [ShellWord], _ pipe: ShellReader.Pipe?, _ directory: ShellWord
) -> UnwrappedCommand {
  let parsed = xargsOptions.parse(words, permutes: false)
  guard let place = parsed.places.first, let program = program(words[place]) else { return .other }
  var run = Array(words[place...])
  guard program.changesAccess || isWrapper(program) else { return .other }
  var unknown = FoundCommand(
    program: .xargs, arguments: words, source: 0..<0, directory: directory)
  unknown.user = nil
  var given: [ShellWord] = []
  var isBelow = false
  if let find = pipe?.find {
    given = findRoots(find).map { ShellWord(bytes: $0.bytes, exact: $0.exact && isWide(find)) }
    isBelow = true
  } else if let content = pipe?.content {
    given = content.bytes.split(whereSeparator: isBlank).prefix(ChangeGrammar.mostChanges)
      .map { ShellWord(bytes: Array($0), exact: content.exact) }
  } else {
    return .command(unknown)
  }
  if let mark = parsed.last("I") ?? parsed.last("i"), !mark.bytes.isEmpty {
    guard run.count < 64 else { return .other }
    run = run.flatMap { $0.bytes == mark.bytes ? given : [$0] }
  } else {
    run += given
  }
  guard case .command(var found) = unwrapped(run, in: directory, isAction: true) else {
    return .other
  }
  found.below = isBelow
  return .command(found)
}

/// Tests of `find` that choose between files and folders, or none: the action still reaches what
/// the folder holds.
private let wideTests: Set<String> = [
  "-type", "-mindepth", "-xdev", "-mount", "-depth", "-print", "-print0",
]

/// The folders that a `find` looks into.
private func findRoots(_ words: [ShellWord]) -> [ShellWord] {
  var roots: [ShellWord] = []
  for word in words {
    guard let first = word.bytes.first else { continue }
    if first == UInt8(ascii: "-") {
      guard ["-L", "-P", "-H"].contains(word.text) else { break }
    } else if first == UInt8(ascii: "(") || first == UInt8(ascii: "!") {
      break
    } else {
      roots.append(word)
    }
  }
  return roots.isEmpty ? [ShellWord(bytes: [UInt8(ascii: ".")])] : roots
}

/// True when all tests leave what lies in the folders as it is.
private func isWide(_ words: [ShellWord]) -> Bool {
  words.drop { !$0.isOption || ["-L", "-P", "-H"].contains($0.text) }.allSatisfy {
    !$0.isOption && $0.bytes.count == 1 || wideTests.contains($0.text)
  }
}

private func findAction(_ words: [ShellWord], in directory: ShellWord) -> UnwrappedCommand {
  guard
    let action = words.firstIndex(where: {
      ["-exec", "-execdir", "-ok", "-okdir"].contains($0.text)
    })
  else { return .find(words) }
  let tests = Array(words[..<action])
  let isWide = isWide(tests)
  let roots = findRoots(tests)
  var run: [ShellWord] = []
  for word in words[(action + 1)...] {
    if word.bytes == [UInt8(ascii: ";")] || word.bytes == [UInt8(ascii: "+")] { break }
    if word.isText("{}") {
      guard run.count < 4 * ChangeGrammar.mostChanges else { break }
      run += roots.prefix(ChangeGrammar.mostChanges).map {
        ShellWord(bytes: $0.bytes, exact: $0.exact && isWide)
      }
    } else {
      run.append(word)
    }
  }
  switch unwrapped(run, in: directory, isAction: true) {
  case .command(var found):
    found.below = true
    return .command(found)
  case .script(let script): return .script(script)
  default: return .other
  }
}
