internal import ByteText

/// A change of one sudoers file: which lines say what, and the text that says what is wanted instead.
struct SudoersEdit {
  enum Failure: Error, Equatable {
    /// The file gives it in no line.
    case absent
    /// The file holds what the tool refuses or cannot tell; its words.
    case unclear(String)
    /// The line cannot be written anew without harm.
    case impossible(String)
  }

  let text: SudoersText
  private let state: SudoersState
  private let path: [UInt8]
  private let parse: SudoersParse
  private let untold: Int
  /// The lines that the file should hold afterwards, escaped.
  private(set) var wanted: Set<String>
  private(set) var result: [UInt8]
  /// The rules that were written, one a line.
  private var written: [UInt8] = []
  /// How many lines that the tool refuses were taken out.
  private var brokenOut = 0

  init(_ bytes: [UInt8], path: [UInt8], _ state: SudoersState) {
    text = SudoersText(bytes)
    self.state = state
    self.path = path
    parse = SudoersParse(text)
    let gifts = state.gifts(of: text, parse)
    untold = gifts.untold
    wanted = Set(gifts.told.map(\.line))
    result = bytes
  }

  /// Throws where the file holds what the tool refuses.
  func mustBeWhole() throws(Failure) {
    guard let problem = parse.problem else { return }
    throw .unclear("read: \(escaped(path)): \(SudoersCheck.refusal(text.bytes) ?? problem)")
  }

  func holds(_ line: String) -> Bool { wanted.contains(line) }

  /// How often the file gives the entry.
  func copies(of entry: AccessEntry) -> Int {
    state.gifts(of: text, parse).told.count { $0.gives && $0.key(in: path) == entry.key }
  }

  /// Puts the lines in the place of everything that is the entry they belong to; an empty list takes
  /// it out. Gives the entries that were there.
  @discardableResult
  mutating func replace(_ entries: [AccessEntry.Key: [String]]) throws(Failure)
    -> Set<AccessEntry.Key>
  {
    let place = path
    var found: Set<AccessEntry.Key> = []
    try rewrite(where: { entries[$0.key(in: place)] != nil }) { gift in
      let key = gift.key(in: place)
      // Where it stands in several lines, one new line is enough.
      return found.insert(key).inserted ? entries[key] ?? [] : []
    }
    return found
  }

  /// Gives every rule that is `entry` another end.
  mutating func setEnd(_ entry: AccessEntry, to end: String?) throws(Failure) {
    let (key, place) = (entry.key, path)
    var isFirst = true
    try rewrite(where: { $0.key(in: place) == key }) { gift in
      defer { isFirst = false }
      guard isFirst else { return [] }
      guard case .rule(var rule) = gift else { return [gift.line] }
      rule.notAfter = end
      return [rule.line]
    }
  }

  /// Gives every rule that is `entry` and ends later than `end` that end.
  mutating func shorten(_ entry: AccessEntry, to end: String) throws(Failure) {
    let (key, place) = (entry.key, path)
    var written: Set<String> = []
    try rewrite(where: { $0.key(in: place) == key }) { gift in
      guard case .rule(var rule) = gift else { return [gift.line] }
      // Written in one way, so that the texts compare as the moments do.
      if rule.notAfter.map({ $0 > end }) ?? true { rule.notAfter = end }
      return written.insert(rule.line).inserted ? [rule.line] : []
    }
  }

  /// Leaves the entry in one of the lines that give it: the first of those that last longest, as it
  /// is written there.
  mutating func leaveOne(_ entry: AccessEntry) throws(Failure) {
    let isIt = { [path] (gift: SudoGift) in gift.gives && gift.key(in: path) == entry.key }
    let all = state.gifts(of: text, parse).told.filter(isIt)
    guard
      let longest = all.first(where: { $0.notAfter == nil })
        ?? all.max(by: { first, second in
          (first.notAfter ?? "") < (second.notAfter ?? "")
        })
    else { throw .absent }
    var isLeft = false
    try rewrite(
      where: isIt,
      leaving: { gifts in
        guard !isLeft, gifts.contains(longest),
          gifts.filter(isIt).allSatisfy({ $0 == longest })
        else { return false }
        isLeft = true
        return true
      },
      { gift in
        guard !isLeft, gift == longest else { return [] }
        isLeft = true
        return [gift.line]
      })
    wanted.insert(longest.line)
  }

