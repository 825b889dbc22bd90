import ByteText

// Whole commands, and what they change for those behind them.
extension ShellReader {
  mutating func finish(_ command: inout Command, _ depth: Int) {
    guard let start = command.start else { return }
    defer { command = Command() }
    if command.words.isEmpty {
      for assignment in command.assignments { assign(assignment.name, assignment.value) }
      return
    }
    let source = outer ?? start..<command.end
    if changeState(command.words) { return }
    switch unwrapped(command.words, in: state.directory) {
    case .command(var found):
      found.source = source
      found.comment = outer == nil ? command.comment : nil
      self.found.append(found)
    case .script(let script):
      readInner(script, depth, source)
    case .other: break
    }
  }

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
    guard first.bytes.count <= 8 else { return false }
    let operands = words.dropFirst().filter { $0.bytes.first != UInt8(ascii: "-") }
    switch first.text {
    case "cd", "pushd":
      guard let target = operands.first else {
        state.directory = ShellWord(bytes: Array("~".utf8), exact: false)
        return true
      }
      state.directory = joined(target, to: state.directory)
    case "popd": state.directory = ShellWord()
    case "export", "declare", "local", "readonly", "typeset":
      for word in operands {
        guard let name = assignmentName(word.bytes) else { continue }
        assign(
          name,
          ShellWord(bytes: Array(word.bytes[(name.utf8.count + 1)...]), exact: word.exact))
      }
    case "unset", "read", "for", "select":
      for word in operands { state.variables[word.text] = nil }
    default: return false
    }
    return true
  }
}
