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
