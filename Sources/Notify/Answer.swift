package import ByteText

/// How one try went.
package enum Answer: Equatable, Sendable {
  case delivered
  /// Worth another try.
  case failed(reason: String, retryAfter: TimeSpan?)
  /// Never will be delivered.
  case refused(reason: String)

  /// What the status of a reply means. 2xx: delivered. 400, 410, 413, 415, 422: the endpoint does
  /// not want this very message, and the next ones must not wait for it. Everything else, redirects
  /// too, may be put right within a day.
  package init(status: Int, retryAfter: TimeSpan?) {
    switch status {
    case 200..<300: self = .delivered
    case 400, 410, 413, 415, 422:
      self = .refused(reason: "the endpoint refuses the message: status \(status)")
    case 300..<400:
      self = .failed(reason: "status \(status): redirects are not followed", retryAfter: nil)
    default: self = .failed(reason: "status \(status)", retryAfter: retryAfter)
    }
  }

  /// Reads what curl left behind.
  init(_ result: CurlResult, now: Timestamp) {
    let line = String(decoding: result.output, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false
    ).first.map { $0.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false) }
    let status = line?.first.flatMap { Int($0) } ?? 0
    if status >= 200 {
      let header = line.map { $0.count > 1 ? $0[1] : "" }.map {
        String(decoding: $0.utf8.drop(while: isBlank).prefix { $0 != 0x0d }, as: UTF8.self)
      }
      self.init(
        status: status, retryAfter: header.flatMap { Backoff.retryAfter($0, now: now) })
      return
    }
    let words = escaped(result.errors.split(separator: 0x0a).first ?? [])
    self = .failed(reason: words.isEmpty ? "curl: \(result.ending)" : words, retryAfter: nil)
  }
}
