import ByteText

/// Words that go on with the sentence where an account's or a group's name might stand.
private let sentenceWords: Set<String> = [
  "a", "adds", "after", "an", "and", "are", "as", "at", "before", "but", "by", "can", "command",
  "does", "for", "from", "group", "has", "if", "in", "instead", "into", "is", "it", "may", "must",
  "of", "on", "or", "should", "so", "that", "the", "then", "this", "to", "user", "usermod", "was",
  "what", "when", "which", "will", "with", "would", "you", "your",
]

/// How a command ends that stands in a sentence.
struct CutGrammar {
  var options: CommandOptions
  /// Operands before those that are paths: a mode, an owner.
  var fixed = 0
  /// Names that follow; nil for paths, as many as there are.
  var names: Int? = 1
}

extension FoundCommand {
  var cutGrammar: CutGrammar? {
    switch program {
    case .chmod: CutGrammar(options: chmodOptions, fixed: 1, names: nil)
    case .chown, .chgrp: CutGrammar(options: ownerOptions, fixed: 1, names: nil)
    case .setfacl: CutGrammar(options: aclOptions, fixed: 0, names: nil)
    case .setcap: CutGrammar(options: CommandOptions("n"), fixed: 1, names: nil)
    case .usermod: CutGrammar(options: usermodOptions)
    case .useradd: CutGrammar(options: useraddOptions)
    case .gpasswd: CutGrammar(options: gpasswdOptions)
    case .groupmod: CutGrammar(options: groupmodOptions)
    case .groupadd: CutGrammar(options: groupaddOptions)
    case .adduser, .addgroup: CutGrammar(options: adduserOptions, names: 2)
    case .groupmems: CutGrammar(options: groupmemsOptions, names: 0)
    case .passwd: CutGrammar(options: passwdOptions)
    case .chage: CutGrammar(options: chageOptions)
    case .chsh: CutGrammar(options: chshOptions)
    case .sshCopyID: CutGrammar(options: CommandOptions("iFpot"))
    default: nil
    }
  }

  /// The command without the words of the sentence behind it; nil when no command is left.
  func cutFromSentence(isWholeLine: Bool) -> FoundCommand? {
    guard let grammar = cutGrammar else { return nil }
    let isMode = program == .chmod
    let parsed = grammar.options.parse(arguments, isOperand: { isMode && isDashedMode($0) })
    let dashed = isMode && parsed.operands.first?.bytes.first == UInt8(ascii: "-")
    if isMode {
      guard let mode = parsed.operands.first, FileModeEffect(mode: mode.bytes) != nil,
        !dashed || parsed.operands.count > 1
      else { return nil }
    }
    if program == .chown || program == .chgrp {
      guard let owner = parsed.operands.first, owner.isOwnerlike else { return nil }
    }
    if program == .setcap, parsed.operands.first?.text.contains("cap_") != true { return nil }
    if program == .setfacl, !parsed.has("m"), !parsed.has("set") { return nil }
    let wanted = grammar.names ?? .max
    let isPaths = grammar.names == nil
    var kept = grammar.fixed
    var cut = self
    for (operand, place) in zip(parsed.operands, parsed.places).dropFirst(kept) {
      guard kept < wanted else { break }
      let word = operand.withoutPunctuation
      let isLast = isWholeLine && kept == 1 && parsed.operands.count == 2
      guard isPaths ? word.isPathlike || isLast : word.isNamelike else { break }
      kept += 1
      cut.arguments = Array(arguments[..<place]) + [word]
      cut.source = source.lowerBound..<word.end
      if word.bytes.count < operand.bytes.count { break }
    }
    if wanted == 0 {
      guard parsed.operands.isEmpty || parsed.places[0] >= 4 else { return nil }
      cut.arguments = Array(arguments.prefix(parsed.places.first ?? arguments.count))
      guard let last = cut.arguments.popLast() else { return nil }
      cut.arguments.append(last.withoutPunctuation)
      cut.source = source.lowerBound..<last.withoutPunctuation.end
      return cut
    }
    return kept > grammar.fixed ? cut : nil
  }
}

extension ShellWord {
  fileprivate var withoutPunctuation: ShellWord {
    var word = self
    while word.bytes.count > 1, let last = word.bytes.last, ".,;:!?)]}*_\"'".utf8.contains(last) {
      if last == UInt8(ascii: "*"), word.bytes.dropLast().last == UInt8(ascii: "/") { break }
      if last == UInt8(ascii: "}"), word.bytes.contains(UInt8(ascii: "{")) { break }
      word.bytes.removeLast()
      word.end -= 1
    }
    return word
  }

  fileprivate var isPathlike: Bool {
    guard let first = bytes.first else { return false }
    if "/~$<".utf8.contains(first) || first == UInt8(ascii: "."), bytes.count > 0 {
      return bytes != [UInt8(ascii: "/")] || exact
    }
    return bytes.contains(UInt8(ascii: "/")) && text != "and/or" && !text.hasPrefix("read/")
  }

  /// `bob`, `bob:staff`, `:staff`, `$USER:`.
  fileprivate var isOwnerlike: Bool {
    guard let first = bytes.first, bytes.count <= 64 else { return false }
    if first == UInt8(ascii: "$") || first == UInt8(ascii: "<") { return true }
    return bytes.allSatisfy { isNameByte($0) || "-.$:".utf8.contains($0) }
      && !sentenceWords.contains(text.lowercased())
  }

  fileprivate var isNamelike: Bool {
    guard let first = bytes.first, bytes.count <= 64 else { return false }
    if first == UInt8(ascii: "$") || first == UInt8(ascii: "<") { return true }
    return (isLetter(first) || first == UInt8(ascii: "_"))
      && bytes.allSatisfy { isNameByte($0) || "-.$@".utf8.contains($0) }
      && !sentenceWords.contains(text.lowercased())
  }
}
