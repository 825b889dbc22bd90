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

  mutating func readRedirection(_ command: inout Command, _ depth: Int) {
    let start = at
    while at < end, at - start < 3, text[at] == UInt8(ascii: "<") || text[at] == UInt8(ascii: ">") {
      at += 1
    }
    let isOutput = text[start] == UInt8(ascii: ">")
    let isDocument = at - start == 2 && !isOutput
    let isString = at - start == 3 && !isOutput
    var strips = false
    var isDescriptor = start > 0 && text[start - 1] == UInt8(ascii: "2")
    if at < end, "-&|".utf8.contains(text[at]) {
      strips = text[at] == UInt8(ascii: "-")
      if text[at] == UInt8(ascii: "&") { isDescriptor = true }
      at += 1
    }
    while at < end, text[at] == 0x20 || text[at] == 0x09 { at += 1 }
    let word = at
    var target = Command()
    if at < end { readWord(into: &target, depth) }
    guard let first = target.words.first else { return }
    if command.start != nil { command.end = at }
    if isOutput {
      if !isDescriptor, command.targets.count < 16 { command.targets.append(first) }
    } else if isString {
      command.hereString = first
    } else if isDocument, pendingDocuments.count < 16 {
      let isQuoted = text[word..<at].contains { "'\"\\".utf8.contains($0) }
      let document = hereDocument(first.bytes, strips, expands: !isQuoted)
      pendingDocuments.append(document)
      command.document = document
    }
  }

  /// Where the document lies that ends with `delimiter`: behind this line, or behind the document
  /// that was asked for before it.
  private func hereDocument(_ delimiter: [UInt8], _ strips: Bool, expands: Bool) -> HereDocument {
    var next = pendingDocuments.last?.end ?? at
    if pendingDocuments.isEmpty {
      while next < end, text[next] != 0x0a { next += 1 }
      next = min(end, next + 1)
    }
    let start = next
    var bodyEnd = next
    while next < end {
      bodyEnd = next
      while next < end, text[next] != 0x0a { next += 1 }
      var line = text[bodyEnd..<next]
      if next < end { next += 1 }
      if strips { line = line.drop { $0 == 0x09 } }
      if line.last == 0x0d { line = line.dropLast() }
      if line.elementsEqual(delimiter) { break }
      bodyEnd = next
    }
    return HereDocument(body: start..<bodyEnd, end: next, stripsTabs: strips, expands: expands)
  }

  /// What stands in documents may be a script: its commands are read as those around it are.
  mutating func readHereDocuments(_ depth: Int) {
    let documents = pendingDocuments
    pendingDocuments = []
    for document in documents {
      at = max(at, document.end)
      guard depth < ChangeGrammar.deepest, !document.body.isEmpty,
        AccessWords.occur(in: text[document.body], AccessWords.code)
      else { continue }
      var reader = ShellReader(
        text, document.body, state: state, depth: depth + 1, outer: outer, expanded: expanded)
      reader.read()
      take(reader)
    }
  }

  /// What a command is given to read by a here-document or a here-string.
  mutating func given(_ command: Command, _ depth: Int) -> ShellWord? {
    if let string = command.hereString { return string }
    guard let document = command.document else { return nil }
    var body = ShellWord()
    if document.expands, text[document.body].contains(where: { $0 == 0x24 || $0 == 0x60 }) {
      var reader = ShellReader(
        text, document.body, state: state, depth: depth + 1, outer: outer, expanded: expanded)
      while reader.at < reader.end {
        if reader.text[reader.at] == UInt8(ascii: "$") {
          if let value = reader.readDollar(into: &body, ChangeGrammar.deepest) {
            body.bytes += value.bytes
            body.exact = body.exact && value.exact
          }
        } else {
          body.bytes.append(reader.text[reader.at])
          reader.at += 1
        }
      }
      expanded = reader.expanded
    } else {
      body.bytes = Array(text[document.body])
    }
    guard document.stripsTabs else { return body }
    let lines = split(body.bytes[...], at: 0x0a).map { $0.drop { $0 == 0x09 } }
    body.bytes = Array(lines.joined(separator: [0x0a]))
    return body
  }

  /// Takes over what a reader of inner text has found.
  mutating func take(_ reader: ShellReader) {
    found += reader.found.prefix(max(0, Self.mostFound - found.count))
    isCut = isCut || reader.isCut
    expanded = reader.expanded
  }
}
