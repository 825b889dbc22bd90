/// A JSON value as read from outside: RFC 8259, with members in the order of the text.
package enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that fits in 64 bits.
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([JSONMember])

  /// The value of member `name`; null for a missing member and for anything but an object.
  package subscript(_ name: String) -> JSON {
    guard case .object(let members) = self else { return .null }
    for member in members where member.name == name { return member.value }
    return .null
  }

  /// The text of a string, nil for anything else.
  package var text: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The value of an integer, nil for anything else.
  package var integer: Int64? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The value of any number.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The value of `true` or `false`, nil for anything else.
  package var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The elements of an array; empty for anything else.
  package var elements: [JSON] {
    if case .array(let values) = self { values } else { [] }
  }

  /// The members of an object; empty for anything else.
  package var members: [JSONMember] {
    if case .object(let members) = self { members } else { [] }
  }

  package var isNull: Bool { self == .null }
}

/// One `"name": value` of a JSON object.
package struct JSONMember: Equatable, Sendable {
  package var name: String
  package var value: JSON

  package init(_ name: String, _ value: JSON) {
    self.name = name
    self.value = value
  }
}

/// Why a text is not JSON, and where.
package struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Offset in bytes from the start of the text.
  package var offset: Int
  package var reason: String

  package init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }

  package var description: String { "byte \(offset): \(reason)" }
}
