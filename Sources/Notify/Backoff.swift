package import ByteText

/// When a delivery that failed is tried again.
package enum Backoff {
  /// Deliveries are given up this long after the first try.
  package static let patience = TimeSpan(seconds: 24 * 3600)

  /// The longest wait that an endpoint may ask for.
  package static let longestRetryAfter = TimeSpan(seconds: 3600)

  /// The wait after the `failures`th failure in a row, counted from 1: 1 s, doubling to 5 min,
  /// ±20 % by `fraction` (0 up to 1). What the endpoint asks for counts where it is longer, up to
  /// an hour.
  package static func wait(
    afterFailure failures: Int, fraction: Double, retryAfter: TimeSpan? = nil
  ) -> TimeSpan {
    let doublings = min(max(1, failures), 10) - 1
    let seconds = min(300, Double(1 << doublings))
    let spread = 0.8 + 0.4 * min(max(fraction, 0), 1)
    let own = TimeSpan(microseconds: Int64(seconds * spread * 1_000_000))
    guard let retryAfter else { return own }
    return max(own, min(retryAfter, longestRetryAfter))
  }

  /// Reads the header Retry-After (RFC 9110, section 10.2.3): seconds, or a date in the fixed form
  /// `Sun, 06 Nov 1994 08:49:37 GMT`. Nil for anything else; zero for what is past.
  package static func retryAfter(_ text: String, now: Timestamp) -> TimeSpan? {
    if let seconds = decimal(text.utf8) { return TimeSpan(seconds: min(seconds, 1_000_000)) }
    let words = text.split(separator: " ")
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    guard words.count == 6, words[5] == "GMT",
      let month = months.firstIndex(where: { $0 == words[2] }),
      let then = Timestamp(
        rfc3339: "\(words[3])-\(month < 9 ? "0" : "")\(month + 1)-\(words[1])T\(words[4])Z")
    else { return nil }
    return max(.zero, then - now)
  }
}