  /// Adds a line at the end of the file.
  mutating func append(_ line: String) throws(Failure) {
    guard let bytes = unescaped(line) else { throw .impossible("write: \(line): not understood") }
    if let last = result.last, last != 0x0a { result.append(0x0a) }
    result += bytes + [0x0a]
    written += bytes + [0x0a]
    wanted.insert(line)
  }

  /// True when the new text gives exactly what was wanted; a line that says why not.
  func check() -> String? {
    let text = SudoersText(result)
    let new = SudoersParse(text)
    let gifts = state.gifts(of: text, new)
    if parse.problem == nil, new.problem != nil {
      return SudoersCheck.refusal(result) ?? "the new text is not understood"
    }
    let isSame =
      Set(gifts.told.map(\.line)) == wanted && gifts.untold == untold
      && new.broken.count == parse.broken.count - brokenOut
      && SudoersAliases(new.documents) == SudoersAliases(parse.documents)
    return isSame ? nil : "the new text would change other rules too"
  }

  /// True when visudo refuses the text before as well, and nothing of what was written: then to wait
  /// for a text that passes would let any broken line shelter the good ones beside it, which sudo
  /// goes on to honour.
  var mayStayRefused: Bool {
    SudoersCheck.isRefused(text.bytes)
      && (written.isEmpty || SudoersCheck.refusal(written) == nil)
  }

  /// True when nothing but blanks is left.
  var isBlankNow: Bool { result.allSatisfy { isBlank($0) } }

  /// Replaces each gift that is meant by the lines that `change` gives for it, but for those of lines
  /// that are left as they are.
  private mutating func rewrite(
    where isMeant: (SudoGift) -> Bool, leaving isLeft: ([SudoGift]) -> Bool = { _ in false },
    _ change: (SudoGift) -> [String]
  ) throws(Failure) {
    func isIt(_ gift: SudoGift) -> Bool { gift.gives && isMeant(gift) }
    guard let found = state.lines(of: text, parse, giving: isIt) else {
      throw .unclear("read: \(escaped(path)): not understood")
    }
    guard !found.isEmpty else {
      guard parse.isCutShort else { throw .absent }
      throw .unclear("read: \(escaped(path)): \(parse.problem ?? "not understood")")
    }
    var replacements: [Int: [UInt8]] = [:]
    var added: Set<String> = []
    for (index, gifts) in found where !isLeft(gifts) {
      let line = text[text.lines[index]]
      var lines: [String] = []
      for gift in gifts {
        guard isIt(gift) else {
          lines.append(gift.line)
          continue
        }
        wanted.remove(gift.line)
        lines += change(gift)
      }
      let left = gifts.filter { !isIt($0) }
      for gift in left where !left.contains(where: \.gives) {
        lines.removeAll { $0 == gift.line }
        wanted.remove(gift.line)
      }
      if !lines.isEmpty, !text.lines[index].isDefaults, Self.mayHideBlank(line) {
        throw .impossible(
          "rewrite: \(escaped(path)): a name with a blank stands among the commands of the line; "
            + "edit it with visudo")
      }
      var bytes: [UInt8] = []
      if text.lines[index].isDefaults { bytes += SudoLoosening.rest(of: line) ?? [] }
      for new in lines {
        guard let plain = unescaped(new) else { throw .impossible("write: \(new): not understood") }
        bytes += plain + [0x0a]
        written += plain + [0x0a]
        added.insert(new)
      }
      if line.last != 0x0a, bytes.last == 0x0a { bytes.removeLast() }
      replacements[index] = bytes
      if parse.broken.contains(index) { brokenOut += 1 }
    }
    wanted.formUnion(added)
    var new: [UInt8] = []
    for (index, line) in text.lines.enumerated() {
      new += replacements[index] ?? Array(text[line])
    }
    result = new
  }

  /// cvtsudoers does not tell an escaped blank in a command's path from one before its arguments.
  private static func mayHideBlank(_ line: ArraySlice<UInt8>) -> Bool {
    guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return false }
    var at = equals
    while at + 1 < line.endIndex {
      if line[at] == UInt8(ascii: "\\") {
        if line[at + 1] == 0x20 || line[at + 1] == 0x09 {
          let rest = line[(at + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
          if rest.first != 0x0a, rest.first != 0x0d { return true }
        }
        at += 1
      }
      at += 1
    }
    return false
  }
}
