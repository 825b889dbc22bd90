import ByteText

/// Finds the commands in one line of plain text: in inline code, and within sentences.
struct ProseReader {
  /// Commands looked for in one line.
  private static let mostCandidates = 64
  private let line: [UInt8]
  private let paragraph: [UInt8]

  init(_ line: [UInt8], paragraph: [UInt8]) {
    self.line = line
    self.paragraph = paragraph
  }

  mutating func read(into builder: inout ReportBuilder) {
    var at = 0
    var candidates = 0
    var noMore = [false, false, false]
    var bareMode: (range: Range<Int>, stance: Stance)?
    while at < line.count {
      if candidates >= Self.mostCandidates {
        return builder.note("more than \(Self.mostCandidates) commands in a line: rest not read")
      }
      if line[at] == UInt8(ascii: "`") {
        let open = at
        while at < line.count, line[at] == UInt8(ascii: "`") { at += 1 }
        let length = at - open
        guard length <= 2, !noMore[length], let close = closing(length, from: at) else {
          if length <= 2 { noMore[length] = true }
          continue
        }
        candidates += 1
        let span = at..<close
        at = close + length
        readSpan(span, &bareMode, into: &builder)
        continue
      }
      guard isWordStart(at), let program = program(at) else {
        at += 1
        continue
      }
      if program.isInSentences || program.leadsInSentences {
        candidates += 1
        at = max(at + 1, readCommand(at, into: &builder))
      } else if program.isWholeInSentences, at == 0 || isSaidToRun(at) {
        candidates += 1
        at = max(at + 1, readToEnd(at, into: &builder))
      } else {
        at += 1
      }
    }
  }

  private func closing(_ length: Int, from start: Int) -> Int? {
    var at = start
    while at < line.count {
      let open = at
      while at < line.count, line[at] == UInt8(ascii: "`") { at += 1 }
      if at - open == length { return open }
      at = max(at, open + 1)
    }
    return nil
  }

  private func stance(_ range: Range<Int>) -> Stance {
    let before = paragraph + [0x20] + line[max(0, range.lowerBound - 240)..<range.lowerBound]
    return Stance(
      before: before.suffix(240), after: line[range.upperBound...].prefix(200))
  }

  // MARK: Inline code

  private func readSpan(
    _ span: Range<Int>, _ bareMode: inout (range: Range<Int>, stance: Stance)?,
    into builder: inout ReportBuilder
  ) {
    var text = Array(line[span])
    var stance = Stance.open
    if let mode = bareMode {
      bareMode = nil
      let between = line[mode.range.upperBound..<span.lowerBound]
      let isPath = text.first == UInt8(ascii: "/") || text.starts(with: "~/".utf8)
      if isPath, !text.contains(where: isBlank), between.count <= 40,
        !between.contains(where: { ".;!?".utf8.contains($0) })
      {
        text = Array(line[mode.range]) + [0x20] + text
        stance = mode.stance
      }
    }
    guard AccessWords.occur(in: text[...], AccessWords.code) else { return }
    if stance == .open { stance = self.stance(span) }
    if stance == .against { return }
    if let rest = withoutPrompt(text[...], inCode: true) { text = Array(rest) }
    var reader = ShellReader(text, 0..<text.count)
    reader.read()
    if reader.found.isEmpty, !text.contains(UInt8(ascii: "'")) || text.last == UInt8(ascii: ";") {
      builder.take(sql: text, stance == .undoing ? .undoing : .code)
    }
    for found in reader.found {
      if found.program == .chmod, reader.found.count == 1, found.fileModeEffect != nil,
        chmodOptions.parse(found.arguments, isOperand: isDashedMode).operands.count == 1
      {
        bareMode = (span, stance)
        continue
      }
      let isWhole = found.arguments.count > 1
      builder.take(
        found, from: text, stance == .undoing ? .undoing : isWhole ? .code : .mention)
    }
  }

  // MARK: Sentences

