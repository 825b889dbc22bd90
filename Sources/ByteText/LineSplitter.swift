/// Cuts text that comes in pieces into lines, and knows where each stands.
package struct LineSplitter {
  private let longest: Int
  private var rest: [UInt8] = []
  /// The line that is being read is longer than may be; it is passed over to its end.
  private var isPassing = false
  /// Where the next byte to be taken stands in the file.
  private var position: Int64
  /// Lines that were too long and passed over.
  package private(set) var passed = 0

  /// Lines longer than `longest` bytes are passed over. The first byte stands at `start`.
  package init(longest: Int, from start: Int64 = 0) {
    self.longest = longest
    position = start
  }

  /// Where the line that is not whole yet begins: everything before it was told.
  package var lineStart: Int64 { position - Int64(isPassing ? 0 : rest.count) }

  /// Takes the next piece; each whole line goes to `body` without its newline, with where the one
  /// behind it begins.
  package mutating func take(
    _ piece: ArraySlice<UInt8>, _ body: (_ line: ArraySlice<UInt8>, _ next: Int64) -> Void
  ) {
    var piece = piece
    while !piece.isEmpty {
      let end = piece.firstIndex(of: 0x0a)
      let text = piece[..<(end ?? piece.endIndex)]
      position += Int64(text.count) + (end == nil ? 0 : 1)
      piece = piece[(end.map { $0 + 1 } ?? piece.endIndex)...]
      if !isPassing, rest.count + text.count > longest {
        isPassing = true
        rest = []
        passed += 1
      }
      if !isPassing, end == nil || !rest.isEmpty { rest += text }
      guard end != nil else { return }
      if isPassing {
        isPassing = false
      } else if rest.isEmpty {
        body(text, position)
      } else {
        body(rest[...], position)
        rest.removeAll(keepingCapacity: true)
      }
    }
  }
}
