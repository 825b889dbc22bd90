internal import ByteText
internal import CLinux
internal import Glibc

/// The kernel's clocks; the only place that asks what time it is.
package enum SystemClock {
  /// CLOCK_REALTIME in microseconds since 1970.
  package static func wall() -> Int64 { read(CLOCK_REALTIME) }

  /// CLOCK_BOOTTIME in microseconds: never steps, counts suspend.
  package static func up() -> Int64 { read(CLOCK_BOOTTIME) }

  /// Waits; for looking again, never for order.
  package static func pause(milliseconds: Int64) {
    var time = timespec(
      tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
    var rest = timespec()
    while nanosleep(&time, &rest) != 0, errno == EINTR { time = rest }
  }

  /// A moment that is written in this host's own time zone, in microseconds since 1970, as mktime(3)
  /// reads it; nil for one that it cannot tell.
  package static func local(
    year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int
  ) -> Int64? {
    var parts = tm()
    parts.tm_year = Int32(clamping: year - 1900)
    parts.tm_mon = Int32(clamping: month - 1)
    parts.tm_mday = Int32(clamping: day)
    parts.tm_hour = Int32(clamping: hour)
    parts.tm_min = Int32(clamping: minute)
    parts.tm_sec = Int32(clamping: second)
    parts.tm_isdst = -1
    let seconds = mktime(&parts)
    guard seconds != -1 else { return nil }
    let (micros, over) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000)
    return over ? nil : micros
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  /// This boot's id: 32 hexadecimal digits; see sd_id128_get_boot(3).
  package static func bootID() -> String {
    var id = sd_id128_t()
    guard sd_id128_get_boot(&id) == 0 else { return String(repeating: "0", count: 32) }
    return withUnsafeBytes(of: id) { hexadecimal($0) }
  }
}
