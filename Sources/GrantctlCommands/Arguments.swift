internal import ByteText

/// An option that a command takes.
struct Option: Sendable {
  var name: String
  var short: String?
  /// What stands for its value in the help; nil for an option without one.
  var value: String?
  var help: String
  /// It may be given more than once.
  var repeats = false

  init(
    _ name: String, short: String? = nil, value: String? = nil, repeats: Bool = false,
    _ help: String
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.repeats = repeats
    self.help = help
  }

  /// As the help shows it: `-o, --output FORMAT`.
  var spelling: String {
    (short.map { "-\($0), " } ?? "") + "--\(name)" + (value.map { " \($0)" } ?? "")
  }
}

/// Options and operands taken apart.
struct Arguments {
  private(set) var values: [String: [String]] = [:]
  var operands: [String] = []

  /// Takes `words` apart. With `untilOperand` it stops behind the first operand and leaves what
  /// follows in `rest`.
  init(
    _ words: ArraySlice<String>, options: [Option], untilOperand: Bool = false,
    rest: inout ArraySlice<String>
  ) throws(Failure) {
    rest = words
    while let word = rest.popFirst() {
      if word == "--" {
        if untilOperand {
          operands = rest.popFirst().map { [$0] } ?? []
          return
        }
        operands.append(contentsOf: rest)
        rest = []
      } else if word.hasPrefix("--") {
        try long(word.dropFirst(2), options, &rest)
      } else if word.hasPrefix("-"), word.utf8.count > 1 {
        try short(word.dropFirst(), options, &rest)
      } else {
        operands.append(word)
        if untilOperand { return }
      }
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }

  func value(_ name: String) -> String? { values[name]?.last }

  /// All values of a repeated option, each cut at its commas; nil when it was not given.
  func list(_ name: String) -> [String]? {
    values[name].map { $0.flatMap { $0.split(separator: ",").map(String.init) } }
  }

  mutating func add(_ other: Arguments) throws(Failure) {
    for (name, given) in other.values {
      if values[name] != nil, name != "help", name != "version" {
        throw Failure(.usage, "option '--\(name)' is given twice")
      }
      values[name] = given
    }
    operands.append(contentsOf: other.operands)
  }

  private mutating func long(
    _ text: Substring, _ options: [Option], _ rest: inout ArraySlice<String>
  ) throws(Failure) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = options.first(where: { $0.name == name }) else {
      throw Self.unknown("--\(name)", options)
    }
    let attached = parts.count > 1 ? String(parts[1]) : nil
    guard option.value != nil else {
      if attached != nil { throw Failure(.usage, "option '--\(name)' takes no value") }
      return try put(option, "")
    }
    guard let value = attached ?? rest.popFirst() else {
      throw Failure(.usage, "option '--\(name)' needs a value")
    }
    try put(option, value)
  }

  private mutating func short(
    _ text: Substring, _ options: [Option], _ rest: inout ArraySlice<String>
  ) throws(Failure) {
    var text = text
    while let letter = text.popFirst() {
      guard let option = options.first(where: { $0.short == String(letter) }) else {
        throw Self.unknown("-\(letter)", options)
      }
      guard option.value != nil else {
        try put(option, "")
        continue
      }
      guard let value = text.isEmpty ? rest.popFirst() : String(text) else {
        throw Failure(.usage, "option '-\(letter)' needs a value")
      }
      return try put(option, value)
    }
  }

  private mutating func put(_ option: Option, _ value: String) throws(Failure) {
    if !option.repeats, option.value != nil, values[option.name] != nil {
      throw Failure(.usage, "option '--\(option.name)' is given twice")
    }
    values[option.name, default: []].append(value)
  }

  static func unknown(_ spelling: String, _ options: [Option]) -> Failure {
    let near = nearest(to: spelling, among: options.map { "--\($0.name)" })
    return Failure(
      .usage,
      "unknown option '\(printable(spelling))'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
  }
}
