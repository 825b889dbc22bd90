// Lists and blanks as sudoers(5) has them.

/// Cuts a list at its commas, but not within brackets, quotes, or behind a backslash.
func sudoersItems(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
  var items: [ArraySlice<UInt8>] = []
  var start = text.startIndex
  var isQuoted = false
  var isEscaped = false
  var depth = 0
  func take(_ item: ArraySlice<UInt8>) {
    let item = sudoersTrimmed(item)
    if !item.isEmpty { items.append(item) }
  }
  for at in text.indices {
    let letter = text[at]
    if isEscaped {
      isEscaped = false
    } else if letter == UInt8(ascii: "\\") {
      isEscaped = true
    } else if letter == UInt8(ascii: "\"") {
      isQuoted.toggle()
    } else if letter == UInt8(ascii: "("), !isQuoted {
      depth += 1
    } else if letter == UInt8(ascii: ")"), !isQuoted {
      depth -= 1
    } else if letter == UInt8(ascii: ","), !isQuoted, depth <= 0 {
      take(text[start..<at])
      start = at + 1
    }
  }
  take(text[start...])
  return items
}

/// Without blanks at both ends, and with one where several are.
func sudoersTrimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  func isGap(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
  var inner = text.drop(while: isGap)
  while let last = inner.last, isGap(last) { inner.removeLast() }
  let isPlain = inner.indices.allSatisfy { at in
    inner[at] != 0x09 && !(inner[at] == 0x20 && isGap(inner[at + 1]))
  }
  if isPlain { return inner }
  return Array(inner.split(whereSeparator: isGap).joined(separator: [0x20]))[...]
}

/// `alice , bob` as `alice,bob`.
func joinedAtCommas(_ text: ArraySlice<UInt8>) -> [UInt8] {
  let comma = UInt8(ascii: ",")
  var joined: [UInt8] = []
  for at in text.indices {
    if text[at] == 0x20, joined.last == comma || text[at...].dropFirst().first == comma { continue }
    joined.append(text[at])
  }
  return joined
}
