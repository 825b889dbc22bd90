import ByteText

/// `line` without the `>` that mail and Markdown put before what they quote.
func withoutQuoteMarks(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  var rest = line
  for _ in 0..<8 {
    let inner = rest.drop(while: isBlank)
    guard inner.first == UInt8(ascii: ">"), inner.count - rest.count > -4 else { break }
    rest = inner.dropFirst()
    if rest.first == 0x20 { rest = rest.dropFirst() }
  }
  return rest
}

/// True for four blanks or a tab before a text.
func isIndented(_ line: ArraySlice<UInt8>) -> Bool {
  line.first == 0x09 && !line.allSatisfy(isBlank)
    || line.prefix(4).count == 4 && line.prefix(4).allSatisfy { $0 == 0x20 }
      && !line.allSatisfy(isBlank)
}

/// The place behind `- `, `* `, `3. `, `b) ` or `Step 2: `; nil where the line has no such mark.
func listMarkEnd(_ line: ArraySlice<UInt8>) -> Int? {
  let rest = line.drop(while: isBlank)
  guard let first = rest.first else { return nil }
  var mark = rest
  if rest.starts(with: "Step ".utf8) || rest.starts(with: "step ".utf8) { mark = rest.dropFirst(5) }
  if mark.first.map(isDigit) == true || isLetter(first) && mark.dropFirst().first == 0x29 {
    let behind = isDigit(mark[mark.startIndex]) ? mark.drop(while: isDigit) : mark.dropFirst()
    guard let close = behind.first, ".):".utf8.contains(close), rest.count - behind.count < 10,
      behind.dropFirst().first == 0x20
    else { return nil }
    return behind.startIndex + 1
  }
  if "-*+".utf8.contains(first), rest.dropFirst().first == 0x20 { return rest.startIndex + 1 }
  if rest.starts(with: "• ".utf8) { return rest.startIndex + 3 }
  return nil
}

/// `line` behind a shell's prompt; nil where there is none.
///
/// `# ` may begin a comment or a heading as well: it is a prompt where a whole command follows
/// that the grammar understands.
func withoutPrompt(_ line: ArraySlice<UInt8>, inCode: Bool) -> ArraySlice<UInt8>? {
  let rest = line.drop(while: isBlank)
  guard let first = rest.first else { return nil }
  let behind = rest.dropFirst(2)
  if rest.dropFirst().first == 0x20 {
    if first == UInt8(ascii: "$") || first == UInt8(ascii: "%") { return behind }
    if first == UInt8(ascii: "#") {
      return isWholeCommand(Array(behind.prefix(ChangeGrammar.longestCommand))) ? behind : nil
    }
  }
  let head = rest.prefix(80)
  if first == UInt8(ascii: "["), let close = head.firstIndex(of: UInt8(ascii: "]")),
    head[..<close].contains(UInt8(ascii: "@"))
  {
    let mark = head[(close + 1)...]
    guard let sign = mark.first, "$#".utf8.contains(sign), mark.dropFirst().first == 0x20 else {
      return nil
    }
    return rest[(close + 3)...]
  }
  guard let blank = head.firstIndex(of: 0x20), blank > head.startIndex + 2,
    "$#%".utf8.contains(head[blank - 1])
  else { return nil }
  let word = head[..<blank]
  guard
    word.contains(UInt8(ascii: "@")) || word.starts(with: "bash-".utf8)
      || word.starts(with: "sh-".utf8)
  else { return nil }
  return rest[(blank + 1)...]
}

/// True when `text` is nothing but a command with an effect, its operands written as paths.
private func isWholeCommand(_ text: [UInt8]) -> Bool {
  guard AccessWords.occur(in: text[...], AccessWords.code) else { return false }
  var reader = ShellReader(text, 0..<text.count)
  reader.read()
  let start = text.firstIndex { !isBlank($0) } ?? 0
  guard let found = reader.found.first, found.source.lowerBound == start,
    case .effects(let effects) = found.reading, !effects.isEmpty
  else { return false }
  return found.program != .chmod
    || effects.allSatisfy { effect in
      effect.object.utf8.dropFirst(5).contains { "/~$".utf8.contains($0) }
    }
}
