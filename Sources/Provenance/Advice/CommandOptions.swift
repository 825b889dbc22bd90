/// The options of one program, in the manner of getopt_long(3).
struct CommandOptions: Sendable {
  private let valued: LetterSet
  private let long: [String: String]
  private let valuedLong: Set<String>

  /// - Parameters:
  ///   - valued: the letters of the short options that take a value.
  ///   - long: long options that matter, by name; the value is the letter or name they stand for.
  ///   - valuedLong: long options that take a value, beside those that stand for a valued letter.
  init(_ valued: String, long: [String: String] = [:], valuedLong: Set<String> = []) {
    self.valued = LetterSet(valued)
    self.long = long
    self.valuedLong = valuedLong
  }

  /// A set of ASCII letters.
  private struct LetterSet {
    var bits: (UInt64, UInt64) = (0, 0)

    init(_ letters: String) {
      for letter in letters.utf8 {
        if letter < 64 { bits.0 |= 1 << letter } else { bits.1 |= 1 << (letter & 63) }
      }
    }

    func contains(_ letter: UInt8) -> Bool {
      guard letter < 128 else { return false }
      return (letter < 64 ? bits.0 : bits.1) >> (letter & 63) & 1 != 0
    }
  }

  struct Parsed {
    var options: [(name: String, value: ShellWord?)] = []
    var operands: [ShellWord] = []
    /// Places of the operands among the words that were read.
    var places: [Int] = []

    func has(_ name: String) -> Bool { options.contains { $0.name == name } }
    func last(_ name: String) -> ShellWord? { options.last { $0.name == name }?.value }
  }

  /// Reads `words`; with `permutes` false the first operand ends the options.
  ///
  /// `isOperand` may claim words that begin with a dash.
  func parse(
    _ words: [ShellWord], permutes: Bool = true, isOperand: ([UInt8]) -> Bool = { _ in false }
  ) -> Parsed {
    var parsed = Parsed()
    var at = 0
    var ended = false
    while at < words.count {
      let word = words[at]
      let bytes = word.bytes
      if ended || bytes.count < 2 || bytes[0] != UInt8(ascii: "-") || isOperand(bytes) {
        parsed.operands.append(word)
        parsed.places.append(at)
        if !permutes { ended = true }
        at += 1
        continue
      }
      at += 1
      if bytes[1] == UInt8(ascii: "-") {
        if bytes.count == 2 {
          ended = true
        } else {
          readLong(word, words, &at, into: &parsed)
        }
        continue
      }
      var letter = 1
      while letter < bytes.count, letter <= 32 {
        let name = String(UnicodeScalar(bytes[letter]))
        if valued.contains(bytes[letter]) {
          let rest = Array(bytes[(letter + 1)...])
          if !rest.isEmpty {
            parsed.options.append((name, ShellWord(bytes: rest, exact: word.exact)))
          } else if at < words.count {
            parsed.options.append((name, words[at]))
            at += 1
          }
          break
        }
        parsed.options.append((name, nil))
        letter += 1
      }
    }
    return parsed
  }

  private func readLong(
    _ word: ShellWord, _ words: [ShellWord], _ at: inout Int, into parsed: inout Parsed
  ) {
    let body = word.bytes[2...]
    let equals = body.firstIndex(of: UInt8(ascii: "="))
    let written = String(decoding: body[..<(equals ?? body.endIndex)].prefix(64), as: UTF8.self)
    var full = written
    if long[written] == nil, !valuedLong.contains(written) {
      let candidates = (Array(long.keys) + Array(valuedLong)).filter { $0.hasPrefix(written) }
      if Set(candidates).count == 1, let only = candidates.first { full = only }
    }
    let name = long[full] ?? full
    let takesValue =
      valuedLong.contains(full) || name.utf8.count == 1 && name.utf8.allSatisfy(valued.contains)
    if let equals {
      let value = ShellWord(bytes: Array(body[(equals + 1)...]), exact: word.exact)
      parsed.options.append((name, value))
    } else if takesValue, at < words.count {
      parsed.options.append((name, words[at]))
      at += 1
    } else {
      parsed.options.append((name, nil))
    }
  }
}
