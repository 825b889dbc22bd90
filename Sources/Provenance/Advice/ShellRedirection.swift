import ByteText

// Redirections, here-documents, and what only looks like one.
extension ShellReader {
  /// The end of `<name>` at this place, as people write what the reader must fill in.
  func placeholderEnd() -> Int? {
    guard text[at] == UInt8(ascii: "<"), at + 2 < end, isLetter(text[at + 1]) else { return nil }
    let limit = min(end, at + 34)
    var close = at + 1
    while close < limit, isNameByte(text[close]) || text[close] == UInt8(ascii: "-") { close += 1 }
    return close < limit && text[close] == UInt8(ascii: ">") ? close + 1 : nil
  }

  mutating func readRedirection(_ depth: Int) {
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

  mutating func readHereDocuments(_ depth: Int) {
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
}
