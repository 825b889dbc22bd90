/// A length of time in microseconds; written as systemd.time(7) writes it.
package struct TimeSpan: Comparable, Hashable, Sendable {
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }
  package init(seconds: Int64) { microseconds = seconds * 1_000_000 }

  package static let zero = TimeSpan(microseconds: 0)

  package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

  /// The length in seconds, with its fraction.
  package var seconds: Double { Double(microseconds) / 1_000_000 }

  private static let units: [(names: [String], microseconds: Int64)] = [
    (["us", "µs", "usec"], 1),
    (["ms", "msec"], 1000),
    (["s", "sec", "second", "seconds"], 1_000_000),
    (["m", "min", "minute", "minutes"], 60_000_000),
    (["h", "hr", "hour", "hours"], 3_600_000_000),
    (["d", "day", "days"], 86_400_000_000),
    (["w", "week", "weeks"], 604_800_000_000),
    (["M", "month", "months"], 2_629_800_000_000),
    (["y", "year", "years"], 31_557_600_000_000),
  ]

  /// Reads a span such as `15min`, `1h 30m`, `2.5s` or `90` (seconds); see systemd.time(7).
  ///
  /// Nil for anything else: empty text, an unknown unit, a sign, more than 292,000 years.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    var at = 0
    var total: Int64 = 0
    var parts = 0
    func skip() { while at < bytes.count, isBlank(bytes[at]) { at += 1 } }
    skip()
    while at < bytes.count {
      let start = at
      while at < bytes.count, isDigit(bytes[at]) { at += 1 }
      let whole = bytes[start..<at]
      var fraction: ArraySlice<UInt8> = []
      if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
        at += 1
        let begin = at
        while at < bytes.count, isDigit(bytes[at]) { at += 1 }
        fraction = bytes[begin..<at]
        guard !fraction.isEmpty else { return nil }
      }
      guard let number = decimal(whole) else { return nil }
      skip()
      let unitStart = at
      while at < bytes.count, !isDigit(bytes[at]), !isBlank(bytes[at]), bytes[at] != 0x2e {
        at += 1
      }
      let unitName = String(decoding: bytes[unitStart..<at], as: UTF8.self)
      let unit: Int64
      if unitName.isEmpty {
        unit = 1_000_000
      } else {
        guard let known = Self.units.first(where: { $0.names.contains(unitName) }) else {
          return nil
        }
        unit = known.microseconds
      }
      let (value, over) = number.multipliedReportingOverflow(by: unit)
      guard !over else { return nil }
      var part: Int64 = 0
      var scale = unit
      for digit in fraction {
        scale /= 10
        part += Int64(digit - 0x30) * scale
      }
      let (sum, over2) = total.addingReportingOverflow(value)
      let (all, over3) = sum.addingReportingOverflow(part)
      guard !over2, !over3 else { return nil }
      total = all
      parts += 1
      skip()
    }
    guard parts > 0 else { return nil }
    microseconds = total
  }

  /// The span for people, its two largest units at the most: `1h 30min`, `15min`, `2.5s`, `0s`.
  package var text: String {
    if microseconds < 0 { return "-" + TimeSpan(microseconds: -max(microseconds, -.max)).text }
    if microseconds < 60_000_000 {
      let tenths = microseconds / 100_000
      return tenths % 10 == 0 || tenths >= 100
        ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s"
    }
    let scales: [(String, Int64)] = [
      ("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000),
    ]
    for (index, (name, unit)) in scales.enumerated() where microseconds >= unit {
      let head = "\(microseconds / unit)\(name)"
      guard index + 1 < scales.count else { return head }
      let rest = microseconds % unit / scales[index + 1].1
      return rest == 0 ? head : "\(head) \(rest)\(scales[index + 1].0)"
    }
    return "0s"
  }
}
