internal import ByteText

/// A `Defaults` line that lets people in without their password: `!authenticate`, or a group named
/// by `exempt_group`. All texts are escaped.
package struct SudoLoosening: Hashable, Sendable {
  var subject: String
  /// `:`, `@`, `!` or `>` and what it binds to; empty for all.
  var binding: String
  /// `!authenticate`, `exempt_group=ops`.
  var option: String

  static let words = ["authenticate", "exempt_group"]

  var line: String { "Defaults\(binding) \(option)" }

  /// How the right is told: what it is bound to stands there as far as it is no user.
  var right: String {
    if binding.isEmpty || binding.hasPrefix(":") { return "NOPASSWD (Defaults)" }
    return "NOPASSWD (Defaults\(binding))"
  }

  /// What a `Defaults` line gives, from its text and what cvtsudoers says of it alone.
  static func read(
    _ text: ArraySlice<UInt8>, _ document: JSON, _ reader: SudoRuleReader
  ) -> [SudoLoosening] {
    var found: [SudoLoosening] = []
    // cvtsudoers does not tell the four bindings apart.
    let mark = text.drop { $0 == 0x20 || $0 == 0x09 }.dropFirst("Defaults".utf8.count).first
    for defaults in document["Defaults"].elements {
      for option in defaults["Options"].elements {
        let bound = defaults["Binding"]
        if option["authenticate"].bool == false {
          found += without(bound, mark, reader)
        } else if let name = option["exempt_group"].text {
          let group = CvtsudoersJSON.bytes(of: name)
          found.append(
            SudoLoosening(
              subject: "group:" + escaped(group), binding: "",
              option: "exempt_group=" + SudoersMemberReader.word(group)))
        }
      }
    }
    return found
  }

  private static func without(
    _ bound: JSON, _ mark: UInt8?, _ reader: SudoRuleReader
  ) -> [SudoLoosening] {
    let option = "!authenticate"
    guard !bound.isNull, let mark, ":@!>".utf8.contains(mark) else {
      return [SudoLoosening(subject: "everyone", binding: "", option: option)]
    }
    guard let list = reader.list(bound) else { return [] }
    let sign = escaped([mark])
    guard mark == UInt8(ascii: ":") else {
      let all = list.map(\.written).joined(separator: ", ")
      return [SudoLoosening(subject: "everyone", binding: sign + all, option: option)]
    }
    return reader.given(list).map { subject, users in
      SudoLoosening(
        subject: subject, binding: sign + users.joined(separator: ", "), option: option)
    }
  }

  /// The line without every option that loosens, as it stood otherwise; nil when no other is left.
  package static func rest(of line: ArraySlice<UInt8>) -> [UInt8]? {
    let head = line.prefix { $0 == 0x20 || $0 == 0x09 }.count + "Defaults".utf8.count
    let bindingEnd = endOfBinding(line, line.startIndex + head)
    let options = pieces(line[bindingEnd...])
    let kept = options.filter { !loosens($0) }
    guard kept.count < options.count, !kept.isEmpty else { return nil }
    let joined = kept.map { Array($0) }.joined(separator: Array(", ".utf8))
    return Array(line[..<bindingEnd]) + [0x20] + joined + [0x0a]
  }

  /// The binding is a list without blanks but behind its commas.
  private static func endOfBinding(_ line: ArraySlice<UInt8>, _ start: Int) -> Int {
    var at = start
    var isOpen = true
    var quoted = false
    while at < line.endIndex {
      let byte = line[at]
      if byte == UInt8(ascii: "\"") { quoted.toggle() }
      if byte == UInt8(ascii: "\\") {
        at += 2
        isOpen = false
        continue
      }
      if isBlank(byte), !quoted {
        let next = line[at...].first { !isBlank($0) }
        if !isOpen, next != UInt8(ascii: ",") { return at }
        if at == start { return at }
      } else {
        isOpen = byte == UInt8(ascii: ",") || (at == start && ":@!>".utf8.contains(byte))
      }
      at += 1
    }
    return min(at, line.endIndex)
  }

  /// The options between the commas, comments and blanks around them left out.
  private static func pieces(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = text.startIndex
    var at = start
    var quoted = false
    func take(_ end: Int) {
      var piece = text[start..<end].drop(while: isBlank)
      while let last = piece.last, isBlank(last) { piece.removeLast() }
      if !piece.isEmpty { pieces.append(piece) }
    }
    scan: while at < text.endIndex {
      switch text[at] {
      case UInt8(ascii: "\\"): at += 1
      case UInt8(ascii: "\""): quoted.toggle()
      case UInt8(ascii: ",") where !quoted:
        take(at)
        start = at + 1
      case UInt8(ascii: "#") where !quoted: break scan
      default: break
      }
      at += 1
    }
    take(min(at, text.endIndex))
    return pieces
  }

  private static func loosens(_ piece: ArraySlice<UInt8>) -> Bool {
    let plain = piece.filter { !isBlank($0) && $0 != UInt8(ascii: "\\") }
    return plain.elementsEqual("!authenticate".utf8) || plain.starts(with: "exempt_group".utf8)
  }
}
