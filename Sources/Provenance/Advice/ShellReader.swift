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

  let text: [UInt8]
  let end: Int
  var at: Int
  var state: ShellState
  var found: [FoundCommand] = []
  /// The range that every found command is given, for text that stands inside another command.
  let outer: Range<Int>?
  var expanded: Int
  private let depth: Int
  private var noMoreSingle = false
  private var noMoreDouble = false
  private var noMoreBackquotes = false
  private var pendingDocuments: [HereDocument] = []
  private var lineComment: Range<Int>?

  private struct HereDocument {
    var delimiter: [UInt8]
    var stripsTabs: Bool
  }

  init(
    _ text: [UInt8], _ range: Range<Int>, state: ShellState = ShellState(), depth: Int = 0,
    outer: Range<Int>? = nil, expanded: Int = 0
  ) {
    self.text = text
    at = range.lowerBound
    end = range.upperBound
    self.state = state
    self.depth = depth
    self.outer = outer
    self.expanded = expanded
  }

  /// Reads all of the text.
  mutating func read() { readList(depth: depth, inSubstitution: false) }

  /// A command that is being put together.
  private struct Command {
    var words: [ShellWord] = []
    var assignments: [(name: String, value: ShellWord)] = []
    var start: Int?
    var end = 0
    var comment: Range<Int>?
  }

  private mutating func readList(depth: Int, inSubstitution: Bool) {
    var command = Command()
    var open = 0
    var saved: [ShellState] = []
    while at < end {
      let byte = text[at]
      switch byte {
      case 0x20, 0x09, 0x0d, 0x00: at += 1
      case UInt8(ascii: "\\") where at + 1 < end && text[at + 1] == 0x0a: at += 2
      case 0x0a:
        finish(&command, depth)
        at += 1
        if !pendingDocuments.isEmpty { readHereDocuments(depth) }
      case UInt8(ascii: "#"):
        let start = at
        skipLine()
        if command.start == nil { lineComment = start..<at } else { command.comment = start..<at }
      case UInt8(ascii: "&") where at + 1 < end && text[at + 1] == UInt8(ascii: ">"):
        at += 1
        readRedirection(depth)
      case UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"):
        finish(&command, depth)
        at += 1
      case UInt8(ascii: "("):
        if let last = command.assignments.last, command.words.isEmpty, command.end == at {
          state.variables[last.name] = nil
          command.assignments.removeLast()
        }
        finish(&command, depth)
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
          readRedirection(depth)
        }
      default: readWord(into: &command, depth)
      }
    }
    finish(&command, depth)
  }

  private mutating func skipLine() {
    while at < end, text[at] != 0x0a { at += 1 }
  }

  // MARK: Words

  private mutating func readWord(into command: inout Command, _ depth: Int) {
    let start = at
    var word = ShellWord()
    var quoted = false
    var assigns: Bool?
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
        word.bytes.append(byte)
        at += 1
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
        Self.reserved.contains(word.bytes)
      {
        return
      }
    }
    if command.words.isEmpty, let name = assignmentName(word.bytes),
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

  private static let reserved: Set<[UInt8]> = Set(
    ["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}", "$"]
      .map { Array($0.utf8) })

  private mutating func add(_ word: ShellWord, to command: inout Command, _ start: Int) {
    command.words.append(ShellWord(bytes: word.bytes, exact: word.exact, end: at))
    if command.start == nil { begin(&command, start) }
    command.end = at
  }

  private mutating func begin(_ command: inout Command, _ start: Int) {
    command.start = start
    if let comment = lineComment {
      var next = comment.upperBound
      if next < end { next += 1 }
      while next < start, text[next] == 0x20 || text[next] == 0x09 { next += 1 }
      if next == start { command.comment = comment }
      lineComment = nil
    }
  }

  private mutating func readSingleQuoted(into word: inout ShellWord) {
    let open = at
    at += 1
    guard !noMoreSingle else {
      word.exact = false
      return
    }
    var close = at
    var lines = false
    while close < end, text[close] != UInt8(ascii: "'") {
      if text[close] == 0x0a { lines = true }
      close += 1
    }
    guard close < end else {
      noMoreSingle = true
      word.exact = false
      return
    }
    // An apostrophe, as in "it's": no quote reaches from there over lines.
    if lines, open > 0, isLetter(text[open - 1]), isLetter(text[at]) {
      word.bytes.append(UInt8(ascii: "'"))
      return
    }
    word.bytes.append(contentsOf: text[at..<close])
    at = close + 1
  }

  private mutating func readDoubleQuoted(into word: inout ShellWord, _ depth: Int) {
    at += 1
    var close = at
    if !noMoreDouble {
      while close < end, text[close] != UInt8(ascii: "\"") {
        close += text[close] == UInt8(ascii: "\\") ? 2 : 1
      }
    }
    guard !noMoreDouble, close < end else {
      noMoreDouble = true
      word.exact = false
      return
    }
    while at < end, text[at] != UInt8(ascii: "\"") {
      switch text[at] {
      case UInt8(ascii: "\\") where at + 1 < end:
        switch text[at + 1] {
        case 0x0a: break
        case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "\\"):
          word.bytes.append(text[at + 1])
        default: word.bytes.append(contentsOf: text[at...at + 1])
        }
        at += 2
      case UInt8(ascii: "$"):
        if let value = readDollar(into: &word, depth) {
          word.bytes.append(contentsOf: value.bytes)
          word.exact = word.exact && value.exact
        }
      case UInt8(ascii: "`"): readBackquoted(into: &word, depth)
      default:
        word.bytes.append(text[at])
        at += 1
      }
    }
    at = min(end, at + 1)
  }

  // MARK: Expansions

  /// Reads what begins with `$`. A known variable's value is returned; all else is put into `word`.
  private mutating func readDollar(into word: inout ShellWord, _ depth: Int) -> ShellWord? {
    let start = at
    guard at + 1 < end else {
      word.bytes.append(text[at])
      at += 1
      return nil
    }
    var name: Range<Int>?
    switch text[at + 1] {
    case UInt8(ascii: "("):
      readSubstitution(into: &word, depth)
      return nil
    case UInt8(ascii: "{"):
      var close = at + 2
      let limit = min(end, at + 256)
      var open = 1
      while close < limit {
        if text[close] == UInt8(ascii: "{") { open += 1 }
        if text[close] == UInt8(ascii: "}") { open -= 1 }
        if open == 0 { break }
        close += 1
      }
      guard close < limit else {
        word.bytes.append(contentsOf: text[at..<at + 2])
        word.exact = false
        at += 2
        return nil
      }
      name = at + 2..<close
      at = close + 1
    case let byte where isNameByte(byte) && !isDigit(byte):
      var close = at + 1
      while close < end, isNameByte(text[close]) { close += 1 }
      name = at + 1..<close
      at = close
    case let byte where isDigit(byte) || "@*#?$!-".utf8.contains(byte): at += 2
    default:
      // `$'…'` and `$"…"` quote as without the dollar; any other is itself.
      if text[at + 1] != UInt8(ascii: "'"), text[at + 1] != UInt8(ascii: "\"") {
        word.bytes.append(text[at])
      }
      at += 1
      return nil
    }
    if let name, expanded < Self.mostExpanded,
      let value = state.variables[String(decoding: text[name], as: UTF8.self)]
    {
      expanded += value.bytes.count
      return value
    }
    word.bytes.append(contentsOf: text[start..<at])
    word.exact = false
    return nil
  }

  /// `$(…)`, `<(…)` or `>(…)`: its commands are read too, the word keeps it as written.
  private mutating func readSubstitution(into word: inout ShellWord, _ depth: Int) {
    let start = at
    at += 2
    word.exact = false
    if depth < ChangeGrammar.deepest {
      let before = state
      readList(depth: depth + 1, inSubstitution: true)
      state = before
    }
    word.bytes.append(contentsOf: text[start..<at])
  }

  private mutating func readBackquoted(into word: inout ShellWord, _ depth: Int) {
    let start = at
    at += 1
    word.exact = false
    var inner: [UInt8] = []
    var close = at
    if !noMoreBackquotes {
      while close < end, text[close] != UInt8(ascii: "`") {
        if text[close] == UInt8(ascii: "\\"), close + 1 < end { close += 1 }
        inner.append(text[close])
        close += 1
      }
    }
    guard !noMoreBackquotes, close < end else {
      noMoreBackquotes = true
      return
    }
    at = close + 1
    word.bytes.append(contentsOf: text[start..<at])
    readInner(inner, depth, outer ?? start..<at)
  }

  /// Reads text that stands within a command and is run by a shell of its own.
  private mutating func readInner(_ inner: [UInt8], _ depth: Int, _ outer: Range<Int>) {
    guard depth < ChangeGrammar.deepest, !inner.isEmpty else { return }
    var reader = ShellReader(
      inner, 0..<inner.count, state: state, depth: depth + 1, outer: outer, expanded: expanded)
    reader.read()
    found += reader.found
    expanded = reader.expanded
  }

  // MARK: Redirections

  /// The end of `<name>` at this place, as people write what the reader must fill in.
  private func placeholderEnd() -> Int? {
    guard text[at] == UInt8(ascii: "<"), at + 2 < end, isLetter(text[at + 1]) else { return nil }
    let limit = min(end, at + 34)
    var close = at + 1
    while close < limit, isNameByte(text[close]) || text[close] == UInt8(ascii: "-") { close += 1 }
    return close < limit && text[close] == UInt8(ascii: ">") ? close + 1 : nil
  }

  private mutating func readRedirection(_ depth: Int) {
    let start = at
    while at < end, at - start < 3, text[at] == UInt8(ascii: "<") || text[at] == UInt8(ascii: ">") {
      at += 1
    }
    let isDocument = at - start == 2 && text[start] == UInt8(ascii: "<")
    var strips = false
    if at < end, "-&|".utf8.contains(text[at]) {
      strips = text[at] == UInt8(ascii: "-")
      at += 1
    }
    while at < end, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
    var target = Command()
    if at < end { readWord(into: &target, depth) }
    guard isDocument, let word = target.words.first, pendingDocuments.count < 16 else { return }
    pendingDocuments.append(HereDocument(delimiter: word.bytes, stripsTabs: strips))
  }

  private mutating func readHereDocuments(_ depth: Int) {
    let documents = pendingDocuments
    pendingDocuments = []
    for document in documents {
      let start = at
      var bodyEnd = at
      while at < end {
        bodyEnd = at
        skipLine()
        var line = text[bodyEnd..<at]
        if at < end { at += 1 }
        if document.stripsTabs { line = line.drop { $0 == 0x09 } }
        if line.last == 0x0d { line = line.dropLast() }
        if line.elementsEqual(document.delimiter) { break }
        bodyEnd = at
      }
      guard depth < ChangeGrammar.deepest, start < bodyEnd else { continue }
      var reader = ShellReader(
        text, start..<bodyEnd, state: state, depth: depth + 1, outer: outer, expanded: expanded)
      reader.read()
      found += reader.found
      expanded = reader.expanded
    }
  }

  // MARK: Whole commands

  private mutating func finish(_ command: inout Command, _ depth: Int) {
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

  private mutating func assign(_ name: String, _ value: ShellWord) {
    state.variables[name] = value.bytes.count > Self.longestValue ? nil : value
  }

  /// Follows a builtin that changes variables or the working directory; false for any other.
  private mutating func changeState(_ words: [ShellWord]) -> Bool {
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
