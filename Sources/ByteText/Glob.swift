/// True when `text` matches the shell pattern: `*` any run (slashes too), `?` one byte, `[a-z]` and
/// `[!a-z]` sets, backslash quotes the next byte. Runs in time pattern × text at the worst.
package func glob(_ pattern: String, matches text: String) -> Bool {
  glob(Array(pattern.utf8), matches: Array(text.utf8))
}

/// `glob(_:matches:)` over bytes.
package func glob(_ pattern: [UInt8], matches text: some RandomAccessCollection<UInt8>) -> Bool {
  let text = Array(text)
  var patternAt = 0
  var textAt = 0
  var starAt = -1
  var starText = 0
  while textAt < text.count {
    if patternAt < pattern.count, pattern[patternAt] == UInt8(ascii: "*") {
      starAt = patternAt
      starText = textAt
      patternAt += 1
    } else if patternAt < pattern.count,
      let next = matchOne(pattern, patternAt, text[textAt])
    {
      patternAt = next
      textAt += 1
    } else if starAt >= 0 {
      starText += 1
      textAt = starText
      patternAt = starAt + 1
    } else {
      return false
    }
  }
  while patternAt < pattern.count, pattern[patternAt] == UInt8(ascii: "*") { patternAt += 1 }
  return patternAt == pattern.count
}

/// The place after the element of the pattern at `at` when it matches `byte`, else nil.
private func matchOne(_ pattern: [UInt8], _ at: Int, _ byte: UInt8) -> Int? {
  switch pattern[at] {
  case UInt8(ascii: "?"): return at + 1
  case UInt8(ascii: "\\") where at + 1 < pattern.count:
    return pattern[at + 1] == byte ? at + 2 : nil
  case UInt8(ascii: "["):
    var cursor = at + 1
    let negated = cursor < pattern.count && pattern[cursor] == UInt8(ascii: "!")
    if negated { cursor += 1 }
    let first = cursor
    var found = false
    while cursor < pattern.count, pattern[cursor] != UInt8(ascii: "]") || cursor == first {
      if cursor + 2 < pattern.count, pattern[cursor + 1] == UInt8(ascii: "-"),
        pattern[cursor + 2] != UInt8(ascii: "]")
      {
        if pattern[cursor] <= byte, byte <= pattern[cursor + 2] { found = true }
        cursor += 3
      } else {
        if pattern[cursor] == byte { found = true }
        cursor += 1
      }
    }
    guard cursor < pattern.count else { return byte == UInt8(ascii: "[") ? at + 1 : nil }
    return found != negated ? cursor + 1 : nil
  default: return pattern[at] == byte ? at + 1 : nil
  }
}
