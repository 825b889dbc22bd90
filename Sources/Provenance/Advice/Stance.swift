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
    } else if words.contains(where: { $0.contains(.undoing) }) {
      self = .undoing
    } else {
      self = .open
    }
  }
}

private func isNegated(_ words: [WordClasses]) -> Bool {
  let first = max(0, words.count - 16)
  for at in words.indices.reversed() where at >= first {
    let word = words[at]
    guard word.contains(.negator) else { continue }
    var next = at + 1
    let isParenthesis = next < words.count && words[next].contains(.comma)
    if isParenthesis { next += 1 }
    let following = next < words.count ? words[next] : nil
    if let following, following.contains(.harmless) { continue }
    let previous = at > 0 ? words[at - 1] : []
    if word.contains(.not) {
      if previous.contains(.telling) { continue }
    } else if word.contains(.no) {
      if following?.contains(.need) != true { continue }
    } else if word.contains(.instead) {
      if following?.contains(.of) != true { continue }
    } else if word.contains(.rather) {
      if following?.contains(.than) != true { continue }
    } else if word.contains(.avoiding) {
      let isPurpose = previous.contains(.to) && (at == 1 || !words[at - 2].contains(.wanting))
      if isPurpose { continue }
      if let following, !following.contains(.doing) { continue }
    }
    if reaches(words[next...], isParenthesis) { return true }
  }
  return false
}

/// True when nothing between a negator and the command begins a new thought.
private func reaches(_ words: ArraySlice<WordClasses>, _ isParenthesis: Bool) -> Bool {
  for at in words.indices {
    let next = at + 1 < words.endIndex ? words[at + 1] : []
    if !words[at].isDisjoint(with: [.semicolon, .but, .then, .instead]) {
      if !next.contains(.of) { return false }
    } else if words[at].contains(.comma), !isParenthesis, !next.contains(.continuing) {
      return false
    }
  }
  return true
}

/// "Wrong:", "Bad idea:", and a comment such as "insecure!".
private func isLabelledBad(_ words: [WordClasses], _ isLabel: Bool) -> Bool {
  guard words.count <= 4, let first = words.first, let last = words.last else { return false }
  return first.contains(.bad) && (isLabel || last.contains(.colon) || words.count == 1)
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
  guard let first = words.first, !words.contains(where: { $0.contains(.but) }) else {
    return false
  }
  if first.contains(.bad) || first.contains(.never) { return true }
  guard first.contains(.judging) else { return false }
  return first.contains(.denying)
    || words.dropFirst().prefix(6).contains { $0.contains(.judgement) }
}
