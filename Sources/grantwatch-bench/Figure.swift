import ByteText

/// One measured number, and the number to reach where there is one.
struct Figure {
  var name: String
  var value: Double
  var unit: String
  /// At the most this much; nil for a number that is only shown.
  var limit: Double?
  /// How many samples it is the median or p99 of; nil for a single measurement.
  var samples: Int?
  /// What one fdatasync on the same disk cost in between, in milliseconds.
  var reference: Double?

  /// Nil without a limit.
  var isReached: Bool? { limit.map { value <= $0 } }

  /// The median and the p99 of some times in milliseconds, beside those of the reference.
  static func pair(
    _ name: String, _ times: [Double], reference: [Double], limit: Double?
  ) -> [Figure] {
    [
      Figure(
        name: name + ", median", value: times.quantile(0.5), unit: "ms", samples: times.count,
        reference: reference.quantile(0.5)),
      Figure(
        name: name + ", p99", value: times.quantile(0.99), unit: "ms", limit: limit,
        samples: times.count, reference: reference.quantile(0.99)),
    ]
  }

  static func table(_ figures: [Figure]) -> String {
    var lines = [row(["FIGURE", "VALUE", "LIMIT", "SAMPLES", "REFERENCE", "RATIO"])]
    for figure in figures {
      let reference = figure.reference.map { text($0) + " ms" } ?? ""
      let ratio = figure.reference.map { $0 > 0 ? text(figure.value / $0) : "" } ?? ""
      lines.append(
        row([
          figure.name, "\(text(figure.value)) \(figure.unit)",
          figure.limit.map { "≤ \(text($0))" } ?? "", figure.samples.map(String.init) ?? "",
          reference, ratio + (figure.isReached == false ? " MISSED" : ""),
        ]))
    }
    return lines.joined(separator: "\n")
  }

  private static func row(_ cells: [String]) -> String {
    let widths = [52, 12, 8, 9, 11, 0]
    var line = zip(cells, widths).map { $0.padded($1) }.joined()
    while line.last == " " { line.removeLast() }
    return line
  }

  static func json(_ figures: [Figure], _ host: HostLoad) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("figures")
    writer.beginArray()
    for figure in figures {
      writer.beginObject()
      writer.member("name", figure.name)
      writer.member("value", figure.value)
      writer.member("unit", figure.unit)
      writer.member("limit", figure.limit)
      writer.key("reached")
      if let reached = figure.isReached { writer.value(reached) } else { writer.null() }
      writer.key("samples")
      if let samples = figure.samples { writer.value(Int64(samples)) } else { writer.null() }
      writer.member("referenceMilliseconds", figure.reference)
      writer.endObject()
    }
    writer.endArray()
    writer.key("host")
    writer.beginObject()
    writer.member("processors", host.processors)
    writer.member("busyPercent", host.busy)
    writer.member("newProcessesPerSecond", host.forksPerSecond)
    writer.key("load")
    writer.beginArray()
    for load in host.loads { writer.value(load, digits: 2) }
    writer.endArray()
    writer.endObject()
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Three digits behind the point below ten, else one.
  static func text(_ value: Double) -> String {
    var writer = JSONWriter()
    writer.value(value, digits: value < 10 ? 3 : 1)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

extension JSONWriter {
  fileprivate mutating func member(_ name: String, _ number: Double?) {
    key(name)
    if let number { value(number, digits: 4) } else { null() }
  }
}

extension String {
  /// With blanks behind it, at least `width` characters and one blank.
  fileprivate func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}

extension [Double] {
  /// The value below which `share` of all lie (nearest rank); 0 for none.
  func quantile(_ share: Double) -> Double {
    guard !isEmpty else { return 0 }
    let rank = Int((share * Double(count)).rounded(.up))
    return sorted()[Swift.max(0, Swift.min(count, rank) - 1)]
  }
}
