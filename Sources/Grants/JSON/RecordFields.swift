package import ByteText

/// The members of a record, asked for in the order in which they were written: each is then found
/// at the first look. A member elsewhere is found too, a missing one reads as null.
struct RecordFields {
  /// The longest text that a record may carry, in bytes.
  static let longestText = 1 << 20

  private let members: [JSONMember]
  private var next = 0

  init(_ record: JSON) { members = record.members }

  subscript(_ name: String) -> JSON {
    mutating get {
      var at = next
      for _ in members.indices {
        if at >= members.count { at = 0 }
        if members[at].name == name {
          next = at + 1
          return members[at].value
        }
        at += 1
      }
      return .null
    }
  }

  mutating func text(_ name: String) -> String? {
    guard let text = self[name].text, text.utf8.count <= Self.longestText else { return nil }
    return text
  }

  mutating func texts(_ name: String) -> [String] { self[name].elements.compactMap(\.text) }

  mutating func flag(_ name: String) -> Bool? { self[name].bool }

  mutating func number<Number: FixedWidthInteger>(
    _ name: String, as type: Number.Type
  ) -> Number? {
    self[name].integer.flatMap(Number.init(exactly:))
  }

  /// Microseconds since 1970; nil beyond the years that RFC 3339 can write.
  mutating func time(_ name: String) -> Timestamp? { Timestamp(record: self[name]) }

  /// Microseconds since a boot: never negative, less than 36,000 years.
  mutating func up(_ name: String) -> Int64? {
    guard let up = self[name].integer, 0 <= up, up <= 1 << 60 else { return nil }
    return up
  }

  mutating func word<Word: RawRepresentable<String>>(
    _ name: String, as type: Word.Type
  ) -> Word? {
    self[name].text.flatMap(Word.init(rawValue:))
  }
}

extension Timestamp {
  /// The years 0 to 9999, which RFC 3339 can write.
  init?(record: JSON) {
    guard let microseconds = record.integer,
      (-62_167_219_200_000_000..<253_402_300_800_000_000).contains(microseconds)
    else { return nil }
    self.init(microseconds: microseconds)
  }
}

extension JSONWriter {
  /// Writes the member only when there is a value: a missing member reads as null.
  /// Writes the member only when there is a value.
  package mutating func present(_ name: String, _ value: String?) {
    if let value { member(name, value) }
  }

  /// Writes the member only when there is a value.
  package mutating func present(_ name: String, _ value: (some BinaryInteger)?) {
    if let value { member(name, Int64(clamping: value)) }
  }

  /// Writes the member only when it is true.
  package mutating func marked(_ name: String, _ flag: Bool) {
    if flag { member(name, true) }
  }

  /// Writes the member only when there are values.
  package mutating func present(_ name: String, _ values: [String]) {
    if !values.isEmpty { member(name, values) }
  }
}
