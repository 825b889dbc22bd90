internal import CLinux
internal import Glibc

/// Tells the service manager how we are; see sd_notify(3). Without one it does nothing.
package enum ServiceNotify {
  /// Start-up is over; `status` is shown by systemctl(1).
  package static func ready(status: String) { send("READY=1\nSTATUS=\(oneLine(status))") }

  package static func status(_ status: String) { send("STATUS=\(oneLine(status))") }

  package static func stopping() { send("STOPPING=1") }

  /// A sign of life, due at least every `watchdogInterval`.
  package static func alive() { send("WATCHDOG=1") }

  /// How often the manager wants a sign of life, in microseconds: half of its limit, nil if never.
  package static var watchdogInterval: Int64? {
    var microseconds: UInt64 = 0
    guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
    return Int64(clamping: microseconds / 2)
  }

  private static func send(_ state: String) { _ = sd_notify(0, state) }

  private static func oneLine(_ text: String) -> String {
    String(decoding: text.utf8.map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self)
  }
}
