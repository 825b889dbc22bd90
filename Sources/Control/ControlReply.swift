package import ByteText

/// A reply as it came, so that its parts can be passed on without being written anew.
package struct ControlReply: Sendable {
  /// The message without the zero byte behind it.
  package let bytes: [UInt8]
  /// More replies follow.
  package let continues: Bool
  private let members: ArraySlice<UInt8>

  /// Takes a message apart; an error that it carries is thrown.
  init(_ message: [UInt8]) throws(ControlClientError) {
    guard let parts = JSONPieces(objectIn: message[...]) else {
      throw .malformed("the reply is not a JSON object")
    }
    if let error = parts["error"] {
      let name = (try? JSON.parse(error))?.text ?? "error without a name"
      let parameters = parts["parameters"] ?? []
      if let known = ControlError(
        name: name, parameters: (try? JSON.parse(parameters)) ?? .null)
      {
        throw .refused(known)
      }
      throw .foreign(name: name, parameters: String(decoding: parameters, as: UTF8.self))
    }
    bytes = message
    continues = parts["continues"].map { Array($0) == Array("true".utf8) } ?? false
    members = parts["parameters"] ?? Array("{}".utf8)[...]
  }

  /// The value of "parameters".
  package func parameters() throws(ControlClientError) -> JSON {
    do throws(JSONError) {
      return try JSON.parse(members)
    } catch {
      throw .malformed("the reply is not JSON: \(error)")
    }
  }

  /// The text of one member of "parameters", as it came.
  package func member(_ name: String) throws(ControlClientError) -> ArraySlice<UInt8> {
    guard let value = JSONPieces(objectIn: members)?[name] else {
      throw .malformed("the reply has no \(name)")
    }
    return value
  }

  /// The texts of the elements of an array in "parameters", as they came.
  package func elements(of name: String) throws(ControlClientError) -> [ArraySlice<UInt8>] {
    guard let elements = JSONPieces.elements(ofArrayIn: try member(name)) else {
      throw .malformed("the reply's \(name) is not an array")
    }
    return elements
  }
}

/// The members of a JSON object as slices of its text. The text is cut, not checked: what is no
/// JSON gives nil or pieces that are none, never a trap.
struct JSONPieces {
  private var members: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []

  /// The text of the value of member `name`, which must need no escape; nil when there is none.
  subscript(_ name: String) -> ArraySlice<UInt8>? {
    members.first { $0.name.elementsEqual(name.utf8) }?.value
  }

  init?(objectIn text: ArraySlice<UInt8>) {
    guard
      let pieces = Self.pieces(of: text, from: UInt8(ascii: "{"), to: UInt8(ascii: "}"))
    else { return nil }
    for piece in pieces {
      guard piece.first == UInt8(ascii: "\""), let end = Self.endOfString(piece),
        let colon = piece[end...].firstIndex(where: { !isBlank($0) }),
        piece[colon] == UInt8(ascii: ":")
      else { return nil }
      let name = piece[(piece.startIndex + 1)..<(end - 1)]
      members.append((name, Self.trimmed(piece[(colon + 1)...])))
    }
  }

  static func elements(ofArrayIn text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    pieces(of: text, from: UInt8(ascii: "["), to: UInt8(ascii: "]"))
  }

  /// What stands between the commas of the outermost level.
  private static func pieces(
    of text: ArraySlice<UInt8>, from opening: UInt8, to closing: UInt8
  ) -> [ArraySlice<UInt8>]? {
    let text = trimmed(text)
    guard text.count >= 2, text.first == opening, text.last == closing else { return nil }
    let inner = trimmed(text.dropFirst().dropLast())
    if inner.isEmpty { return [] }
    var pieces: [ArraySlice<UInt8>] = []
    var start = inner.startIndex
    var at = start
    var depth = 0
    while at < inner.endIndex {
      switch inner[at] {
      case UInt8(ascii: "\""):
        guard let end = endOfString(inner[at...]) else { return nil }
        at = end
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth < 0 { return nil }
      case UInt8(ascii: ",") where depth == 0:
        pieces.append(trimmed(inner[start..<at]))
        start = at + 1
      default: break
      }
      at += 1
    }
    guard depth == 0 else { return nil }
    pieces.append(trimmed(inner[start...]))
    return pieces
  }

  /// The place behind the closing quote of the string that starts `text`.
  private static func endOfString(_ text: ArraySlice<UInt8>) -> Int? {
    var at = text.startIndex + 1
    while at < text.endIndex {
      if text[at] == UInt8(ascii: "\"") { return at + 1 }
      at += text[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return nil
  }

  private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = text.firstIndex(where: { !isBlank($0) }),
      let last = text.lastIndex(where: { !isBlank($0) })
    else { return text[text.endIndex...] }
    return text[first...last]
  }
}
