package import ByteText

/// A span in which the journal may have lost lines.
package struct JournalGap: Sendable, Equatable {
  package var from: Timestamp?
  package var to: Timestamp?
  package var reason: String

  package init(from: Timestamp?, to: Timestamp?, reason: String) {
    self.from = from
    self.to = to
    self.reason = reason
  }
}

/// How far a `JournalSource` came.
package struct JournalProgress: Sendable, Equatable {
  /// To go on from after a restart; nil before the first entry.
  package var cursor: String?
  /// There is more to read at once.
  package var more: Bool
  package var gap: JournalGap?
  /// A line waits for its continuation: read again in a moment, even if nothing wakes the source.
  package var holds = false

  package init(cursor: String?, more: Bool, gap: JournalGap?, holds: Bool = false) {
    self.cursor = cursor
    self.more = more
    self.gap = gap
    self.holds = holds
  }
}
