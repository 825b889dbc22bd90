internal import ByteText
internal import Grants

/// A recogniser that an admin wrote: one file of recognizers.d, see grantwatch-recognizers(5).
package struct AdminRecognizer: Sendable {
  /// One `[Line]`: a pattern and what a line that it fits tells.
  struct Line: Sendable {
    var pattern: LinePattern
    var type: SignalType
    var kind: GrantKind?
    var subject: LineTemplate?
    var object: LineTemplate?
    var right: LineTemplate?
    var actor: LineTemplate?
    var command: LineTemplate?
  }

  package var name: String
  var identifiers: [String] = []
  var uids: [UInt32] = []
  /// Globs.
  var executables: [String] = []
  var units: [String] = []
  var transports: [String] = []
  var lines: [Line] = []

  /// What the first line whose pattern fits tells; a spoof when the sender is another.
  func recognize(_ fields: JournalFields) -> Recognition? {
    guard let message = fields.message else { return nil }
    for line in lines {
      guard let parts = line.pattern.parts(of: message) else { continue }
      func text(_ template: LineTemplate?) -> String? { template?.text(parts) }
      var recognition = Recognition(
        line.type, kind: line.kind, subject: text(line.subject), object: text(line.object),
        right: text(line.right))
      recognition.actorUser = text(line.actor)
      recognition.command = text(line.command)
      recognition.trusted = parts.values.allSatisfy { $0 != nil }
      if !isSender(fields) {
        recognition.type = .spoof
        recognition.trusted = false
      }
      return recognition
    }
    return nil
  }

  /// True when everything that is known of the sender is as the file wants it.
  private func isSender(_ fields: JournalFields) -> Bool {
    func fits(_ patterns: [String], _ value: [UInt8]?) -> Bool {
      guard !patterns.isEmpty else { return true }
      guard let value else { return false }
      return patterns.contains { glob(Array($0.utf8), matches: value) }
    }
    return (uids.isEmpty || fields.uid.map(uids.contains) == true)
      && fits(executables, fields.exe) && fits(units, fields.unit)
      && fits(transports, fields.transport)
  }
}

/// Text with parts of a line in it: `user:{user}`.
struct LineTemplate: Sendable {
  private enum Piece: Sendable {
    case text(String)
    case part(String)
  }
  private var pieces: [Piece] = []

  /// The parts that it takes must be the pattern's.
  init(_ text: String, parts: [String]) throws(BadPattern) {
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      guard let close = rest[open...].firstIndex(of: "}") else {
        throw BadPattern(reason: "'{' is not closed")
      }
      let name = String(rest[rest.index(after: open)..<close])
      guard parts.contains(name) else {
        let near = nearest(to: name, among: parts)
        throw BadPattern(
          reason: "the pattern has no part '{\(name)}'"
            + (near.map { "; did you mean '{\($0)}'?" } ?? ""))
      }
      pieces.append(.text(String(rest[..<open])))
      pieces.append(.part(name))
      rest = rest[rest.index(after: close)...]
    }
    pieces.append(.text(String(rest)))
  }

  /// Escaped; nil where a part can be read in more than one way.
  func text(_ parts: [String: ArraySlice<UInt8>?]) -> String? {
    var text = ""
    for piece in pieces {
      switch piece {
      case .text(let literal): text += literal
      case .part(let name):
        guard let value = parts[name] ?? nil else { return nil }
        text += escaped(value.prefix(1024))
      }
    }
    return text
  }
}
