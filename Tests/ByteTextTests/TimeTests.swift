import ByteText
import Testing

@Suite struct TimeTests {
  @Test(
    "RFC 3339 is read",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("2026-11-22T10:00:01.120Z", 1_795_341_601_120_000),
      ("2026-11-22t10:00:01.120z", 1_795_341_601_120_000),
      ("2026-11-22 12:00:01.12+02:00", 1_795_341_601_120_000),
      ("2026-11-22T08:30:01.120000-01:30", 1_795_341_601_120_000),
      ("1969-12-31T23:59:59.999999Z", -1), ("2000-02-29T00:00:00Z", 951_782_400_000_000),
      ("2026-11-22T10:00:01.1234567Z", 1_795_341_601_123_456),
    ])
  func good(text: String, microseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
  }

  @Test(
    "Anything else is refused without a trap",
    arguments: [
      "", "2026-11-22", "2026-11-22T10:00:01", "2026-11-22T10:00:01.Z", "2026-13-22T10:00:01Z",
      "2026-00-22T10:00:01Z", "2026-11-00T10:00:01Z", "2026-11-32T10:00:01Z",
      "2026-11-22T24:00:01Z", "2026-11-22T10:60:01Z", "2026-11-22T10:00:61Z",
      "2026-11-22T10:00:01+2:00", "2026-11-22T10:00:01+25:00", "2026-11-22T10:00:01Zx",
      "2026-11-22T10:00:01.12", "-026-11-22T10:00:01Z", "2026/11/22T10:00:01Z",
      "2026-11-22T10:00:01+02:0012345678901234567890", "ééééééééééééééééé",
    ])
  func bad(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

  @Test(
    "Regression: a day that its month does not have is refused",
    arguments: [
      "2026-02-29T00:00:00Z", "2026-02-31T00:00:00Z", "2026-04-31T00:00:00Z",
      "1900-02-29T00:00:00Z",
    ])
  func noSuchDay(text: String) { #expect(Timestamp(rfc3339: text) == nil) }

  @Test("What is written reads back, day by day over the leap rules")
  func roundTrip() {
    for day in stride(from: Int64(-719_528), through: 2_932_896, by: 97) {
      let time = Timestamp(microseconds: day * 86_400_000_000 + 12_345_678_000)
      #expect(Timestamp(rfc3339: time.rfc3339) == time)
    }
  }

  @Test("Regression: times beyond the years that the format can write do not trap")
  func extremes() {
    #expect(Timestamp(microseconds: .min).rfc3339 == "0000-01-01T00:00:00.000Z")
    #expect(Timestamp(microseconds: .max).rfc3339 == "9999-12-31T23:59:59.999Z")
    #expect(Timestamp(microseconds: .max) + TimeSpan(seconds: 1) == Timestamp(microseconds: .max))
    #expect(
      Timestamp(microseconds: .min) - Timestamp(microseconds: .max) == TimeSpan(microseconds: .min))
  }

  @Test(
    "Spans as systemd writes them",
    arguments: [
      ("90", 90_000_000), ("15min", 900_000_000), ("1h 30m", 5_400_000_000),
      ("1h30m", 5_400_000_000), ("2.5s", 2_500_000), ("  5 min ", 300_000_000), ("0", 0),
      ("1us", 1), ("1µs", 1), ("3ms", 3000), ("1d 1w", 691_200_000_000),
      ("1M", 2_629_800_000_000), ("1y", 31_557_600_000_000), ("2 hours 1 second", 7_201_000_000),
      ("0.0000001s", 0),
    ])
  func spans(text: String, microseconds: Int64) {
    #expect(TimeSpan(text)?.microseconds == microseconds)
  }

  @Test(
    "Bad spans are refused without a trap",
    arguments: [
      "", " ", "min", "-1s", "+1s", "1x", "1.s", ".5s", "1..5s", "1,5s", "9223372036854775808",
      "99999999999999y", "9223372036854s 9223372036854s", "15 minz", "1h-30m",
    ])
  func badSpans(text: String) { #expect(TimeSpan(text) == nil) }

  @Test("Regression: a span whose fraction runs over the end does not trap")
  func fractionAtTheEnd() {
    #expect(TimeSpan("9223372036854.9s") == nil)
    #expect(TimeSpan("9223372036854.7s")?.microseconds == 9_223_372_036_854_700_000)
  }

  @Test(
    "Spans for people",
    arguments: [
      (0, "0s"), (1_500_000, "1.5s"), (12_300_000, "12s"), (900_000_000, "15min"),
      (5_400_000_000, "1h 30min"), (90_000_000, "1min 30s"), (93_600_000_000, "1d 2h"),
      (-1_500_000, "-1.5s"),
    ])
  func spanText(microseconds: Int64, text: String) {
    #expect(TimeSpan(microseconds: microseconds).text == text)
    _ = TimeSpan(microseconds: .min).text
    _ = TimeSpan(microseconds: .max).text
  }
}
