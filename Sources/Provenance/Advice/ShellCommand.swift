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

  func isText(_ text: StaticString) -> Bool { bytes.isText(text) }
}

/// What a command finds when it runs, as far as the text before it tells.
struct ShellState {
  var variables: [String: ShellWord] = [:]
  /// The working directory: absolute after `cd /srv`, empty where it began.
  var directory = ShellWord()
  /// What commands before wrote to files that they named exactly.
  var files: [[UInt8]: ShellWord] = [:]
}

/// A command of interest, free of `sudo`, `env` and whatever else stood before its program.
struct FoundCommand {
  var program: Program
  var arguments: [ShellWord]
  /// Where the whole command, `sudo` and what is piped into it included, stands in the text.
  var source: Range<Int>
  var directory: ShellWord
  /// It acts on everything below its operands, as `find` does.
  var below = false
  /// The comment on the line above it or behind it.
  var comment: Range<Int>?
  /// What it is given to read, where the text tells.
  var input: ShellWord?
  /// Files that decide on access and that it writes to.
  var written: [WrittenFile] = []
  /// Who the command is said to run as: the value of sudo's `-u`.
  var user: ShellWord?
}

/// A file that decides on access, and the text that a command puts into it.
struct WrittenFile {
  var file: AccessFile
  /// Nil where the text does not tell.
  var content: ShellWord?
}
