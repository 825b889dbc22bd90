import ByteText
package import Grants

/// What the grammar read in a text.
package struct GrammarReport: Equatable, Sendable {
  package var changes: [ProposedChange] = []
  /// Commands that look like changes of access but whose effect the text alone does not tell, and
  /// what was left unread; escaped, at most 64.
  package var notUnderstood: [String] = []

  package init() {}
}

/// Shell text or free text → the grants that it would make.
///
/// A change is what a command *may* give: `chmod 775` proposes a right even where the file had it.
/// A command that can only take access away proposes nothing, and neither does one that the text
/// advises against in the same sentence ("never run …", "… is a bad idea") or in the line that
/// leads to its code block.
///
/// Nothing in the input can trap; time grows in proportion to its length.
package enum ChangeGrammar {
  /// Bytes of a text that are read; the rest is named in the report.
  package static let longestText = 262_144
  package static let mostChanges = 256
  /// Shells within shells, and substitutions within substitutions.
  package static let deepest = 16
  /// Bytes of `ProposedChange.command`.
  package static let longestCommand = 512

  /// The changes that free text proposes: code blocks, inline code, prompts, and commands that
  /// stand in plain sentences.
  package static func changes(inText text: String) -> [ProposedChange] {
    report(onText: text).changes
  }

  /// The changes that shell text makes.
  package static func changes(inCommand line: String) -> [ProposedChange] {
    report(onCommand: Array(line.utf8)).changes
  }

  /// The changes that shell text makes.
  package static func changes(inCommand line: [UInt8]) -> [ProposedChange] {
    report(onCommand: line).changes
  }

  /// `changes(inText:)`, and what was not understood.
  package static func report(onText text: String) -> GrammarReport {
    var text = text
    let bytes = text.withUTF8 { Array($0.prefix(longestText)) }
    var reader = TextReader(bytes)
    reader.read()
    return finished(reader.builder, isCut: text.utf8.count > longestText)
  }

  /// `changes(inCommand:)`, and what was not understood. `directory` is the absolute path of the
  /// folder that the command runs in; empty where nobody knows it.
  package static func report(
    onCommand line: [UInt8], in directory: [UInt8] = []
  ) -> GrammarReport {
    var builder = ReportBuilder()
    let text = Array(line.prefix(longestText))
    var state = ShellState()
    if directory.first == UInt8(ascii: "/") {
      state.directory = ShellWord(bytes: Array(directory.prefix(4096)), exact: true)
    }
    var reader = ShellReader(text, 0..<text.count, state: state)
    reader.read()
    builder.take(all: reader, from: text)
    return finished(builder, isCut: line.count > longestText)
  }

  private static func finished(_ builder: ReportBuilder, isCut: Bool) -> GrammarReport {
    var report = builder.report
    if isCut { report.notUnderstood.append("text longer than \(longestText) bytes: rest not read") }
    return report
  }
}

/// Gathers changes, each effect once, within the limits.
struct ReportBuilder {
  static let mostNotUnderstood = 63
  private(set) var report = GrammarReport()
  private var effects: Set<CommandEffect> = []
  private var unread: Set<String> = []
  private var isFull = false

  /// What a command in doubt is worth: in a sentence it is only a mention.
  enum Setting {
    case code, mention
    /// The text says that it takes something back.
    case undoing
  }

  /// Takes everything that a reader has found in `text`.
  mutating func take(all reader: ShellReader, from text: [UInt8], _ setting: Setting = .code) {
    for found in reader.found { take(found, from: text, setting) }
    if reader.isCut {
      note("more than \(ShellReader.mostFound) commands: rest not read")
    }
  }

  mutating func take(_ found: FoundCommand, from text: [UInt8], _ setting: Setting = .code) {
    guard !isFull else { return }
    var isUndoing = setting == .undoing
    if let comment = found.comment {
      switch Stance(before: text[comment].dropFirst().suffix(240), after: [], isLabel: true) {
      case .against: return
      case .undoing: isUndoing = true
      case .open: break
      }
    }
    var command: String?
    func written() -> String {
      if let command { return command }
      let made = commandText(text[found.source])
      command = made
      return made
    }
    switch found.reading {
    case .notUnderstood:
      if setting != .mention { unclear(written()) }
    case .effects(let effects): take(effects, isUndoing, written)
    case .both(let effects):
      take(effects, isUndoing, written)
      unclear(written())
    }
  }

  /// The grants of SQL text that stands in a block of its own.
  mutating func take(sql: [UInt8], _ setting: Setting) {
    guard !isFull else { return }
    for statement in split(sql[...], at: UInt8(ascii: ";")).prefix(ChangeGrammar.mostChanges) {
      let text = statement.drop(while: isBlank)
      let effects = sqlEffects(text, database: nil, exact: true)
      if !effects.isEmpty { take(effects, setting == .undoing) { commandText(text) } }
    }
  }

  private mutating func take(
    _ found: [CommandEffect], _ isUndoing: Bool, _ command: () -> String
  ) {
    for effect in found where !(isUndoing && effect.isMild) {
      guard effects.insert(effect).inserted else { continue }
      guard report.changes.count < ChangeGrammar.mostChanges else {
        isFull = true
        return note("more than \(ChangeGrammar.mostChanges) changes: rest left out")
      }
      report.changes.append(
        ProposedChange(
          kind: effect.kind, subject: effect.subject, object: effect.object,
          right: effect.right, recursive: effect.recursive, command: command(),
          exact: effect.exact))
    }
  }

  private mutating func unclear(_ command: String) {
    guard report.notUnderstood.count < Self.mostNotUnderstood else { return }
    if unread.insert(command).inserted { report.notUnderstood.append(command) }
  }

  mutating func note(_ text: String) {
    if report.notUnderstood.count < Self.mostNotUnderstood, unread.insert(text).inserted {
      report.notUnderstood.append(text)
    }
  }
}

extension CommandEffect {
  /// Narrow enough that a step which "reverts" or "tightens" may truly do so.
  fileprivate var isMild: Bool {
    kind == .fileMode
      && FileRights(text: right)?.isDisjoint(with: [.write, .setuid, .setgid]) == true
  }
}

/// A command as written, its continued lines joined; escaped and cut to the longest allowed.
private func commandText(_ source: ArraySlice<UInt8>) -> String {
  if source.count <= ChangeGrammar.longestCommand,
    source.allSatisfy({ $0 &- 0x20 < 0x5f && $0 != 0x5c })
  {
    return String(decoding: source, as: UTF8.self)
  }
  var bytes: [UInt8] = []
  var isContinued = false
  for (offset, byte) in source.enumerated() {
    if bytes.count >= ChangeGrammar.longestCommand { break }
    let next = source.startIndex + offset + 1
    if byte == UInt8(ascii: "\\"), next < source.endIndex, source[next] == 0x0a {
      isContinued = true
      continue
    }
    if isContinued, isBlank(byte) {
      if bytes.last != 0x20 { bytes.append(0x20) }
      continue
    }
    isContinued = false
    bytes.append(byte)
  }
  var count = bytes.count
  while true {
    while count > 0, count < bytes.count, bytes[count] & 0xc0 == 0x80 { count -= 1 }
    let text = escaped(bytes[..<count])
    let excess = text.utf8.count - ChangeGrammar.longestCommand
    if excess <= 0 { return text }
    count -= max(1, excess / 4)
  }
}