  private func isWordStart(_ at: Int) -> Bool {
    guard at > 0 else { return true }
    let before = line[at - 1]
    return isBlank(before) || "\"'([{*_:>=&;|".utf8.contains(before) || before >= 0x80
  }

  /// The program that the word at this place names, without what encloses it.
  private func program(_ start: Int) -> Program? {
    var end = start
    var name = start
    while end < line.count, end - start < 40, !isBlank(line[end]) {
      if line[end] == UInt8(ascii: "/") { name = end + 1 }
      end += 1
    }
    guard end > name, end < line.count, isBlank(line[end]) else { return nil }
    return Program.named(line[name..<end])
  }

  /// Reads what is left of the line as one script, of which the first command counts.
  private func readToEnd(_ start: Int, into builder: inout ReportBuilder) -> Int {
    var end = min(line.count, start + 2 * ChangeGrammar.longestCommand)
    while end > start, ".!, ".utf8.contains(line[end - 1]) { end -= 1 }
    guard AccessWords.occur(in: line[start..<end], AccessWords.code) else { return start }
    var reader = ShellReader(line, start..<end)
    reader.read()
    let all = reader.found.filter { $0.source.lowerBound == start }
    guard let first = all.first, stance(first.source) != .against else { return start }
    for found in all { builder.take(found, from: line, .mention) }
    return first.source.upperBound
  }

  /// Reads the command that begins at `start`; returns where it ends.
  private func readCommand(_ start: Int, into builder: inout ReportBuilder) -> Int {
    var end = min(line.count, start + ChangeGrammar.longestCommand)
    if start > 0, let closer = closers[line[start - 1]],
      let close = line[start..<end].firstIndex(of: closer)
    {
      end = close
    }
    var reader = ShellReader(line, start..<end)
    reader.read()
    let all = reader.found.filter { $0.source.lowerBound == start }
    guard let first = all.first else { return start }
    if first.cutGrammar == nil {
      return isSaidToRun(start) || start == 0 || closers[line[start - 1]] != nil
        ? readToEnd(start, into: &builder) : start
    }
    if all.count > 1 || first.source.upperBound != first.arguments.last?.end {
      // It stands in quotes of its own, where no sentence goes on.
      guard stance(first.source) != .against else { return first.source.upperBound }
      for found in all { builder.take(found, from: line, .mention) }
      return first.source.upperBound
    }
    guard isSaidToRun(first, start),
      let command = first.cutFromSentence(isWholeLine: start == 0)
    else { return start }
    switch stance(command.source) {
    case .against: break
    case .undoing: builder.take(command, from: line, .undoing)
    case .open: builder.take(command, from: line, .mention)
    }
    return command.source.upperBound
  }

  /// False for `adduser` and `addgroup` as words of a sentence, where any two words may follow.
  private func isSaidToRun(_ command: FoundCommand, _ start: Int) -> Bool {
    guard command.program == .adduser || command.program == .addgroup || command.program == .passwd,
      start > 0, isBlank(line[start - 1]),
      line[start...].starts(with: command.program.name.utf8)
    else { return true }
    return isSaidToRun(start)
  }

  /// A word before it says to run it: "run", "use", a colon.
  private func isSaidToRun(_ start: Int) -> Bool {
    let words = line[max(0, start - 16)..<start].split { !isLetter($0) && $0 != 0x3a }
    return words.last.map {
      $0.last == UInt8(ascii: ":") || leadingWords.contains(String(decoding: $0, as: UTF8.self))
    } ?? true
  }
}

/// Words after which a command is meant to be run.
private let leadingWords: Set<String> = [
  "run", "Run", "use", "Use", "try", "Try", "type", "Type", "execute", "Execute", "enter", "then",
  "do", "with", ":",
]

private let closers: [UInt8: UInt8] = [
  UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "'"): UInt8(ascii: "'"),
  UInt8(ascii: "*"): UInt8(ascii: "*"), UInt8(ascii: ">"): UInt8(ascii: "<"),
  UInt8(ascii: "("): UInt8(ascii: ")"), UInt8(ascii: "["): UInt8(ascii: "]"),
]
