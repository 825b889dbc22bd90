import ByteText
package import Grants

/// Passages of the advice on record, to be found again in an advice that quotes them.
///
/// A text counts as quoted where the whole of it stands in another one, as it is or behind `>` marks,
/// or where a paragraph behind such marks, or a long one without, is a paragraph of it. Blanks and
/// line breaks are left aside. Hashes only choose candidates; the texts are compared.
package struct AdviceQuotes {
  /// Bytes of a quoted passage, and of a paragraph that nothing marks as a quote.
  static let shortest = 24
  static let shortestUnmarked = 80
  /// Passages of one advice that are kept, and those of a text that are looked up.
  static let mostKept = 4
  static let mostLooked = 64
  /// Texts that are compared with one.
  private static let mostCandidates = 8
  /// Ids under one passage; the newest stay.
  private static let mostPlaces = 4

  private var places: [UInt64: [String]] = [:]

  package init() {}

  package mutating func add(_ advice: Advice) {
    for hash in Self.kept(advice.text) {
      var ids = (places[hash] ?? []).filter { $0 != advice.id }
      ids.append(advice.id)
      places[hash] = Array(ids.suffix(Self.mostPlaces))
    }
  }

  package mutating func remove(_ advice: Advice) {
    for hash in Self.kept(advice.text) {
      places[hash]?.removeAll { $0 == advice.id }
      if places[hash]?.isEmpty == true { places[hash] = nil }
    }
  }

  /// The advice that `text` quotes, the newest of several; `textOf` gives the text of each.
  package func quoted(in text: String, textOf: (String) -> String?) -> String? {
    guard !places.isEmpty else { return nil }
    let own = Passages(text)
    let parts = own.parts.prefix(Self.mostLooked)
    var candidates: [String] = []
    for words in [own.whole] + parts {
      for id in (places[hash(words)] ?? []).reversed() where !candidates.contains(id) {
        candidates.append(id)
      }
    }
    return candidates.prefix(Self.mostCandidates).first { id in
      guard let other = textOf(id) else { return false }
      let theirs = Passages(other)
      if own.whole == theirs.whole { return true }
      let kept = theirs.kept
      return parts.contains(where: kept.contains)
    }
  }

  private static func kept(_ text: String) -> Set<UInt64> {
    Set(Passages(text).kept.map { hash($0) })
  }

  private static func hash(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private func hash(_ bytes: [UInt8]) -> UInt64 { Self.hash(bytes) }

  /// Ids of advices that a text names, in its order; at most 32 of what looks like one.
  package static func named(in text: String) -> [String] {
    var found: [String] = []
    for word in text.utf8.split(whereSeparator: { !isAlphanumeric($0) && $0 != UInt8(ascii: "-") })
    where word.count >= 6 && word.count <= 32 && word.starts(with: "a-".utf8) {
      if found.count == 32 { break }
      if let id = String(word) { found.append(id) }
    }
    return found
  }
}

/// A text in its paragraphs, each a run of words with one blank between.
private struct Passages {
  private(set) var paragraphs: [(words: [UInt8], isQuoted: Bool)] = []
  private(set) var whole: [UInt8] = []
  /// Runs of quoted paragraphs as one.
  private var runs: [[UInt8]] = []

  init(_ text: String) {
    var words: [UInt8] = []
    var isQuoted = false
    func add() {
      if !words.isEmpty { paragraphs.append((words, isQuoted)) }
      words = []
    }
    let bytes = Array(text.utf8.prefix(AdviceSubmission.longestText))
    for line in split(bytes[...], at: 0x0a) {
      var rest = line.drop(while: Self.isSpace)
      let isMarked = rest.first == UInt8(ascii: ">")
      while rest.first == UInt8(ascii: ">") { rest = rest.dropFirst().drop(while: Self.isSpace) }
      if rest.isEmpty || isMarked != isQuoted { add() }
      isQuoted = isMarked
      for word in rest.split(whereSeparator: Self.isSpace) {
        if !words.isEmpty { words.append(0x20) }
        words += word
      }
    }
    add()
    whole = Self.joined(paragraphs.map(\.words))
    var run: [[UInt8]] = []
    for paragraph in paragraphs + [([], false)] {
      if paragraph.isQuoted {
        run.append(paragraph.words)
      } else {
        if run.count > 1 { runs.append(Self.joined(run)) }
        run = []
      }
    }
  }

  /// Runs and paragraphs that may be a part of another text, or the whole of it.
  var parts: [[UInt8]] {
    let marked = paragraphs.filter {
      $0.words.count >= ($0.isQuoted ? AdviceQuotes.shortest : AdviceQuotes.shortestUnmarked)
    }
    return (runs + marked.map(\.words)).filter { $0.count >= AdviceQuotes.shortest }
  }

  /// What may be quoted of it.
  var kept: [[UInt8]] {
    let long = ([whole] + paragraphs.map(\.words)).filter { $0.count >= AdviceQuotes.shortest }
    return Array(long.prefix(AdviceQuotes.mostKept))
  }

  private static func joined(_ parts: [[UInt8]]) -> [UInt8] {
    Array(parts.joined(separator: [0x20]))
  }

  private static func isSpace(_ byte: UInt8) -> Bool { isBlank(byte) || byte == 0x0d }
}
