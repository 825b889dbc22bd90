import ByteText

/// Reads shell text (POSIX and what bash adds) as a flat run of simple commands.
///
/// Lists, pipes, subshells, loops and substitutions are all opened up: only which commands are
/// there matters, not whether they run. Every byte is looked at a bounded number of times, and
/// nothing in the text can trap.
struct ShellReader {
  /// Bytes that variables may add in all.
  static let mostExpanded = 1 << 20
  static let longestValue = 4096
  /// Bytes of loops that are read again for another value, counted with those of variables.
  static let mostRepeated = 1 << 18
  /// Commands of interest in one text; what stands behind them is left unread.
  static let mostFound = 2048

  let text: [UInt8]
  let end: Int
  var at: Int
  var state: ShellState
  var found: [FoundCommand] = []
  /// The range that every found command is given, for text that stands inside another command.
  let outer: Range<Int>?
  var expanded: Int
  let depth: Int
  var noMoreSingle = false
  var noMoreDouble = false
  var noMoreBackquotes = false
  var pendingDocuments: [HereDocument] = []
  var lineComment: Range<Int>?
  /// What the command before gives to the next one by `|`.
  var pipe: Pipe?
  var loops: [Loop] = []
  var loopBase = 0
  var pendingLoop: (name: String, values: [ShellWord])?
  /// More than `mostFound` commands were there.
  var isCut = false

  struct HereDocument {
    var body: Range<Int>
    var end: Int
    var stripsTabs: Bool
    var expands: Bool
  }

  struct Pipe {
    /// Where its first command begins.
    var start: Int
    var content: ShellWord?
    /// The words of a `find` that prints what it finds.
    var find: [ShellWord]?
  }

  /// A loop whose body is read once for each constant value.
  struct Loop {
    var name: String
    var values: ArraySlice<ShellWord>
    var body: Int
  }

  init(
    _ text: [UInt8], _ range: Range<Int>, state: ShellState = ShellState(), depth: Int = 0,
    outer: Range<Int>? = nil, expanded: Int = 0, input: ShellWord? = nil
  ) {
    self.text = text
    at = range.lowerBound
    end = range.upperBound
    self.state = state
    self.depth = depth
    self.outer = outer
    self.expanded = expanded
    if let input { pipe = Pipe(start: range.lowerBound, content: input) }
  }

  /// Reads all of the text.
  mutating func read() { readList(depth: depth, inSubstitution: false) }

  /// A command that is being put together.
  struct Command {
    var words: [ShellWord] = []
    var assignments: [(name: String, value: ShellWord)] = []
    var start: Int?
    var end = 0
    var comment: Range<Int>?
    var document: HereDocument?
    var hereString: ShellWord?
    /// Files that `>` and `>>` open for it.
    var targets: [ShellWord] = []
  }

  mutating func readList(depth: Int, inSubstitution: Bool) {
    var command = Command()
    var open = 0
    var saved: [ShellState] = []
    var groupStart: Int?
    let outerBase = loopBase
    loopBase = loops.count
    defer {
      loops.removeLast(loops.count - loopBase)
      loopBase = outerBase
    }
    while at < end {
      if found.count >= Self.mostFound {
        isCut = true
        at = end
        return
      }
      let byte = text[at]
      switch byte {
      case 0x20, 0x09, 0x0d, 0x00: at += 1
      case UInt8(ascii: "\\") where at + 1 < end && text[at + 1] == 0x0a: at += 2
      case 0x0a:
        if command.start != nil { finish(&command, depth) }
        at += 1
        if !pendingDocuments.isEmpty { readHereDocuments(depth) }
      case UInt8(ascii: "#"):
        let start = at
        skipLine()
        if command.start == nil { lineComment = start..<at } else { command.comment = start..<at }
      case UInt8(ascii: "&") where at + 1 < end && text[at + 1] == UInt8(ascii: ">"):
        at += 1
        readRedirection(&command, depth)
      case UInt8(ascii: "|") where at + 1 >= end || text[at + 1] != UInt8(ascii: "|"):
        if command.start == nil, pipe == nil { pipe = Pipe(start: groupStart ?? at) }
        finish(&command, depth, pipes: true)
        at += at + 1 < end && text[at + 1] == UInt8(ascii: "&") ? 2 : 1
      case UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"):
        finish(&command, depth)
        pipe = nil
        at += byte == UInt8(ascii: "|") ? 2 : 1
      case UInt8(ascii: "("):
        if let last = command.assignments.last, command.words.isEmpty, command.end == at {
          state.variables[last.name] = nil
          command.assignments.removeLast()
        }
        finish(&command, depth)
        if open == 0 { groupStart = at }
        open += 1
        if saved.count < ChangeGrammar.deepest, saved.count == open - 1 { saved.append(state) }
        at += 1
      case UInt8(ascii: ")"):
        finish(&command, depth)
        at += 1
        if open == 0 {
          if inSubstitution { return }
        } else {
          if saved.count == open { state = saved.removeLast() }
          open -= 1
        }
      case UInt8(ascii: "<"), UInt8(ascii: ">"):
        if placeholderEnd() != nil || at + 1 < end && text[at + 1] == UInt8(ascii: "(") {
          readWord(into: &command, depth)
        } else {
          readRedirection(&command, depth)
        }
      default:
        if command.start == nil, let close = uninterestingEnd() {
          let start = pipe?.start ?? at
          pipe = close < end && text[close] == UInt8(ascii: "|") ? Pipe(start: start) : nil
          at = close
          lineComment = nil
        } else {
          readWord(into: &command, depth)
        }
      }
    }
    finish(&command, depth)
  }

