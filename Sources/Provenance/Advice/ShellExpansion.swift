import ByteText

// Quotes, variables and substitutions.
extension ShellReader {
  mutating func readSingleQuoted(into word: inout ShellWord) {
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

  mutating func readDoubleQuoted(into word: inout ShellWord, _ depth: Int) {
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
        var plain = at + 1
        while plain < end, !"\"\\$`".utf8.contains(text[plain]) { plain += 1 }
        word.bytes.append(contentsOf: text[at..<plain])
        at = plain
      }
    }
    at = min(end, at + 1)
  }

  /// Reads what begins with `$`. A known variable's value is returned; all else is put into `word`.
  mutating func readDollar(into word: inout ShellWord, _ depth: Int) -> ShellWord? {
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
  mutating func readSubstitution(into word: inout ShellWord, _ depth: Int) {
    let start = at
    at += 2
    word.exact = false
    if depth < ChangeGrammar.deepest {
      let before = (state, pipe)
      pipe = nil
      readList(depth: depth + 1, inSubstitution: true)
      (state, pipe) = before
    }
    word.bytes.append(contentsOf: text[start..<at])
  }

  mutating func readBackquoted(into word: inout ShellWord, _ depth: Int) {
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

  /// Reads text that stands within a command and is run by a shell of its own, which is given
  /// `input` to read.
  mutating func readInner(
    _ inner: [UInt8], _ depth: Int, _ outer: Range<Int>, input: ShellWord? = nil
  ) {
    guard depth < ChangeGrammar.deepest, !inner.isEmpty, found.count < Self.mostFound else {
      return
    }
    var reader = ShellReader(
      inner, 0..<inner.count, state: state, depth: depth + 1, outer: outer, expanded: expanded,
      input: input)
    reader.read()
    take(reader)
  }
}
