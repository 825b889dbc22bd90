internal import ByteText

/// What cvtsudoers says of one file: its aliases and rules, as JSON still, since aliases are resolved
/// over all files.
struct SudoersParse: Sendable {
  /// In the order of the file; one where the file is whole, more where a line of it is broken.
  private(set) var documents: [JSON] = []
  /// `Defaults` lines that may loosen: their place in the file and what cvtsudoers says of them.
  private(set) var defaults: [(text: [UInt8], document: JSON)] = []
  /// Why not all of the file could be told, one line; nil when all was.
  private(set) var problem: String?

  /// How often the tool is run at most for one file, which somebody may have filled with rubbish.
  private static let mostRuns = 400
  private var runs = 0

  init(_ text: SudoersText) {
    let lines = text.lines.filter(\.says)
    gather(text, lines[...])
    for line in lines where line.isDefaults {
      let bytes = Array(text[line])
      guard Self.mayLoosen(bytes), case .parsed(let document)? = run(bytes) else { continue }
      defaults.append((bytes, document))
    }
  }

  static func mayLoosen(_ line: [UInt8]) -> Bool {
    let text = String(
      decoding: line.filter { $0 != UInt8(ascii: "\\") && !isBlank($0) }, as: UTF8.self)
    return SudoLoosening.words.contains { text.contains($0) }
  }

  private mutating func run(_ bytes: [UInt8]) -> CvtsudoersJSON.Answer? {
    guard runs < Self.mostRuns else {
      problem = "too many broken lines"
      return nil
    }
    runs += 1
    return CvtsudoersJSON.parse(bytes)
  }

  /// sudo goes on behind a line with a syntax error, cvtsudoers does not: so what is left of a broken
  /// file is asked for again, without the lines that the tool complained of, or by halves.
  private mutating func gather(_ text: SudoersText, _ lines: ArraySlice<SudoersLine>) {
    guard !lines.isEmpty, let answer = run(text.joined(lines)) else { return }
    var numbers: Set<Int> = []
    switch answer {
    case .parsed(let document): return documents.append(document)
    case .failed(let words): if problem == nil { problem = words }
    case .refused(let words, let lines):
      if problem == nil { problem = words }
      numbers = lines
    }
    guard lines.count > 1 else {
      if let first = lines.first { salvage(Array(text[first])) }
      return
    }
    let broken = Self.indices(text, lines, numbers)
    if broken.isEmpty {
      let middle = lines.startIndex + lines.count / 2
      gather(text, lines[..<middle])
      gather(text, lines[middle...])
    } else {
      gather(text, lines.indices.filter { !broken.contains($0) }.map { lines[$0] }[...])
      for index in broken.sorted() { salvage(Array(text[lines[index]])) }
    }
  }

  /// Which of the lines hold those with these numbers in the text that they make together.
  private static func indices(
    _ text: SudoersText, _ lines: ArraySlice<SudoersLine>, _ numbers: Set<Int>
  ) -> Set<Int> {
    var found: Set<Int> = []
    var number = 1
    for index in lines.indices {
      let height = max(1, text[lines[index]].count { $0 == 0x0a })
      if (number..<(number + height)).contains(where: numbers.contains) { found.insert(index) }
      number += height
    }
    return found
  }

  /// Of a broken line sudo takes what stands before the `:` ahead of the error. Where several lines
  /// are joined, any of them may have been left to stand alone.
  private mutating func salvage(_ line: [UInt8]) {
    var tries: [[UInt8]] = []
    for at in line.indices.reversed() where line[at] == UInt8(ascii: ":") {
      tries.append(Array(line[..<at]) + [0x0a])
    }
    for piece in tries.prefix(16) {
      if case .parsed(let document)? = run(piece) {
        documents.append(document)
        break
      }
    }
    let single = line.split(separator: 0x0a)
    guard single.count > 1 else { return }
    for piece in single.prefix(16) where SudoersText(Array(piece)).withoutIncludes == Array(piece) {
      if case .parsed(let document)? = run(Array(piece) + [0x0a]) { documents.append(document) }
    }
  }
}
