import ByteText

/// What stands before a line of text: the paragraph that it goes on with, or the lines that lead to
/// a block of code.
struct TextContext {
  /// As much of it as a stance is taken from.
  private static let length = 240
  private var bytes: [UInt8] = []
  private var isParagraph = false
  private var isLead = false

  /// The end of the running paragraph, in which a sentence may have begun.
  var paragraph: [UInt8] { isParagraph ? Array(bytes.suffix(Self.length)) : [] }

  mutating func add(_ line: ArraySlice<UInt8>) {
    if !isParagraph { bytes.removeAll(keepingCapacity: true) }
    bytes.append(0x20)
    bytes.append(contentsOf: line.suffix(Self.length))
    if bytes.count > 16 * Self.length { bytes.removeFirst(bytes.count - Self.length) }
    isParagraph = true
    isLead = true
  }

  mutating func endParagraph() { isParagraph = false }
  mutating func endLead() { isLead = false }

  mutating func clear() {
    isParagraph = false
    isLead = false
  }

  /// The stance of the lines above a block, where they speak of the block.
  func leadStance() -> Stance {
    let lead: ArraySlice<UInt8> = isLead ? bytes.suffix(Self.length) : []
    guard lead.last == UInt8(ascii: ":") || pointsBelow(lead) else { return .open }
    return Stance(before: lead, after: [], isLabel: true)
  }

  private func pointsBelow(_ text: ArraySlice<UInt8>) -> Bool {
    var word = PackedWord()
    for byte in text {
      if isLetter(byte) || byte >= 0x80 {
        word.append(byte < 0x80 ? byte | 0x20 : byte)
      } else if word.count > 0 {
        if WordClasses(word).contains(.pointing) { return true }
        word = PackedWord()
      }
    }
    return word.count > 0 && WordClasses(word).contains(.pointing)
  }
}
