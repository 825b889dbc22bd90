import ByteText

/// Why a value is refused.
struct BadValue: Error { var message: String }

/// A value from a file, read as one thing or another.
struct SettingValue {
  var entry: INIEntry
  /// No file gave this key before; a list's default does not count.
  var isFirst: Bool

  private func bad(_ expected: String) -> BadValue {
    BadValue(message: "bad value '\(entry.value)' for \(entry.key)=: \(expected)")
  }

  /// A word of `Choice`; the default when empty.
  func choice<Choice>(default fallback: Choice) throws(BadValue) -> Choice
  where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    if entry.value.isEmpty { return fallback }
    return try word(entry.value)
  }

  /// One word of `Choice`.
  func word<Choice>(_ text: String) throws(BadValue) -> Choice
  where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
    if let choice = Choice(rawValue: text) { return choice }
    let words = Choice.allCases.map(\.rawValue)
    let hint = nearest(to: text, among: words).map { "; did you mean '\($0)'?" } ?? ""
    throw BadValue(
      message: "bad value '\(text)' for \(entry.key)=: one of \(words.joined(separator: ", ")) "
        + "expected\(hint)")
  }

  func boolean(default fallback: Bool) throws(BadValue) -> Bool {
    switch entry.value.lowercased() {
    case "": return fallback
    case "yes", "true", "1", "on", "y", "t": return true
    case "no", "false", "0", "off", "n", "f": return false
    default: throw bad("yes or no expected")
    }
  }

  func number(default fallback: Int, in range: ClosedRange<Int>) throws(BadValue) -> Int {
    if entry.value.isEmpty { return fallback }
    guard let value = decimal(entry.value.utf8), range.contains(Int(value)) else {
      throw bad("a number from \(range.lowerBound) to \(range.upperBound) expected")
    }
    return Int(value)
  }

  /// A number, or a span of them: `2`, `2-4`, `2-` or `-4`; nil when empty.
  func range(in limits: ClosedRange<Int>) throws(BadValue) -> ClosedRange<Int>? {
    if entry.value.isEmpty { return nil }
    let parts = entry.value.split(separator: "-", omittingEmptySubsequences: false)
    func bound(_ part: Substring, or fallback: Int) -> Int? {
      if part.isEmpty { return fallback }
      return decimal(part.utf8).flatMap(Int.init(exactly:)).flatMap {
        limits.contains($0) ? $0 : nil
      }
    }
    guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }),
      let low = bound(parts[0], or: limits.lowerBound),
      let high = parts.count == 1 ? low : bound(parts[1], or: limits.upperBound), low <= high
    else {
      throw bad(
        "a number from \(limits.lowerBound) to \(limits.upperBound), or a span such as 2-4 or 2-"
          + " expected")
    }
    return low...high
  }

  /// A time span longer than nothing; nil when empty.
  func span() throws(BadValue) -> TimeSpan? {
    if entry.value.isEmpty { return nil }
    guard let span = TimeSpan(entry.value) else {
      throw bad("a time span such as 15min or 1h 30min expected")
    }
    guard span > .zero else { throw bad("a time span longer than 0 expected") }
    return span
  }

  /// Words added to `current`, or to nothing where `current` is the default; empty resets.
  func list(
    _ current: [String], each read: (String) throws(BadValue) -> String
  ) throws(BadValue) -> [String] {
    if entry.value.isEmpty { return [] }
    var list = isFirst ? [] : current
    for word in entry.words {
      let value = try read(word)
      if !list.contains(value) { list.append(value) }
    }
    return list
  }

  func globs(_ current: [String]) throws(BadValue) -> [String] {
    try list(current) { (word) throws(BadValue) in
      if let problem = globProblem(word) {
        throw BadValue(message: "bad value '\(word)' for \(entry.key)=: \(problem)")
      }
      return word
    }
  }

  /// An absolute path, nil when empty.
  func path() throws(BadValue) -> String? {
    entry.value.isEmpty ? nil : try path(entry.value)
  }

  /// The absolute path that `text` writes, `\xNN` for bytes such as blanks; without a slash at the
  /// end and without doubled ones.
  func path(_ text: String) throws(BadValue) -> String {
    let refusal = "bad value '\(text)' for \(entry.key)=: "
    guard text.hasPrefix("/") else { throw BadValue(message: refusal + "path is not absolute") }
    guard let bytes = unescaped(text), !bytes.contains(0),
      let path = String(validating: bytes, as: UTF8.self)
    else { throw BadValue(message: refusal + "path has a bad escape") }
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).compactMap { String($0) }
    guard !parts.contains("."), !parts.contains("..") else {
      throw BadValue(message: refusal + "path has a '.' or '..' in it")
    }
    return "/" + parts.joined(separator: "/")
  }
}

/// What is wrong with a glob, nil when nothing is.
private func globProblem(_ pattern: String) -> String? {
  let bytes = Array(pattern.utf8)
  var at = 0
  while at < bytes.count {
    switch bytes[at] {
    case UInt8(ascii: "\\"):
      guard at + 1 < bytes.count else { return "glob ends in a backslash" }
      at += 2
    case UInt8(ascii: "["):
      var first = at + 1
      if first < bytes.count, bytes[first] == UInt8(ascii: "!") { first += 1 }
      guard first < bytes.count,
        let close = bytes[(first + 1)...].firstIndex(of: UInt8(ascii: "]"))
      else { return "glob has a '[' without ']'" }
      at = close + 1
    default: at += 1
    }
  }
  return nil
}
