internal import ByteText

/// One column of a table, or one field of CSV.
struct Column: Sendable {
  var title: String
  /// Gives way first when the line is wider than the terminal.
  var flexible = false
  /// The least width in a table whose rows come one by one.
  var width = 0
  /// The text for a record at a moment.
  var text: @Sendable (JSON, Timestamp) -> String

  init(
    _ title: String, flexible: Bool = false, width: Int = 0,
    _ text: @escaping @Sendable (JSON, Timestamp) -> String
  ) {
    self.title = title
    self.flexible = flexible
    self.width = width
    self.text = text
  }

  /// A column that shows a member of the record; `path` names it, dots lead into objects.
  init(_ title: String, _ path: String, flexible: Bool = false, width: Int = 0) {
    let names = path.split(separator: ".").map(String.init)
    self.init(title, flexible: flexible, width: width) { record, _ in
      plain(names.reduce(record) { $0[$1] })
    }
  }
}

/// What a kind of record looks like in each format.
struct Layout: Sendable {
  /// What the records are called: `grants`.
  var plural: String
  var table: [Column]
  var wide: [Column]
  var csv: [Column]
}

/// A JSON value as text in a cell: strings as they are, arrays with blanks between, null empty.
func plain(_ value: JSON) -> String {
  switch value {
  case .null: ""
  case .string(let text): text
  case .array(let elements): elements.map(plain).joined(separator: " ")
  default: String(decoding: value.encoded, as: UTF8.self)
  }
}
