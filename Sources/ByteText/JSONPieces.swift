extension JSON {
  /// Reads the elements of the array that is member `name` of the object in `text`, one at a time,
  /// so that a large array never stands in memory as a whole. Other members are skipped.
  ///
  /// `text` must be JSON of a trusted writer: of members that are skipped only strings and brackets
  /// are followed. False when it is found not to be JSON.
  package static func forEachElement(
    of name: String, in text: ArraySlice<UInt8>, _ body: (JSON) -> Void
  ) -> Bool {
    var at = text.startIndex
    guard open(text, &at, UInt8(ascii: "{")) else { return false }
    while at < text.endIndex, text[at] == UInt8(ascii: "\"") {
      let nameStart = at
      guard skip(text, &at), let found = try? JSON.parse(text[nameStart..<at]),
        open(text, &at, UInt8(ascii: ":"))
      else { return false }
      if found.text == name {
        guard at < text.endIndex, text[at] == UInt8(ascii: "["), elements(text, &at, body) else {
          return false
        }
      } else {
        guard skip(text, &at) else { return false }
      }
      blanks(text, &at)
      if at < text.endIndex, text[at] == UInt8(ascii: ",") {
        at += 1
        blanks(text, &at)
      }
    }
    return at < text.endIndex && text[at] == UInt8(ascii: "}")
  }

  private static func elements(
    _ text: ArraySlice<UInt8>, _ at: inout Int, _ body: (JSON) -> Void
  ) -> Bool {
    guard open(text, &at, UInt8(ascii: "[")) else { return false }
    while at < text.endIndex, text[at] != UInt8(ascii: "]") {
      let start = at
      guard skip(text, &at), let value = try? JSON.parse(text[start..<at]) else { return false }
      body(value)
      blanks(text, &at)
      if at < text.endIndex, text[at] == UInt8(ascii: ",") { at += 1 }
      blanks(text, &at)
    }
    guard at < text.endIndex else { return false }
    at += 1
    return true
  }

  private static func open(_ text: ArraySlice<UInt8>, _ at: inout Int, _ mark: UInt8) -> Bool {
    blanks(text, &at)
    guard at < text.endIndex, text[at] == mark else { return false }
    at += 1
    blanks(text, &at)
    return true
  }

  private static func blanks(_ text: ArraySlice<UInt8>, _ at: inout Int) {
    while at < text.endIndex, isBlank(text[at]) { at += 1 }
  }

  /// Moves `at` behind the value that begins there.
  private static func skip(_ text: ArraySlice<UInt8>, _ at: inout Int) -> Bool {
    let start = at
    var depth = 0
    while at < text.endIndex {
      switch text[at] {
      case UInt8(ascii: "\""):
        at += 1
        while at < text.endIndex, text[at] != UInt8(ascii: "\"") {
          at += text[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard at < text.endIndex else { return false }
        at += 1
        if depth == 0 { return true }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        at += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard depth > 0 else { return at > start }
        depth -= 1
        at += 1
        if depth == 0 { return true }
      case UInt8(ascii: ","):
        if depth == 0 { return at > start }
        at += 1
      default: at += 1
      }
    }
    return depth == 0 && at > start
  }
}
