import ByteText

/// What a word of a sentence says of the command that stands in it; empty for most words.
struct WordClasses: OptionSet {
  let rawValue: UInt32

  /// It takes something back: "undo", "revert".
  static let undoing = WordClasses(rawValue: 1 << 0)
  static let bad = WordClasses(rawValue: 1 << 1)
  /// It passes a judgement behind a verb: "is discouraged".
  static let judgement = WordClasses(rawValue: 1 << 2)
  static let judging = WordClasses(rawValue: 1 << 3)
  /// A verb that denies by itself: "isn't".
  static let denying = WordClasses(rawValue: 1 << 4)
  static let negator = WordClasses(rawValue: 1 << 5)
  /// What follows a negator that is about something else: "don't worry", "if you do not see it".
  static let harmless = WordClasses(rawValue: 1 << 6)
  /// What follows "avoid" and its like when the command itself is meant.
  static let doing = WordClasses(rawValue: 1 << 7)
  /// A verb before "not" that tells, and does not bid.
  static let telling = WordClasses(rawValue: 1 << 8)
  /// What goes on with a thought behind a comma.
  static let continuing = WordClasses(rawValue: 1 << 9)
  /// A negator that needs "doing" behind it.
  static let avoiding = WordClasses(rawValue: 1 << 10)
  static let never = WordClasses(rawValue: 1 << 11)
  static let not = WordClasses(rawValue: 1 << 12)
  static let no = WordClasses(rawValue: 1 << 13)
  static let instead = WordClasses(rawValue: 1 << 14)
  static let rather = WordClasses(rawValue: 1 << 15)
  static let but = WordClasses(rawValue: 1 << 16)
  static let then = WordClasses(rawValue: 1 << 17)
  static let of = WordClasses(rawValue: 1 << 18)
  static let than = WordClasses(rawValue: 1 << 19)
  static let need = WordClasses(rawValue: 1 << 20)
  static let to = WordClasses(rawValue: 1 << 21)
  /// "try to avoid", "want to avoid".
  static let wanting = WordClasses(rawValue: 1 << 22)
  static let comma = WordClasses(rawValue: 1 << 23)
  static let semicolon = WordClasses(rawValue: 1 << 24)
  static let colon = WordClasses(rawValue: 1 << 25)
  /// It speaks of what stands below: "these".
  static let pointing = WordClasses(rawValue: 1 << 26)

  /// Words by class, blanks between.
  private static let words: [(WordClasses, String)] = [
    (
      .undoing,
      "undo undoing revert reverting rollback tighten tightening harden hardening lockdown"
    ),
    (
      [.bad, .judgement],
      "bad wrong insecure dangerous unsafe incorrect anti-pattern antipattern ❌ 🚫 terrible risky"
    ),
    (
      .judgement,
      "avoid avoided never not discouraged mistake overkill unacceptable forbidden prohibited"
    ),
    (
      .judging,
      "is are was would should must can could will may isn't won't shouldn't"
    ),
    (.denying, "isn't won't shouldn't"),
    (
      .negator,
      """
      never don't dont shouldn't mustn't not avoid avoiding refrain without stop against instead \
      rather no
      """
    ),
    (
      .harmless,
      """
      worry hesitate forget panic mind have want see know care be own get matter exist work only \
      enough
      """
    ),
    (
      .doing,
      """
      using running doing setting giving executing typing this it that these things commands such \
      anything any from :
      """
    ),
    (.telling, "does did is are was were has have had will would could can why"),
    (.continuing, "e.g such like or nor ever under please especially even"),
    (.avoiding, "avoid avoiding without stop against refrain"),
    (.never, "never"), (.not, "not"), (.no, "no"), (.instead, "instead"), (.rather, "rather"),
    (.but, "but"), (.then, "then"), (.of, "of"), (.than, "than"), (.need, "need"), (.to, "to"),
    (.wanting, "try want"), (.comma, ","), (.semicolon, ";"), (.colon, ":"),
    (.pointing, "this these following below"),
  ]

  /// The classes of each word that has some, and the words' places among them.
  private static let known: (classes: [WordClasses], table: WordTable) = {
    var places: [String: UInt8] = [:]
    var classes: [WordClasses] = []
    for (meaning, text) in words {
      for word in text.split(separator: " ").map(String.init) {
        if let place = places[word] {
          classes[Int(place)].formUnion(meaning)
        } else {
          places[word] = UInt8(classes.count)
          classes.append(meaning)
        }
      }
    }
    return (classes, WordTable(places.map { ($0.key, $0.value) }))
  }()

  /// The classes of a word in lower case.
  init(_ word: PackedWord) {
    self = Self.known.table.value(word).map { Self.known.classes[Int($0)] } ?? []
  }

  init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// The words of the last sentence; commas, semicolons and colons are words too.
func lastSentence(_ text: ArraySlice<UInt8>) -> [WordClasses] {
  var words: [WordClasses] = []
  words.reserveCapacity(text.count / 4)
  var word: [UInt8] = []
  func close() {
    while let last = word.last, last == UInt8(ascii: ".") || last == UInt8(ascii: "-") {
      word.removeLast()
    }
    guard !word.isEmpty else { return }
    var packed = PackedWord()
    for byte in word { packed.append(byte &- 0x41 < 26 ? byte | 0x20 : byte) }
    words.append(WordClasses(packed))
    word.removeAll(keepingCapacity: true)
  }
  var sentenceEnd: Int?
  for byte in text {
    switch byte {
    case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"):
      close()
      words.append(WordClasses(PackedWord(CollectionOfOne(byte))))
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
