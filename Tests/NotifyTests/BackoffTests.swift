import ByteText
import Notify
import Testing

@Suite struct BackoffTests {
  @Test("1 s, doubling to 5 min")
  func doubling() {
    let waits = (1...12).map { Backoff.wait(afterFailure: $0, fraction: 0.5).seconds }
    #expect(waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
    #expect(Backoff.wait(afterFailure: .max, fraction: 0.5) == TimeSpan(seconds: 300))
    #expect(Backoff.wait(afterFailure: .min, fraction: 0.5) == TimeSpan(seconds: 1))
  }

  @Test("±20 %")
  func spread() {
    #expect(Backoff.wait(afterFailure: 1, fraction: 0) == TimeSpan(microseconds: 800_000))
    #expect(Backoff.wait(afterFailure: 10, fraction: 1) == TimeSpan(seconds: 360))
  }

  @Test("A longer Retry-After counts, up to an hour")
  func retryAfter() {
    func wait(_ seconds: Int64) -> Double {
      Backoff.wait(afterFailure: 3, fraction: 0.5, retryAfter: TimeSpan(seconds: seconds)).seconds
    }
    #expect(wait(0) == 4)
    #expect(wait(30) == 30)
    #expect(wait(1_000_000) == 3600)
  }

  @Test(
    "Retry-After as seconds or as a date",
    arguments: [
      ("0", 0), ("120", 120), ("99999999999", 1_000_000), ("Sun, 06 Nov 1994 08:49:37 GMT", 37),
      ("Sun, 06 Nov 1994 08:48:37 GMT", 0), ("", nil), ("-1", nil), ("soon", nil),
      ("Sun, 99 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 CET", nil),
    ] as [(String, Int64?)])
  func header(text: String, seconds: Int64?) throws {
    let now = try #require(Timestamp(rfc3339: "1994-11-06T08:49:00Z"))
    #expect(Backoff.retryAfter(text, now: now) == seconds.map { TimeSpan(seconds: $0) })
  }

  @Test("What a status means")
  func statuses() {
    #expect(Answer(status: 204, retryAfter: nil) == .delivered)
    for status in [301, 401, 403, 404, 408, 429, 500, 503] {
      guard case .failed = Answer(status: status, retryAfter: nil) else {
        Issue.record("\(status)")
        continue
      }
    }
    for status in [400, 410, 413, 415, 422] {
      guard case .refused = Answer(status: status, retryAfter: nil) else {
        Issue.record("\(status)")
        continue
      }
    }
  }
}
