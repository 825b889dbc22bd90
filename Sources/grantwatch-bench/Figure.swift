import ByteText

/// One measured number, and the number to reach where there is one.
struct Figure {
  var name: String
  var value: Double
  var unit: String
  /// At the most this much; nil for a number that is only shown.
  var limit: Double?
  /// The value as a multiple of one fdatasync on the same disk, where that is its reference.
  var syncs: Double?

  var isReached: Bool? { limit.map { value <= $0 } }

  static func table(_ figures: [Figure]) -> String {
    var lines = ["FIGURE".padded(46) + "VALUE".padded(14) + "LIMIT".padded(12) + "×FDATASYNC"]
    for figure in figures {
      let limit = figure.limit.map { "≤ \(text($0))" } ?? ""
      let mark = figure.isReached == false ? "  MISSED" : ""
      lines.append(
        figure.name.padded(46) + "\(text(figure.value)) \(figure.unit)".padded(14)
          + limit.padded(12) + (figure.syncs.map(text) ?? "") + mark)
    }
    return lines.joined(separator: "\n")
  }

  static func json(_ figures: [Figure]) -> String {
    var writer = JSONWriter()
    writer.beginArray()
    for figure in figures {
      writer.beginObject()
      writer.member("name", figure.name)
      writer.member("value", seconds: figure.value)
      writer.member("unit", figure.unit)
      writer.member("limit", seconds: figure.limit)
      writer.member("syncs", seconds: figure.syncs)
      writer.key("reached")
      if let reached = figure.isReached { writer.value(reached) } else { writer.null() }
      writer.endObject()
    }
    writer.endArray()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func text(_ value: Double) -> String {
    var writer = JSONWriter()
    writer.value(value, digits: value < 10 ? 3 : 1)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

extension String {
  /// With blanks behind it, at least `width` characters.
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}

extension [Double] {
  /// The value below which `share` of all lie (nearest rank); 0 for none.
  func quantile(_ share: Double) -> Double {
    guard !isEmpty else { return 0 }
    let sorted = self.sorted()
    return sorted[Swift.min(count - 1, Int((share * Double(count)).rounded(.up)) - 1)]
  }
}
