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

  /// What a file gives, rules that only take back included.
  func gifts(_ path: [UInt8]) -> [SudoGift] {
    guard let parse = parses[path] else { return [] }
    return gifts(parse) ?? gifts(parse, skipping: true) ?? []
  }

  /// What a piece of text gives under the aliases of all files; nil when the tool refuses it.
  func gifts(of text: SudoersText, _ lines: ArraySlice<SudoersLine>) -> [SudoGift]? {
    var found: [SudoGift] = []
    guard case .parsed(let document) = CvtsudoersJSON.parse(text.joined(lines)) else { return nil }
    for spec in document["User_Specs"].elements {
      guard let rules = reader.rules(spec) else { return nil }
      found += rules.map { .rule($0) }
    }
    for line in lines where line.isDefaults && SudoersParse.mayLoosen(Array(text[line])) {
      guard case .parsed(let alone) = CvtsudoersJSON.parse(Array(text[line])) else { return nil }
      found += SudoLoosening.read(text[line], alone, reader).map { .loosening($0) }
    }
    return found
  }

  /// The lines that give something that `wanted` holds for, by halves; nil when a line cannot be told.
  func lines(
    of text: SudoersText, giving wanted: (SudoGift) -> Bool
  ) -> [(index: Int, gifts: [SudoGift])]? {
    let saying = text.lines.indices.filter { text.lines[$0].says }
    func search(_ some: ArraySlice<Int>) -> [(index: Int, gifts: [SudoGift])]? {
      guard let first = some.first else { return [] }
      guard let gifts = gifts(of: text, some.map { text.lines[$0] }[...]) else { return nil }
      guard gifts.contains(where: wanted) else { return [] }
      if some.count == 1 { return [(first, gifts)] }
      let middle = some.startIndex + some.count / 2
      guard let left = search(some[..<middle]), let right = search(some[middle...]) else {
        return nil
      }
      return left + right
    }
    return search(saying[...])
  }

  private func gifts(_ parse: SudoersParse, skipping: Bool = false) -> [SudoGift]? {
    var found: [SudoGift] = []
    for document in parse.documents {
      for spec in document["User_Specs"].elements {
        if let rules = reader.rules(spec) {
          found += rules.map { .rule($0) }
        } else if !skipping {
          return nil
        }
      }
    }
    for (text, document) in parse.defaults {
      found += SudoLoosening.read(text[...], document, reader).map { .loosening($0) }
    }
    return found
  }
}

/// A parse with the text it is of.
struct SudoersParsed: Sendable {
  var bytes: [UInt8]
  var parse: SudoersParse
}
