internal import ByteText
internal import LinuxKit

extension Arguments {
  /// The moment that an option names as RFC 3339: itself RFC 3339, or how long ago it was.
  func moment(_ name: String) throws(Failure) -> JSONMember? {
    guard let text = value(name) else { return nil }
    let time: Timestamp
    if let exact = Timestamp(rfc3339: text) {
      time = exact
    } else if let span = TimeSpan(text) {
      time = Timestamp(microseconds: SystemClock.wall()) - span
    } else {
      throw Failure(
        .usage,
        "--\(name): '\(text)' is neither a time such as 2026-11-22T10:00:00Z nor a span "
          + "such as 30d")
    }
    return JSONMember(name, .string(time.rfc3339))
  }

  /// The length that an option gives, in whole seconds.
  func seconds(_ name: String) throws(Failure) -> JSONMember? {
    guard let text = value(name) else { return nil }
    guard let span = TimeSpan(text), span.microseconds >= 1_000_000 else {
      throw Failure(.usage, "--\(name): '\(text)' is no span of a second or more, such as 8h")
    }
    return JSONMember("seconds", .integer(span.microseconds / 1_000_000))
  }

  /// The value of an option as a member of a call; nil when it was not given.
  func member(_ name: String) -> JSONMember? {
    value(name).map { JSONMember(name, .string($0)) }
  }
}
