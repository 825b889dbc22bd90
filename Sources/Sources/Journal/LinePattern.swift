internal import ByteText

/// Why a pattern is none.
package struct BadPattern: Error, Equatable, Sendable {
  package var reason: String
}

/// A line with named parts: `user {user} added to pool {pool}`. It fits a line from its first to its
/// last byte; `{{` and `}}` stand for braces.
package struct LinePattern: Sendable, Equatable {
  /// Parts of one pattern at the most.
  package static let mostParts = 16
  /// Bytes of a line that is compared.
  package static let longestLine = 16_384

  /// One more than `names`; only the first and the last may be empty.
  private let literals: [[UInt8]]
  package let names: [String]

  package init(_ text: String) throws(BadPattern) {
    var literals: [[UInt8]] = [[]]
    var names: [String] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "{"), rest.first != byte {
        guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else {
          throw BadPattern(reason: "'{' is not closed; write '{{' for a brace")
        }
        let name = rest[..<end]
        rest = rest[(end + 1)...]
        guard !name.isEmpty, name.count <= 32, name.allSatisfy(isAlphanumeric) else {
          throw BadPattern(reason: "a part's name wants letters and digits: '{\(escaped(name))}'")
        }
        if !names.isEmpty, literals[names.count].isEmpty {
          throw BadPattern(reason: "two parts stand side by side: text between them is missing")
        }
        names.append(String(decoding: name, as: UTF8.self))
        literals.append([])
      } else {
        if byte == UInt8(ascii: "}"), rest.first != byte {
          throw BadPattern(reason: "'}' without '{'; write '}}' for a brace")
        }
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") { rest.removeFirst() }
        literals[names.count].append(byte)
      }
    }
    guard names.count <= Self.mostParts else {
      throw BadPattern(reason: "more than \(Self.mostParts) parts")
    }
    guard Set(names).count == names.count else { throw BadPattern(reason: "a part comes twice") }
    guard literals.contains(where: { !$0.isEmpty }) else {
      throw BadPattern(reason: "it has no text of its own: it would fit every line")
    }
    self.literals = literals
    self.names = names
  }

  /// The parts of a line that the pattern fits, none of them empty; nil for a part that can be read
  /// in more than one way. Nil where the pattern does not fit.
  package func parts(of line: [UInt8]) -> [String: ArraySlice<UInt8>?]? {
    guard line.count <= Self.longestLine, let first = literals.first, let last = literals.last,
      line.starts(with: first)
    else { return nil }
    guard !names.isEmpty else { return line == first ? [:] : nil }
    guard line.count >= first.count + last.count, line.suffix(last.count).elementsEqual(last)
    else { return nil }
    let body = first.count..<(line.count - last.count)
    guard let early = earliest(line, body), let late = latest(line, body) else { return nil }
    var found: [String: ArraySlice<UInt8>?] = [:]
    for (index, name) in names.enumerated() {
      found[name] = .some(early[index] == late[index] ? line[early[index]] : nil)
    }
    return found
  }

  /// The reading in which every part is as short as can be, from the left.
  private func earliest(_ line: [UInt8], _ body: Range<Int>) -> [Range<Int>]? {
    var parts: [Range<Int>] = []
    var at = body.lowerBound
    for literal in literals.dropFirst().dropLast() {
      guard at < body.upperBound else { return nil }
      var place = at + 1
      while place + literal.count <= body.upperBound,
        !line[place..<(place + literal.count)].elementsEqual(literal)
      {
        place += 1
      }
      guard place + literal.count <= body.upperBound else { return nil }
      parts.append(at..<place)
      at = place + literal.count
    }
    guard at < body.upperBound else { return nil }
    return parts + [at..<body.upperBound]
  }

  /// The same from the right.
  private func latest(_ line: [UInt8], _ body: Range<Int>) -> [Range<Int>]? {
    var parts: [Range<Int>] = []
    var end = body.upperBound
    for literal in literals.dropFirst().dropLast().reversed() {
      var place = end - 1 - literal.count
      while place > body.lowerBound,
        !line[place..<(place + literal.count)].elementsEqual(literal)
      {
        place -= 1
      }
      guard place > body.lowerBound else { return nil }
      parts.append((place + literal.count)..<end)
      end = place
    }
    guard body.lowerBound < end else { return nil }
    return (parts + [body.lowerBound..<end]).reversed()
  }
}
