import ByteText

/// A shell pattern that is compared with every program that starts: what cannot match is seen by its
/// ends.
struct AgentPattern: Sendable {
  /// As the file has it.
  let text: String
  private let bytes: [UInt8]
  /// What stands before the first and behind the last byte with a meaning of its own.
  private let head: [UInt8]
  private let tail: [UInt8]
  private let isLiteral: Bool

  init(_ text: String) {
    self.text = text
    let bytes = Array(text.utf8)
    self.bytes = bytes
    let special = Array("*?[]\\".utf8)
    head = Array(bytes.prefix { !special.contains($0) })
    tail = bytes.lastIndex(where: special.contains).map { Array(bytes[($0 + 1)...]) } ?? []
    isLiteral = head.count == bytes.count
  }

  func matches(_ word: ArraySlice<UInt8>) -> Bool {
    if isLiteral { return word.elementsEqual(bytes) }
    return word.starts(with: head) && word.count >= tail.count
      && word.suffix(tail.count).elementsEqual(tail) && glob(bytes, matches: word)
  }
}

/// What an agent's own process is compared with.
struct AgentPatterns: Sendable {
  let executables: [AgentPattern]
  let arguments: [AgentPattern]
  let commands: [AgentPattern]

  init(_ signature: AgentSignature) {
    executables = signature.executables.map(AgentPattern.init)
    arguments = signature.arguments.map(AgentPattern.init)
    commands = signature.commands.map(AgentPattern.init)
  }
}