  mutating func skipLine() {
    while at < end, text[at] != 0x0a { at += 1 }
  }

  // MARK: Words

  mutating func readWord(into command: inout Command, _ depth: Int) {
    let start = at
    var word = ShellWord()
    var quoted = false
    var assigns: Bool?
    let plain = plainEnd(from: at)
    if plain > at {
      word.bytes = Array(text[at..<plain])
      at = plain
    }
    reading: while at < end {
      let byte = text[at]
      switch byte {
      case 0x20, 0x09, 0x0d, 0x00, 0x0a, UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"),
        UInt8(ascii: "("), UInt8(ascii: ")"):
        break reading
      case UInt8(ascii: "<"), UInt8(ascii: ">"):
        if let close = placeholderEnd() {
          word.bytes.append(contentsOf: text[at..<close])
          word.exact = false
          at = close
        } else if word.bytes.isEmpty, !quoted, at + 1 < end, text[at + 1] == UInt8(ascii: "(") {
          readSubstitution(into: &word, depth)
        } else {
          break reading
        }
      case UInt8(ascii: "\\"):
        if at + 1 < end, text[at + 1] != 0x0a {
          word.bytes.append(text[at + 1])
          quoted = true
        }
        at = min(end, at + 2)
      case UInt8(ascii: "'"):
        quoted = true
        readSingleQuoted(into: &word)
      case UInt8(ascii: "\""):
        quoted = true
        readDoubleQuoted(into: &word, depth)
      case UInt8(ascii: "`"): readBackquoted(into: &word, depth)
      case UInt8(ascii: "$"):
        let joins = assigns ?? (command.words.isEmpty && assignmentName(word.bytes) != nil)
        assigns = joins
        guard let value = readDollar(into: &word, depth) else { continue }
        word.exact = word.exact && value.exact
        for byte in value.bytes {
          if isBlank(byte), !joins {
            if !word.bytes.isEmpty { add(word, to: &command, start) }
            word = ShellWord(bytes: [], exact: value.exact)
          } else {
            word.bytes.append(byte)
          }
        }
      case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "{"):
        word.exact = false
        word.bytes.append(byte)
        at += 1
      case UInt8(ascii: "~") where word.bytes.isEmpty || word.bytes.last == UInt8(ascii: "="):
        word.exact = false
        word.bytes.append(byte)
        at += 1
      default:
        let plain = max(at + 1, plainEnd(from: at))
        word.bytes.append(contentsOf: text[at..<plain])
        at = plain
      }
    }
    guard quoted || !word.bytes.isEmpty else { return }
    if !quoted {
      if at < end, text[at] == UInt8(ascii: "<") || text[at] == UInt8(ascii: ">"),
        word.bytes.allSatisfy(isDigit)
      {
        return
      }
      if command.words.isEmpty, command.assignments.isEmpty, word.bytes.count <= 5,
        isReserved(word.bytes)
      {
        return
      }
    }
    if command.words.isEmpty, word.bytes.contains(UInt8(ascii: "=")),
      let name = assignmentName(word.bytes),
      text[start..<at].starts(with: name.utf8)
    {
      let value = ShellWord(bytes: Array(word.bytes[(name.utf8.count + 1)...]), exact: word.exact)
      command.assignments.append((name, value))
      if command.start == nil { begin(&command, start) }
      command.end = at
      return
    }
    add(word, to: &command, start)
  }

  /// The end of the run of bytes that stand for themselves.
  private func plainEnd(from start: Int) -> Int {
    text.withUnsafeBufferPointer { text in
      ByteClasses.all.withUnsafeBufferPointer { classes in
        var close = start
        while close < end, classes[Int(text[close])] & ByteClasses.plain != 0 { close += 1 }
        return close
      }
    }
  }

  private mutating func isReserved(_ word: [UInt8]) -> Bool {
    if word.count == 1 { return "!{}$".utf8.contains(word[0]) }
    guard let program = Program.named(word[...]), program.isReserved else { return false }
    if program == .do { beginLoop() }
    if program == .done { endLoop() }
    return true
  }

  mutating func add(_ word: ShellWord, to command: inout Command, _ start: Int) {
    if command.words.isEmpty { command.words.reserveCapacity(6) }
    command.words.append(ShellWord(bytes: word.bytes, exact: word.exact, end: at))
    if command.start == nil { begin(&command, start) }
    command.end = at
  }

  mutating func begin(_ command: inout Command, _ start: Int) {
    command.start = start
    if let comment = lineComment {
      var next = comment.upperBound
      if next < end { next += 1 }
      while next < start, text[next] == 0x20 || text[next] == 0x09 { next += 1 }
      if next == start { command.comment = comment }
      lineComment = nil
    }
  }
}

/// The name in `NAME=value`; nil for any other word.
func assignmentName(_ bytes: [UInt8]) -> String? {
  guard let first = bytes.first, isNameByte(first), !isDigit(first) else { return nil }
  var at = 0
  while at < bytes.count, isNameByte(bytes[at]) { at += 1 }
  guard at < bytes.count, bytes[at] == UInt8(ascii: "=") else { return nil }
  return String(decoding: bytes[..<at], as: UTF8.self)
}

/// A letter, digit or underscore.
func isNameByte(_ byte: UInt8) -> Bool {
  isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "_")
}

func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }
