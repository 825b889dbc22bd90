internal import ByteText
internal import LinuxKit

/// The formats of `-o`.
enum Format: String, CaseIterable {
  case table, wide, json, jsonl, csv

  var isTable: Bool { self == .table || self == .wide }
}

/// Prints records as they come in one of the formats. JSON is passed on as it came, and none of it
/// is kept; a table looks at its first 256 rows to find the widths of its columns.
struct RecordPrinter {
  private let layout: Layout
  private let columns: [Column]
  private let format: Format
  private let output: Output
  private let terminal: Int?
  private let rowsBeforeWidths: Int
  private let now = Timestamp(microseconds: SystemClock.wall())
  private var rows: [[String]] = []
  private var widths: [Int]?
  private(set) var count = 0

  /// With `immediate` rows of a table are printed one by one, with the columns' own widths.
  init(
    _ layout: Layout, _ format: Format, _ output: Output, terminal: Int?, immediate: Bool = false
  ) {
    self.layout = layout
    self.format = format
    self.output = output
    self.terminal = terminal
    columns =
      switch format {
      case .wide: layout.wide
      case .csv: layout.csv
      default: layout.table
      }
    rowsBeforeWidths = immediate ? 1 : 256
  }

  mutating func add(_ record: ArraySlice<UInt8>) throws(Failure) {
    switch format {
    case .json:
      try output.write((count == 0 ? "[" : ",\n ").utf8)
      try output.write(record)
    case .jsonl:
      try output.write(record)
      try output.write(CollectionOfOne(0x0a))
    case .csv:
      if count == 0 { try header() }
      let cells = try cells(of: record)
      try output.write((cells.map(csvField).joined(separator: ",") + "\r\n").utf8)
    case .table, .wide:
      rows.append(try cells(of: record).map(printable))
      if widths != nil || rows.count >= rowsBeforeWidths { try printRows() }
    }
    count += 1
  }

  /// Ends the array and prints what was held back.
  mutating func end() throws(Failure) {
    switch format {
    case .json: try output.write((count == 0 ? "[]\n" : "]\n").utf8)
    case .csv: if count == 0 { try header() }
    case .table, .wide: if !rows.isEmpty { try printRows() }
    case .jsonl: break
    }
    try output.flush()
  }

  private func cells(of record: ArraySlice<UInt8>) throws(Failure) -> [String] {
    do throws(JSONError) {
      let json = try JSON.parse(record)
      return columns.map { $0.text(json, now) }
    } catch {
      throw Failure(.failed, "the daemon's answer is not JSON: \(error)")
    }
  }

  private func header() throws(Failure) {
    try output.write((columns.map { csvField($0.title) }.joined(separator: ",") + "\r\n").utf8)
  }

  private mutating func printRows() throws(Failure) {
    let widths = self.widths ?? chosenWidths()
    if self.widths == nil {
      self.widths = widths
      try printRow(columns.map(\.title), widths)
    }
    for row in rows { try printRow(row, widths) }
    rows.removeAll()
  }

  private func chosenWidths() -> [Int] {
    var widths = columns.indices.map { index in
      rows.reduce(max(columns[index].width, columns[index].title.unicodeScalars.count)) {
        max($0, $1[index].unicodeScalars.count)
      }
    }
    guard let terminal else { return widths }
    var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - terminal
    for index in columns.indices where columns[index].flexible && excess > 0 {
      let less = min(excess, max(0, widths[index] - 12))
      widths[index] -= less
      excess -= less
    }
    return widths
  }

  private func printRow(_ row: [String], _ widths: [Int]) throws(Failure) {
    var line = ""
    for (index, cell) in row.enumerated() {
      let fitting = terminal != nil && columns[index].flexible ? cut(cell, to: widths[index]) : cell
      line += index + 1 < row.count ? padded(fitting, to: widths[index]) + "  " : fitting
    }
    while line.last == " " { line.removeLast() }
    try output.line(terminal.map { cut(line, to: $0) } ?? line)
  }
}

/// A field of CSV: in quotes where RFC 4180 wants them.
private func csvField(_ text: String) -> String {
  let special = text.utf8.contains { $0 == 0x2c || $0 == 0x22 || $0 == 0x0a || $0 == 0x0d }
  guard special else { return text }
  var quoted = "\""
  for scalar in text.unicodeScalars {
    if scalar == "\"" { quoted += "\"" }
    quoted.unicodeScalars.append(scalar)
  }
  return quoted + "\""
}
