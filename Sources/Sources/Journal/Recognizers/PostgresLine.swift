internal import ByteText
internal import Grants

/// PostgreSQL's log with `log_statement=ddl` or pgaudit, by syslog (`[8-1] 2026-11-22 19:29:11.846
/// UTC [1699] postgres@db LOG:  statement: GRANT SELECT ON t1 TO app`) or from standard error.
///
/// A statement is logged before it runs: it may fail, or be rolled back. Any role can have a line
/// logged that looks the same (`RAISE LOG`): then lines of context follow, which a statement's own
/// line never has. Of passwords nothing is kept.
package enum PostgresLine: Recognizer {
  package static let identifiers = ["postgres", "postgresql"]

  /// `[8-2] ` numbers a line's parts; from standard error, what goes on begins with a tab, and
  /// context is a line of its own.
  package static func part(_ fields: JournalFields) -> LinePart? {
    guard let message = fields.message else { return nil }
    if let (number, piece, text) = numbered(message[...]) {
      return LinePart(number: number, continuation: piece > 1 ? [0x0a] + text : nil)
    }
    let goesOn = message.first == 0x09 || isContext(message[...])
    return LinePart(continuation: goesOn ? [0x0a] + message : nil)
  }

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let message = fields.message else { return nil }
    let line = numbered(message[...])?.text ?? message[...]
    guard var recognition = read(line) else { return nil }
    let isServer = fields.exe.map { $0.suffix(9).elementsEqual("/postgres".utf8) }
    let isSystems = fields.exe.map { rest(of: $0[...], after: "/usr/") != nil } ?? false
    if isServer != true || !isSystems {
      // A short session may be over before its program was looked up.
      if fields.exe != nil || (fields.comm != nil && fields.comm != Array("postgres".utf8)) {
        recognition.type = .spoof
        recognition.further = []
      }
      recognition.trusted = false
      for index in recognition.further.indices { recognition.further[index].trusted = false }
    }
    return recognition
  }

  private static func numbered(
    _ message: ArraySlice<UInt8>
  ) -> (number: Int64, piece: Int64, text: ArraySlice<UInt8>)? {
    guard let text = rest(of: message, after: "["),
      let end = text.prefix(32).firstIndex(of: UInt8(ascii: "]")),
      let dash = text[..<end].firstIndex(of: UInt8(ascii: "-")),
      let number = decimal(text[..<dash]), let piece = decimal(text[(dash + 1)..<end])
    else { return nil }
    let told = text[(end + 1)...]
    return (number, piece, told.first == UInt8(ascii: " ") ? told.dropFirst() : told)
  }

  private static func isContext(_ line: ArraySlice<UInt8>) -> Bool {
    let head = line.prefix(300)
    return ["CONTEXT:  ", "STATEMENT:  ", "DETAIL:  ", "HINT:  ", "QUERY:  "].contains {
      (words: StaticString) in
      guard let at = places(of: words, in: head).first else { return false }
      // The severity of a line comes before its text.
      return places(of: ":  ", in: head).first.map { $0 >= at } ?? false
    }
  }

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    let (text, context) = cut(line)
    let sql: ArraySlice<UInt8>
    var actor: ArraySlice<UInt8>?
    let prefix: ArraySlice<UInt8>
    if let (head, statement) = readings(text, cutAt: " LOG:  statement: ").first {
      (prefix, sql) = (head, statement)
    } else if let (head, told) = readings(text, cutAt: " LOG:  AUDIT: ").first {
      guard let statement = audited(told) else { return nil }
      (prefix, sql) = (head, statement)
    } else {
      return nil
    }
    let session = prefix.split(separator: UInt8(ascii: " ")).last ?? []
    var database = "?"
    if let at = session.lastIndex(of: UInt8(ascii: "@")) {
      actor = session[..<at]
      database = escaped(session[(at + 1)...])
    }
    let tokens = SQLTokenizer(sql)
    var found = SQLGrants(tokens.tokens, database: database).found
    guard !found.isEmpty else { return nil }
    let command = escaped(masked(sql.prefix(4096), tokens.strings)[...])
    for index in found.indices {
      found[index].command = command
      found[index].actorUser = actor.map { escaped($0) }
      found[index].trusted = context.isEmpty
      found[index].message = "statement: " + command
    }
    var first = found.removeFirst()
    if context.isEmpty {
      first.further = found
    } else {
      first.type = .spoof
    }
    return first
  }

  /// The line's own text, whose later lines begin with a tab, and what was joined to it as context.
  private static func cut(
    _ line: ArraySlice<UInt8>
  ) -> (text: ArraySlice<UInt8>, context: ArraySlice<UInt8>) {
    var at = line.startIndex
    while let feed = line[at...].firstIndex(of: 0x0a) {
      let next = feed + 1
      if next < line.endIndex, line[next] != 0x09, isContext(line[next...]) {
        return (line[..<feed], line[next...])
      }
      at = next
    }
    return (line, [])
  }

  /// The statement of pgaudit's `SESSION,1,1,ROLE,GRANT,TABLE,public.t1,"GRANT …",<not logged>`.
  private static func audited(_ told: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard rest(of: told, after: "SESSION,") != nil || rest(of: told, after: "OBJECT,") != nil else {
      return nil
    }
    var at = told.startIndex
    for _ in 0..<7 {
      guard let next = field(told, from: at) else { return nil }
      at = next
    }
    let statement = told[at...]
    guard statement.first == UInt8(ascii: "\"") else {
      return statement.prefix { $0 != UInt8(ascii: ",") }
    }
    let end = field(told, from: at) ?? told.endIndex
    return statement[(at + 1)..<max(at + 1, min(end, told.endIndex) - 2)]
  }

  /// Where the field of comma-separated text that begins at `start` is over and the next begins.
  private static func field(_ text: ArraySlice<UInt8>, from start: Int) -> Int? {
    var quoted = false
    for at in start..<text.endIndex {
      if text[at] == UInt8(ascii: "\"") { quoted.toggle() }
      if text[at] == UInt8(ascii: ","), !quoted { return at + 1 }
    }
    return nil
  }

  /// The text with its string constants taken out: a password may be one.
  private static func masked(_ sql: ArraySlice<UInt8>, _ strings: [Range<Int>]) -> [UInt8] {
    var bytes: [UInt8] = []
    var at = 0
    let text = Array(sql)
    for range in strings where range.lowerBound >= at && range.lowerBound < text.count {
      bytes += text[at..<range.lowerBound]
      bytes += Array("'***'".utf8)
      at = min(range.upperBound, text.count)
    }
    return bytes + text[min(at, text.count)...]
  }
}
