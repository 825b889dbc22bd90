/// One word of a command after quotes are removed and constant variables put in.
struct ShellWord: Equatable, Sendable {
  var bytes: [UInt8] = []
  /// False when a part is not known from the text alone: a variable, a pattern, a substitution.
  /// Such a part stays in `bytes` as it was written.
  var exact = true
  /// Where the word ends in the text it was read from.
  var end = 0

  /// The word as text; what is not UTF-8 becomes U+FFFD.
  var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// What a command finds when it runs, as far as the text before it tells.
struct ShellState {
  var variables: [String: ShellWord] = [:]
  /// The working directory: absolute after `cd /srv`, empty where it began.
  var directory = ShellWord()
}

/// A command of interest, free of `sudo`, `env` and whatever else stood before its program.
struct FoundCommand {
  /// The program's name without folders.
  var program: String
  var arguments: [ShellWord]
  /// Where the whole command, `sudo` included, stands in the text.
  var source: Range<Int>
  var directory: ShellWord
  /// It acts on everything below its operands, as `find` does.
  var below = false
  /// The comment on the line above it or behind it.
  var comment: Range<Int>?
}
