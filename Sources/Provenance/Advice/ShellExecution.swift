import ByteText

// Whole commands, and what they change for those behind them.
extension ShellReader {
  /// `pipes`: what the command writes is read by the next one.
  mutating func finish(_ command: inout Command, _ depth: Int, pipes: Bool = false) {
    guard let start = command.start else { return }
    let whole = command
    command = Command()
    let before = pipe
    pipe = nil
    var passed: ShellWord?
    var find: [ShellWord]?
    defer {
      if pipes { pipe = Pipe(start: before?.start ?? start, content: passed, find: find) }
    }
    if whole.words.isEmpty {
      for assignment in whole.assignments { assign(assignment.name, assignment.value) }
      return
    }
    // A loop that is read again goes back in the text.
    let source = outer ?? min(before?.start ?? start, start, whole.end)..<whole.end
    if changeState(whole.words) { return }
    switch unwrapped(whole.words, in: state.directory, pipe: before) {
    case .command(var found):
      let needsInput = found.program.writes || found.program.changesAccess
      found.input = needsInput ? given(whole, depth) ?? before?.content : nil
      passed = found.output(state)
      note(&found, whole, source, passed)
    case .script(let script):
      let input = given(whole, depth) ?? before?.content
      readInner(script, depth, source, input: input)
      writeUnknown(whole, source)
    case .reader(let program, let arguments):
      if let script = given(whole, depth) ?? before?.content {
        run(script, program, depth, source)
      } else if before != nil, program.isShell || program == .crontab {
        self.found.append(
          FoundCommand(
            program: program, arguments: arguments, source: source, directory: state.directory))
      }
    case .find(let words): find = words
    case .other: writeUnknown(whole, source)
    }
  }

  /// Keeps a command that may change access, by itself or by what it writes.
  private mutating func note(
    _ found: inout FoundCommand, _ command: Command, _ source: Range<Int>, _ output: ShellWord?
  ) {
    found.source = source
    found.comment = outer == nil ? command.comment : nil
    if !command.targets.isEmpty || found.program.writes || found.program == .install {
      found.written = found.written(command.targets, output, state)
    }
    if found.program.writes {
      for target in command.targets.prefix(1) { keep(output, in: target) }
      guard !found.written.isEmpty else { return }
    }
    self.found.append(found)
  }

  /// A command that nothing is known of may still write to a file that decides on access.
  private mutating func writeUnknown(_ command: Command, _ source: Range<Int>) {
    let written = command.targets.compactMap { target in
      AccessFile(target, in: state.directory).map { WrittenFile(file: $0, content: nil) }
    }
    guard !written.isEmpty else { return }
    var unknown = FoundCommand(
      program: .other, arguments: [], source: source, directory: state.directory)
    unknown.written = written
    found.append(unknown)
  }

  private mutating func keep(_ content: ShellWord?, in target: ShellWord) {
    guard target.exact, state.files.count < 32 || state.files[target.bytes] != nil else { return }
    state.files[target.bytes] = content.flatMap { $0.bytes.count > Self.longestValue ? nil : $0 }
  }

  /// Runs text as the program does that was given it to read.
  private mutating func run(
    _ script: ShellWord, _ program: Program, _ depth: Int, _ source: Range<Int>
  ) {
    guard program == .crontab else { return readInner(script.bytes, depth, source) }
    for line in cronCommands(script.bytes, hasUser: false) {
      readInner(Array(line), depth, source)
    }
  }

  // MARK: Loops

  mutating func beginLoop() {
    guard let loop = pendingLoop, loops.count < 64 else {
      if loops.count < 64 { loops.append(Loop(name: "", values: [], body: at)) }
      return
    }
    pendingLoop = nil
    if let first = loop.values.first { state.variables[loop.name] = first }
    loops.append(Loop(name: loop.name, values: loop.values.dropFirst(), body: at))
  }

  mutating func endLoop() {
    guard loops.count > loopBase, var loop = loops.popLast() else { return }
    guard let next = loop.values.popFirst(), at > loop.body,
      expanded + at - loop.body < Self.mostRepeated
    else {
      if !loop.name.isEmpty { state.variables[loop.name] = nil }
      return
    }
    expanded += at - loop.body
    state.variables[loop.name] = next
    at = loop.body
    pipe = nil
    pendingDocuments = []
    loops.append(loop)
  }

  // MARK: State

  mutating func assign(_ name: String, _ value: ShellWord) {
    state.variables[name] = value.bytes.count > Self.longestValue ? nil : value
  }

  /// Follows a builtin that changes variables or the working directory; false for any other.
  mutating func changeState(_ words: [ShellWord]) -> Bool {
    guard let first = words.first else { return false }
    if let plus = first.bytes.prefix(64).firstIndex(of: UInt8(ascii: "+")),
      first.bytes[plus...].starts(with: "+=".utf8)
    {
      state.variables[String(decoding: first.bytes[..<plus], as: UTF8.self)] = nil
      return true
    }
    guard first.bytes.count <= 8, let program = Program.named(first.bytes[...]) else {
      return false
    }
    switch program {
    case .cd, .pushd:
      guard let target = words.dropFirst().first(where: { !$0.isOption }) else {
        state.directory = ShellWord(bytes: Array("~".utf8), exact: false)
        return true
      }
      state.directory = joined(target, to: state.directory)
    case .popd: state.directory = ShellWord()
    case .export, .declare, .local, .readonly, .typeset:
      for word in words.dropFirst() where !word.isOption {
        guard let name = assignmentName(word.bytes) else { continue }
        assign(
          name,
          ShellWord(bytes: Array(word.bytes[(name.utf8.count + 1)...]), exact: word.exact))
      }
    case .unset, .read, .select:
      for word in words.dropFirst() where !word.isOption { state.variables[word.text] = nil }
    case .for:
      guard words.count > 1 else { return true }
      let name = words[1].text
      state.variables[name] = nil
      pendingLoop = nil
      let values = words.dropFirst(3).prefix(64)
      if words.count > 3, words[2].isText("in"), words.count < 68,
        values.allSatisfy({ $0.bytes.count <= 256 })
      {
        pendingLoop = (name, Array(values))
      }
    default: return false
    }
    return true
  }
}

extension ShellWord {
  var isOption: Bool { bytes.first == UInt8(ascii: "-") }
}

/// The commands in lines of a crontab(5).
func cronCommands(_ text: [UInt8], hasUser: Bool) -> [ArraySlice<UInt8>] {
  split(text[...], at: 0x0a).prefix(256).compactMap { line in
    var rest = line.drop(while: isBlank)
    guard let first = rest.first, first != UInt8(ascii: "#") else { return nil }
    var fields = first == UInt8(ascii: "@") ? 1 : 5
    if fields == 5, !isDigit(first), first != UInt8(ascii: "*") { return nil }
    if hasUser { fields += 1 }
    for _ in 0..<fields { rest = rest.drop { !isBlank($0) }.drop(while: isBlank) }
    return rest.isEmpty ? nil : rest
  }
}
