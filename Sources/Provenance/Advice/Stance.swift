import ByteText

/// Whether a sentence is for the command that stands in it.
///
/// Only plain English is known, and a doubt is decided for the command: what is taken as advice
/// wrongly matches nothing unless somebody then does the very same.
enum Stance {
  case open
  /// "Never run …", "… is a bad idea".
  case against
  /// "To undo it, …".
  case undoing

  /// - Parameters:
  ///   - before: the text up to the command, at most a few hundred bytes; its last sentence counts.
  ///   - after: the text behind the command; its first sentence counts.
  ///   - isLabel: `before` is a comment or a line that leads to a block, not a sentence's beginning.
  init(before: ArraySlice<UInt8>, after: ArraySlice<UInt8>, isLabel: Bool = false) {
    let words = lastSentence(before)
    if isNegated(words) || isLabelledBad(words, isLabel) || isJudgedBad(after) {
      self = .against
    } else if words.contains(where: undoWords.contains) {
      self = .undoing
    } else {
      self = .open
    }
  }
}

private let undoWords: Set<String> = [
  "undo", "undoing", "revert", "reverting", "rollback", "tighten", "tightening", "harden",
  "hardening", "lockdown",
]
private let badWords: Set<String> = [
  "bad", "wrong", "insecure", "dangerous", "unsafe", "incorrect", "anti-pattern", "antipattern",
  "❌", "🚫", "terrible", "risky",
]
private let judgements: Set<String> = badWords.union([
  "avoid", "avoided", "never", "not", "discouraged", "mistake", "overkill", "unacceptable",
  "forbidden", "prohibited",
])
private let verbsOfJudging: Set<String> = [
  "is", "are", "was", "would", "should", "must", "can", "could", "will", "may", "isn't", "won't",
  "shouldn't",
]
private let negators: Set<String> = [
  "never", "don't", "dont", "shouldn't", "mustn't", "not", "avoid", "avoiding", "refrain",
  "without", "stop", "against", "instead", "rather", "no",
]
/// What follows a negator that is about something else: "don't worry", "if you do not see it".
private let harmless: Set<String> = [
  "worry", "hesitate", "forget", "panic", "mind", "have", "want", "see", "know", "care", "be",
  "own", "get", "matter", "exist", "work", "only", "enough",
]
/// What follows "avoid" and its like when the command itself is meant.
private let doing: Set<String> = [
  "using", "running", "doing", "setting", "giving", "executing", "typing", "this", "it", "that",
  "these", "things", "commands", "such", "anything", "any", "from", ":",
]
private let afterHelpers: Set<String> = [
  "does", "did", "is", "are", "was", "were", "has", "have", "had", "will", "would", "could", "can",
  "why",
]
private let continuing: Set<String> = [
  "e.g", "such", "like", "or", "nor", "ever", "under", "please", "especially", "even",
]

/// The words of the last sentence, lower case; commas, semicolons and colons are words too.
private func lastSentence(_ text: ArraySlice<UInt8>) -> [String] {
  var words: [String] = []
  var word: [UInt8] = []
  func close() {
    while let last = word.last, last == UInt8(ascii: ".") || last == UInt8(ascii: "-") {
      word.removeLast()
    }
    if !word.isEmpty {
      words.append(String(decoding: word, as: UTF8.self).lowercased())
    }
    word = []
  }
  var sentenceEnd: Int?
  for byte in text {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"):
      close()
      words.append(String(UnicodeScalar(byte)))
    case UInt8(ascii: "!"), UInt8(ascii: "?"):
      close()
      sentenceEnd = words.count
    case let byte where isBlank(byte):
      let ends = word.last == UInt8(ascii: ".") && !word.dropLast().contains(UInt8(ascii: "."))
      close()
      if ends { sentenceEnd = words.count }
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "'"), UInt8(ascii: "-"),
      UInt8(ascii: "."), 0x80...:
      word.append(byte)
      // The typographic apostrophe, U+2019.
      if byte == 0x99, word.suffix(3).elementsEqual([0xe2, 0x80, 0x99]) {
        word.removeLast(3)
        word.append(UInt8(ascii: "'"))
      }
    default: close()
    }
  }
  close()
  guard let sentenceEnd, sentenceEnd < words.count else { return words }
  return Array(words[sentenceEnd...])
}

private func isNegated(_ words: [String]) -> Bool {
  let first = max(0, words.count - 16)
  for at in words.indices.reversed() where at >= first {
    guard negators.contains(words[at]) else { continue }
    var next = at + 1
    let isParenthesis = next < words.count && words[next] == ","
    if isParenthesis { next += 1 }
    let following = next < words.count ? words[next] : nil
    if let following, harmless.contains(following) { continue }
    let previous = at > 0 ? words[at - 1] : ""
    switch words[at] {
    case "not": if afterHelpers.contains(previous) { continue }
    case "no": if following != "need" { continue }
    case "instead": if following != "of" { continue }
    case "rather": if following != "than" { continue }
    case "avoid", "avoiding", "without", "stop", "against", "refrain":
      let isPurpose = previous == "to" && at > 1 && !["try", "want"].contains(words[at - 2])
      if isPurpose || previous == "to" && at == 1 { continue }
      if let following, !doing.contains(following) { continue }
    default: break
    }
    if reaches(words[next...], isParenthesis) { return true }
  }
  return false
}

/// True when nothing between a negator and the command begins a new thought.
private func reaches(_ words: ArraySlice<String>, _ isParenthesis: Bool) -> Bool {
  for at in words.indices {
    let next = at + 1 < words.endIndex ? words[at + 1] : ""
    switch words[at] {
    case ";", "but", "then", "instead": if next != "of" { return false }
    case ",": if !isParenthesis, !continuing.contains(next) { return false }
    default: break
    }
  }
  return true
}

/// "Wrong:", "Bad idea:", and a comment such as "insecure!".
private func isLabelledBad(_ words: [String], _ isLabel: Bool) -> Bool {
  guard words.count <= 4, let first = words.first else { return false }
  return badWords.contains(first) && (isLabel || words.last == ":" || words.count == 1)
}

/// The command is what a judgement is passed on, and nothing behind takes it back ("but it works").
private func isJudgedBad(_ after: ArraySlice<UInt8>) -> Bool {
  var sentence = after.prefix(160)
  for at in sentence.indices where sentence[at] == UInt8(ascii: ".") {
    if at + 1 == sentence.endIndex || isBlank(sentence[at + 1]) {
      sentence = sentence[..<at]
      break
    }
  }
  let words = lastSentence(sentence)
  guard let first = words.first, !words.contains("but") else { return false }
  if badWords.contains(first) || first == "never" { return true }
  guard verbsOfJudging.contains(first) else { return false }
  return first.hasSuffix("n't") || words.dropFirst().prefix(6).contains(where: judgements.contains)
}
