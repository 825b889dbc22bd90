internal import ByteText

/// What cvtsudoers says of one file, line by line where the file is broken: its aliases and rules, as
/// JSON still, since aliases are resolved over all files.
struct SudoersParse: Sendable {
  /// A line, or the part of a broken one that may count all the same.
  struct Fragment: Sendable {
    /// The line's place in `SudoersText.lines`.
    var line: Int
    /// Its bytes in the file.
    var range: Range<Int>
  }

  /// Lines that the tool took together, and what it says of them.
  struct Piece: Sendable {
    var fragments: [Fragment]
    var document: JSON
  }

  /// A `Defaults` line that may loosen.
  struct Defaults: Sendable {
    var line: Int
    var text: [UInt8]
    var document: JSON
  }

  /// One where the file is whole; more where a line of it is broken, those of parts last.
  private(set) var pieces: [Piece] = []
  private(set) var defaults: [Defaults] = []
  /// The places of the lines that the tool refuses.
  private(set) var broken: [Int] = []
  /// Why not all of the file could be told, one line; nil when all was.
  private(set) var problem: String?
  /// True when the tool failed, or would have had to run too often.
  private(set) var isCutShort = false
  /// True when the tool would have had to run too often.
  private(set) var isExhausted = false

  var documents: [JSON] { pieces.map(\.document) }

  /// How often the tool is run at most for one file, which somebody may have filled with rubbish.
  private static let mostRuns = 400
  private var runs = 0
  private static let mostParts = 16

  init(_ text: SudoersText) {
    let saying = text.lines.indices.filter { text.lines[$0].says }
    let whole = saying.map { Fragment(line: $0, range: text.lines[$0].range) }
    let refused = gather(text, whole[...])
    broken = refused.map(\.line).sorted()
    salvage(text)
    for index in saying where text.lines[index].isDefaults {
      let bytes = Array(text[text.lines[index]])
      guard Self.mayLoosen(bytes), case .parsed(let document)? = run(bytes) else { continue }
      defaults.append(Defaults(line: index, text: bytes, document: document))
    }
  }

  /// The text that fragments make together. An empty line keeps a backslash at the end of one from
  /// joining the next to it.
  static func joined(_ text: SudoersText, _ some: ArraySlice<Fragment>) -> [UInt8] {
    var bytes: [UInt8] = []
    for fragment in some {
      bytes += text.bytes[fragment.range]
      if fragment.range != text.lines[fragment.line].range { bytes += [0x0a, 0x0a] }
    }
    return bytes
  }

  static func mayLoosen(_ line: [UInt8]) -> Bool {
    let text = String(
      decoding: line.filter { $0 != UInt8(ascii: "\\") && !isBlank($0) }, as: UTF8.self)
    return SudoLoosening.words.contains { text.contains($0) }
  }

  private mutating func run(_ bytes: [UInt8]) -> CvtsudoersJSON.Answer? {
    guard runs < Self.mostRuns else {
      problem = "too many broken lines"
      isCutShort = true
      isExhausted = true
      return nil
    }
    runs += 1
    return CvtsudoersJSON.parse(bytes)
  }

  /// sudo goes on behind a line with a syntax error, cvtsudoers does not: so what is left is asked for
  /// again, without the lines that the tool complained of, or by halves. Gives those refused.
  private mutating func gather(
    _ text: SudoersText, _ some: ArraySlice<Fragment>
  ) -> [Fragment] {
    guard !some.isEmpty, let answer = run(Self.joined(text, some)) else { return [] }
    var numbers: Set<Int> = []
    switch answer {
    case .parsed(let document):
      pieces.append(Piece(fragments: Array(some), document: document))
      return []
    case .failed(let words):
      if problem == nil { problem = words }
      if some.count == 1 { isCutShort = true }
    case .refused(let words, let lines):
      if problem == nil { problem = words }
      numbers = lines
    }
    guard some.count > 1 else { return Array(some) }
    let refused = Self.places(text, some, numbers)
    guard refused.isEmpty else {
      let rest = some.indices.filter { !refused.contains($0) }.map { some[$0] }
      return refused.sorted().map { some[$0] } + gather(text, rest[...])
    }
    let middle = some.startIndex + some.count / 2
    return gather(text, some[..<middle]) + gather(text, some[middle...])
  }

  /// Which of the fragments hold the lines with these numbers in the text that they make together.
  private static func places(
    _ text: SudoersText, _ some: ArraySlice<Fragment>, _ numbers: Set<Int>
  ) -> Set<Int> {
    var found: Set<Int> = []
    var number = 1
    for index in some.indices {
      let height = max(1, joined(text, some[index...index]).count { $0 == 0x0a })
      if (number..<(number + height)).contains(where: numbers.contains) { found.insert(index) }
      number += height
    }
    return found
  }

  /// Of a broken line sudo takes what stands before the `:` ahead of the error: the longest part that
  /// the tool takes counts. Where several lines are joined, any of them may have been left to stand
  /// alone.
  private mutating func salvage(_ text: SudoersText) {
    var left = broken
    for part in 0..<Self.mostParts where !left.isEmpty {
      let heads = left.compactMap { Self.head(text, $0, part) }
      left = gather(text, heads[...]).map(\.line).sorted()
    }
    let lines = broken.flatMap { Self.singleLines(text, $0) }
    _ = gather(text, lines[...])
  }

  /// The line up to its `:` with this number, counted from the end.
  private static func head(_ text: SudoersText, _ line: Int, _ part: Int) -> Fragment? {
    let range = text.lines[line].range
    let colons = range.reversed().lazy.filter { text.bytes[$0] == UInt8(ascii: ":") }
    guard let end = colons.dropFirst(part).first else { return nil }
    return mayStandAlone(text, Fragment(line: line, range: range.lowerBound..<end))
  }

  private static func singleLines(_ text: SudoersText, _ line: Int) -> [Fragment] {
    let single = text[text.lines[line]].split(separator: 0x0a)
    guard single.count > 1 else { return [] }
    return single.prefix(mostParts).compactMap {
      mayStandAlone(text, Fragment(line: line, range: $0.startIndex..<$0.endIndex))
    }
  }

  /// Nil for what the tool could take for an include.
  private static func mayStandAlone(_ text: SudoersText, _ fragment: Fragment) -> Fragment? {
    let bytes = text.bytes[fragment.range].drop { $0 == 0x20 || $0 == 0x09 }
    let word = bytes.dropFirst()
    let isInclude =
      bytes.first.map("@#".utf8.contains) ?? true && word.starts(with: "include".utf8)
    return isInclude ? nil : fragment
  }
}
