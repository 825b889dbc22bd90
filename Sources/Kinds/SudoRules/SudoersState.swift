internal import ByteText
internal import LinuxKit

/// One look at all sudoers files of a root: what each line of them may give.
struct SudoersState {
  let files: SudoersFiles
  let reader: SudoRuleReader
  private let parses: [[UInt8]: SudoersParse]

  /// Reads and parses; parses of files whose text did not change are taken from `known`.
  init(root: [UInt8], known: [[UInt8]: SudoersParsed] = [:]) {
    files = SudoersFiles(root: root)
    var aliases = SudoersAliases()
    var parses: [[UInt8]: SudoersParse] = [:]
    for file in files.files {
      let old = known[file.path].flatMap { $0.bytes == file.text.bytes ? $0.parse : nil }
      let parse = old ?? SudoersParse(file.text)
      for document in parse.documents { aliases.add(document) }
      parses[file.path] = parse
    }
    self.parses = parses
    reader = SudoRuleReader(aliases: aliases, names: AccountNames(root: root))
  }

  /// The parses, for the next look.
  var parsed: [[UInt8]: SudoersParsed] {
    var all: [[UInt8]: SudoersParsed] = [:]
    for file in files.files {
      if let parse = parses[file.path] {
        all[file.path] = SudoersParsed(bytes: file.text.bytes, parse: parse)
      }
    }
    return all
  }

  func file(_ path: [UInt8]) -> SudoersFiles.File? { files.files.first { $0.path == path } }

  /// Why not all of the file was told; nil when all was.
  func problem(_ path: [UInt8]) -> String? {
    guard let parse = parses[path] else { return nil }
    if let words = parse.problem { return "read: \(escaped(path)): \(words)" }
    return gifts(parse) == nil ? "read: \(escaped(path)): a list is too long" : nil
  }

  /// Why nobody can say what the file gives, as sudo itself would read it; nil when that is known, of
  /// the good lines of a broken file too.
  func untold(_ path: [UInt8]) -> String? {
    if let parse = parses[path] {
      return parse.isCutShort || gifts(parse) == nil ? problem(path) : nil
    }
    let slash = UInt8(ascii: "/")
    return files.unreadable.first { path.starts(with: $0.path + [slash]) || path == $0.path }?.words
  }

  /// Files with a list that is too long to be told, or with too many broken lines.
  var unmeasured: [[UInt8]] {
    files.files.map(\.path).filter { path in
      parses[path].map { $0.isExhausted || gifts($0) == nil } ?? false
    }
  }

  /// What a file gives, rules that only take back included.
  func gifts(_ path: [UInt8]) -> [SudoGift] {
    guard let parse = parses[path] else { return [] }
    return gifts(parse) ?? gifts(parse, skipping: true) ?? []
  }

  /// What a text gives under the aliases of all files, and how much of it nobody can tell.
  func gifts(of text: SudoersText, _ parse: SudoersParse) -> (told: [SudoGift], untold: Int) {
    let told = gifts(parse, skipping: true) ?? []
    let specs = parse.documents.flatMap { $0["User_Specs"].elements }
    return (told, specs.count { reader.rules($0) == nil })
  }

  /// The lines that give something that `wanted` holds for, with all that each of them gives; nil
  /// when such a line cannot be told. Where lines beside each other give nothing else, the first of
  /// them is told with what all give, the others with nothing.
  func lines(
    of text: SudoersText, _ parse: SudoersParse, giving wanted: (SudoGift) -> Bool
  ) -> [(index: Int, gifts: [SudoGift])]? {
    var found: [Int: [SudoGift]] = [:]
    func read(_ some: ArraySlice<SudoersParse.Fragment>) -> JSON? {
      guard case .parsed(let answer) = CvtsudoersJSON.parse(SudoersParse.joined(text, some))
      else { return nil }
      return answer
    }
    func search(_ some: ArraySlice<SudoersParse.Fragment>, _ known: JSON?) -> Bool {
      guard let first = some.first else { return true }
      guard let document = known ?? read(some) else { return false }
      guard rules(document, skipping: true)?.contains(where: wanted) ?? false else { return true }
      if some.count == 1 {
        guard let gifts = rules(document, skipping: false) else { return false }
        found[first.line, default: []] += gifts
        return true
      }
      if let gifts = rulesAlone(document), gifts.allSatisfy(wanted),
        !some.contains(where: { parse.broken.contains($0.line) })
      {
        for fragment in some { found[fragment.line] = found[fragment.line] ?? [] }
        found[first.line, default: []] += gifts
        return true
      }
      let middle = some.startIndex + some.count / 2
      return search(some[..<middle], nil) && search(some[middle...], nil)
    }
    for piece in parse.pieces {
      guard search(piece.fragments[...], piece.document) else { return nil }
    }
    // Of a broken line several parts may give something.
    for line in found.keys where parse.broken.contains(line) {
      for part in parse.pieces.flatMap(\.fragments) where part.line == line {
        guard let gifts = read([part]).flatMap({ rules($0, skipping: false) }) else { return nil }
        for gift in gifts where !(found[line] ?? []).contains(gift) { found[line]?.append(gift) }
      }
    }
    for defaults in parse.defaults {
      let gifts = SudoLoosening.read(defaults.text[...], defaults.document, reader)
        .map { SudoGift.loosening($0) }
      if gifts.contains(where: wanted) { found[defaults.line] = gifts }
    }
    return found.sorted { $0.key < $1.key }.map { (index: $0.key, gifts: $0.value) }
  }

  /// The rules of a document that says nothing else; nil for any other.
  private func rulesAlone(_ document: JSON) -> [SudoGift]? {
    guard document.members.allSatisfy({ $0.name == "User_Specs" }) else { return nil }
    return rules(document, skipping: false)
  }

  /// The rules of one document; nil when one of them cannot be told and none may be skipped.
  private func rules(_ document: JSON, skipping: Bool) -> [SudoGift]? {
    var found: [SudoGift] = []
    for spec in document["User_Specs"].elements {
      if let rules = reader.rules(spec) {
        found += rules.map { .rule($0) }
      } else if !skipping {
        return nil
      }
    }
    return found
  }

  private func gifts(_ parse: SudoersParse, skipping: Bool = false) -> [SudoGift]? {
    var found: [SudoGift] = []
    for document in parse.documents {
      guard let rules = rules(document, skipping: skipping) else { return nil }
      found += rules
    }
    for line in parse.defaults {
      found += SudoLoosening.read(line.text[...], line.document, reader).map { .loosening($0) }
    }
    return found
  }
}

/// A parse with the text it is of.
struct SudoersParsed: Sendable {
  var bytes: [UInt8]
  var parse: SudoersParse
}
