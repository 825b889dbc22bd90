package import ByteText

/// A moment on both clocks: the wall's, and the one that never steps and counts suspend.
package struct Moment: Equatable, Sendable {
  /// CLOCK_REALTIME.
  package var wall: Timestamp
  /// CLOCK_BOOTTIME in microseconds.
  package var up: Int64
  /// The boot that `up` counts from: /proc/sys/kernel/random/boot_id without dashes.
  package var boot: String

  package init(wall: Timestamp, up: Int64, boot: String) {
    self.wall = wall
    self.up = up
    self.boot = boot
  }
}

/// When something falls due, so kept that nobody gains time by a reboot or by setting the clock.
package struct Deadline: Equatable, Sendable {
  /// On the wall's clock, as foreseen when the deadline was set.
  package var wall: Timestamp
  /// On CLOCK_BOOTTIME of boot `boot`, in microseconds.
  package var up: Int64
  package var boot: String

  package init(wall: Timestamp, up: Int64, boot: String) {
    self.wall = wall
    self.up = up
    self.boot = boot
  }

  /// The deadline `span` after `now`.
  package init(_ span: TimeSpan, after now: Moment) {
    wall = now.wall + span
    let (sum, over) = now.up.addingReportingOverflow(span.microseconds)
    up = over ? .max : sum
    boot = now.boot
  }

  /// Time left at `now`, which must lie in the deadline's boot; negative when overdue.
  package func left(at now: Moment) -> TimeSpan { TimeSpan(microseconds: up - now.up) }

  /// The same deadline for the boot of `now`. After a reboot the time left is the smaller of what
  /// the wall's clock says and what was left at `mark`, the last moment on record.
  package func carried(to now: Moment, mark: Moment?) -> Deadline {
    if boot == now.boot { return self }
    var left = wall - now.wall
    if let mark, mark.boot == boot { left = min(left, self.left(at: mark)) }
    return Deadline(left, after: now)
  }
}
