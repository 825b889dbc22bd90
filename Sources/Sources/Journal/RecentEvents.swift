internal import ByteText

/// When each of the last events was told first. Bounded: of some 2,000 the oldest are forgotten.
///
/// A table of its own, for it is asked for almost every line, and is always full: a Dictionary must
/// look each event up twice, once to note it and once, later, to forget it.
struct RecentEvents {
  struct Event: Equatable {
    var boot: [UInt8]
    /// Nil for events of the host.
    var pid: Int32?
    var name: String
  }

  /// Events of one hash share the places of one set; the next takes the place of its oldest.
  private static let sets = 256
  private static let places = 8

  private var hashes = [Int](repeating: 0, count: sets * places)
  private var events = [Event?](repeating: nil, count: sets * places)
  private var times = [Timestamp](
    repeating: Timestamp(microseconds: 0), count: sets * places)
  private var oldest = [Int](repeating: 0, count: sets)

  /// False for an event that was told within `span` before or after `time`. The first time counts,
  /// however often the event is told of again.
  mutating func isNew(_ event: Event, at time: Timestamp, within span: TimeSpan) -> Bool {
    // Boots are few: to hash them tells nothing.
    var hasher = Hasher()
    hasher.combine(event.pid)
    hasher.combine(event.name)
    let hash = hasher.finalize()
    let set = hash & (Self.sets - 1)
    let first = set * Self.places
    for place in first..<first + Self.places
    where hashes[place] == hash && events[place] == event {
      if times[place] <= time + span, time <= times[place] + span { return false }
      times[place] = time
      return true
    }
    let place = first + oldest[set]
    oldest[set] = (oldest[set] + 1) % Self.places
    hashes[place] = hash
    events[place] = event
    times[place] = time
    return true
  }
}
