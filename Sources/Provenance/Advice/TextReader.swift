import ByteText

/// Reads free text as people and agents write it: Markdown, mail, forum posts.
struct TextReader {
  private let text: [UInt8]
  private var at = 0
  var builder = ReportBuilder()
  private var context = TextContext()

  init(_ text: [UInt8]) { self.text = text }

  private struct Fence {
    var mark: UInt8
    var length: Int
    var isShell: Bool
    var isSQL: Bool
  }

  mutating func read() {
    var fence: Fence?
    var block: [ArraySlice<UInt8>] = []
    while at < text.count {
      let line = nextLine()
      let content = withoutQuoteMarks(line)
      if let open = fence {
        if closes(content, open) {
          readFenced(block, open)
          fence = nil
          block = []
        } else {
          block.append(content)
        }
        continue
      }
      if let opened = opening(content) {
        readIndented(&block)
        fence = opened
        continue
      }
      let isEmpty = content.allSatisfy(isBlank)
      if isIndented(content), listMarkEnd(content) == nil {
        block.append(content)
        continue
      }
      if isEmpty {
        if !block.isEmpty { block.append([]) }
        context.endParagraph()
        continue
      }
      readIndented(&block)
      readSentence(joinedLines(content))
    }
    if let fence { readFenced(block, fence) } else { readIndented(&block) }
  }

  private mutating func nextLine() -> ArraySlice<UInt8> {
    let start = at
    let end = text.withUnsafeBufferPointer { text in
      var end = start
      while end < text.count, text[end] != 0x0a { end += 1 }
      return end
    }
    at = end + 1
    var line = text[start..<end]
    if line.last == 0x0d { line = line.dropLast() }
    return line
  }

  /// `line` and those that it continues on by a backslash at its end.
  private mutating func joinedLines(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard line.last == UInt8(ascii: "\\") else { return line }
    var whole = Array(line)
    while whole.last == UInt8(ascii: "\\"), at < text.count {
      whole[whole.count - 1] = 0x20
      whole += withoutQuoteMarks(nextLine())
    }
    return whole[...]
  }

  // MARK: Blocks

  private func opening(_ line: ArraySlice<UInt8>) -> Fence? {
    var rest = line.drop(while: isBlank)
    guard let first = rest.first, !isLetter(first) || line.contains(UInt8(ascii: "`")) else {
      return nil
    }
    if let mark = listMarkEnd(line) { rest = line[mark...].drop(while: isBlank) }
    guard let mark = rest.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else {
      return nil
    }
    let length = rest.prefix { $0 == mark }.count
    let info = rest.dropFirst(length)
    guard length >= 3, !info.contains(UInt8(ascii: "`")) else { return nil }
    let language = info.drop { !isLetter($0) }.prefix { isLetter($0) || $0 == UInt8(ascii: "-") }
    let name = String(decoding: language.prefix(32), as: UTF8.self).lowercased()
    return Fence(
      mark: mark, length: length, isShell: shellLanguages.contains(name),
      isSQL: sqlLanguages.contains(name))
  }

  private func closes(_ line: ArraySlice<UInt8>, _ fence: Fence) -> Bool {
    let rest = line.drop(while: isBlank)
    let length = rest.prefix { $0 == fence.mark }.count
    return length >= fence.length && rest.dropFirst(length).allSatisfy(isBlank)
  }

  private mutating func readFenced(_ block: [ArraySlice<UInt8>], _ fence: Fence) {
    let stance = context.leadStance()
    context.clear()
    if stance == .against { return }
    if fence.isShell {
      _ = readShell(block, stance)
    } else if fence.isSQL {
      builder.take(
        sql: Array(block.joined(separator: [0x0a])), stance == .undoing ? .undoing : .code)
    } else {
      noteBinding(block)
      for line in block { readSentence(line) }
      context.clear()
    }
  }

  /// Reads indented lines as shell text, and as sentences those that hold no command.
  private mutating func readIndented(_ block: inout [ArraySlice<UInt8>]) {
    guard !block.isEmpty else { return }
    let lines = block
    block = []
    let stance = context.leadStance()
    if stance == .against { return context.endLead() }
    let understood = readShell(lines, stance)
    for (line, isCommand) in zip(lines, understood) where !isCommand && !line.isEmpty {
      readSentence(line)
    }
  }

  /// A manifest of Kubernetes that gives somebody a role is named, not read.
  private mutating func noteBinding(_ block: [ArraySlice<UInt8>]) {
    for line in block where line.count < 80 && line.drop(while: isBlank).starts(with: "kind:".utf8)
    {
      let kind = String(decoding: line, as: UTF8.self)
      if kind.contains("RoleBinding") {
        builder.note(escaped(line.drop(while: isBlank)) + " (manifest not read)")
      }
    }
  }

  /// Reads lines as one script. Says of each line whether a command of interest stands on it.
  private mutating func readShell(_ lines: [ArraySlice<UInt8>], _ stance: Stance) -> [Bool] {
    guard lines.contains(where: { AccessWords.occur(in: $0, AccessWords.code) }) else {
      return [Bool](repeating: false, count: lines.count)
    }
    var script: [UInt8] = []
    var ends: [Int] = []
    for line in lines {
      script += withoutPrompt(line, inCode: true) ?? line
      script.append(0x0a)
      ends.append(script.count)
    }
    var reader = ShellReader(script, 0..<script.count)
    reader.read()
    var understood = [Bool](repeating: false, count: lines.count)
    var line = 0
    if reader.isCut { builder.note("more than \(ShellReader.mostFound) commands: rest not read") }
    // A loop that is read again goes back in the text.
    let starts = reader.found.map(\.source.lowerBound)
    let order = starts.indices.sorted { (starts[$0], $0) < (starts[$1], $1) }
    for place in order {
      let source = reader.found[place].source
      while line < ends.count, ends[line] <= source.lowerBound { line += 1 }
      var last = line
      while last < ends.count {
        understood[last] = true
        if ends[last] >= source.upperBound { break }
        last += 1
      }
      builder.take(reader.found[place], from: script, stance == .undoing ? .undoing : .code)
    }
    return understood
  }

  // MARK: Sentences

  private mutating func readSentence(_ whole: ArraySlice<UInt8>) {
    var line = whole.drop(while: isBlank)
    var isPrompted = false
    if let mark = listMarkEnd(line) { line = line[mark...].drop(while: isBlank) }
    if let rest = withoutPrompt(line, inCode: false) {
      line = rest
      isPrompted = true
    }
    defer { context.add(line) }
    let isCode = isPrompted || line.contains(UInt8(ascii: "`"))
    guard AccessWords.occur(in: line, isCode ? AccessWords.code : AccessWords.prose) else { return }
    let isScript = line.starts(with: "cd ".utf8) && line.contains { "&;".utf8.contains($0) }
    if isPrompted || isScript {
      let command = Array(line)
      var reader = ShellReader(command, 0..<command.count)
      reader.read()
      builder.take(all: reader, from: command)
      return
    }
    var prose = ProseReader(Array(line), paragraph: context.paragraph)
    prose.read(into: &builder)
  }
}

private let sqlLanguages: Set<String> = [
  "sql", "psql", "postgres", "postgresql", "pgsql", "plpgsql",
]

private let shellLanguages: Set<String> = [
  "", "sh", "bash", "zsh", "ksh", "fish", "shell", "console", "shell-session", "shellsession",
  "bash-session", "terminal", "text", "txt", "plaintext", "plain", "none", "command",
  "commandline", "linux", "root", "nohighlight",
]
