/// A moment of the wall clock (CLOCK_REALTIME), in microseconds since 1970-01-01 UTC.
package struct Timestamp: Comparable, Hashable, Sendable {
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }

  package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

  package static func + (left: Self, right: TimeSpan) -> Self {
    let (sum, over) = left.microseconds.addingReportingOverflow(right.microseconds)
    return Self(microseconds: over ? .max : sum)
  }

  package static func - (left: Self, right: TimeSpan) -> Self {
    let (rest, over) = left.microseconds.subtractingReportingOverflow(right.microseconds)
    return Self(microseconds: over ? .min : rest)
  }

  package static func - (left: Self, right: Self) -> TimeSpan {
    let (rest, over) = left.microseconds.subtractingReportingOverflow(right.microseconds)
    return TimeSpan(microseconds: over ? (left > right ? .max : .min) : rest)
  }

  /// RFC 3339 in UTC with milliseconds: `2026-11-22T10:00:00.000Z`.
  package var rfc3339: String {
    var text: [UInt8] = []
    text.reserveCapacity(24)
    // The years 0 to 9999 are all that the format can write.
    let shown = min(max(microseconds, -62_167_219_200_000_000), 253_402_300_799_999_999)
    let day = floorDivide(shown, 86_400_000_000)
    let inDay = (shown - day * 86_400_000_000) / 1000
    let (year, month, dayOfMonth) = civil(fromDays: day)
    func put(_ value: Int64, _ width: Int) {
      var divisor: Int64 = 1
      for _ in 1..<width { divisor *= 10 }
      while divisor > 0 {
        text.append(0x30 + UInt8(value / divisor % 10))
        divisor /= 10
      }
    }
    put(year, 4)
    text.append(UInt8(ascii: "-"))
    put(month, 2)
    text.append(UInt8(ascii: "-"))
    put(dayOfMonth, 2)
    text.append(UInt8(ascii: "T"))
    put(inDay / 3_600_000, 2)
    text.append(UInt8(ascii: ":"))
    put(inDay / 60_000 % 60, 2)
    text.append(UInt8(ascii: ":"))
    put(inDay / 1000 % 60, 2)
    text.append(UInt8(ascii: "."))
    put(inDay % 1000, 3)
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads RFC 3339 with `Z` or a numeric offset; nil when the text is anything else.
  package init?(rfc3339 text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 40 else { return nil }
    func number(_ range: Range<Int>) -> Int64? { decimal(bytes[range]) }
    guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] | 0x20 == UInt8(ascii: "t") || bytes[10] == 0x20, bytes[13] == UInt8(ascii: ":"),
      bytes[16] == UInt8(ascii: ":"), let year = number(0..<4), let month = number(5..<7),
      let day = number(8..<10), let hour = number(11..<13), let minute = number(14..<16),
      let second = number(17..<19), (1...12).contains(month), (1...31).contains(day), hour < 24,
      minute < 60, second <= 60
    else { return nil }
    var at = 19
    var micros: Int64 = 0
    if bytes[at] == UInt8(ascii: ".") {
      at += 1
      let start = at
      var scale: Int64 = 100_000
      while at < bytes.count, isDigit(bytes[at]) {
        micros += Int64(bytes[at] - 0x30) * scale
        scale /= 10
        at += 1
      }
      guard at > start else { return nil }
    }
    guard at < bytes.count else { return nil }
    var offset: Int64 = 0
    if bytes[at] | 0x20 == UInt8(ascii: "z") {
      guard at + 1 == bytes.count else { return nil }
    } else {
      guard at + 6 == bytes.count, bytes[at + 3] == UInt8(ascii: ":"),
        bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-"),
        let hours = number(at + 1..<at + 3), let minutes = number(at + 4..<at + 6), hours < 24,
        minutes < 60
      else { return nil }
      offset = (hours * 60 + minutes) * (bytes[at] == UInt8(ascii: "-") ? -60 : 60)
    }
    let days = daysFromCivil(year, month, day)
    guard civil(fromDays: days) == (year, month, day) else { return nil }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
    self.init(microseconds: seconds * 1_000_000 + micros)
  }
}

private func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
  value >= 0 ? value / by : -((by - 1 - value) / by)
}

/// Year, month and day of a day number since 1970-01-01 (proleptic Gregorian calendar).
private func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
  let shifted = days + 719_468
  let era = floorDivide(shifted, 146_097)
  let dayOfEra = shifted - era * 146_097
  let yearOfEra =
    (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

private func daysFromCivil(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
  let shiftedYear = month <= 2 ? year - 1 : year
  let era = floorDivide(shiftedYear, 400)
  let yearOfEra = shiftedYear - era * 400
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}
