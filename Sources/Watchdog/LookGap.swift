package import ByteText

/// Since when nobody looked at a kind, as a look has to know it.
package struct LookGap {
  /// For the look under way, or the next.
  package private(set) var since: Timestamp?
  /// As far as it became known while the look under way went on: that one may have come too early.
  private var meanwhile: Timestamp?

  package init() {}

  package mutating func note(_ time: Timestamp, isLooking: Bool) {
    since = min(since ?? time, time)
    if isLooking { meanwhile = min(meanwhile ?? time, time) }
  }

  /// A look succeeded and is judged; what it may have missed counts for the next one.
  package mutating func take() -> Timestamp? {
    defer {
      since = meanwhile
      meanwhile = nil
    }
    return since
  }

  /// A look brought nothing: all is left to the next.
  package mutating func lookFailed() { meanwhile = nil }
}
