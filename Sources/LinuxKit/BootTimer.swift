internal import CLinux
package import Dispatch
internal import Glibc

/// A timer on CLOCK_BOOTTIME, which counts suspend and never steps; see timerfd_create(2).
///
/// Used on the queue it was made for.
package final class BootTimer {
  private let timer: Int32
  private let source: any DispatchSourceRead

  /// Calls `fire` on `queue` at each moment that `set` names.
  package init(
    queue: DispatchQueue, _ fire: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    let timer = clinux_timerfd_create(CLOCK_BOOTTIME, O_CLOEXEC | O_NONBLOCK)
    guard timer >= 0 else { throw SystemError.last("create timer") }
    self.timer = timer
    source = Self.source(timer, queue, fire)
  }

  deinit { source.cancel() }

  /// Fires once when CLOCK_BOOTTIME reaches `up` microseconds, at once when that has passed.
  /// Replaces what was set before.
  package func set(up: Int64) {
    let up = max(1, up)
    arm(timespec(tv_sec: Int(up / 1_000_000), tv_nsec: Int(up % 1_000_000) * 1000))
  }

  /// Takes back what was set.
  package func cancel() { arm(timespec()) }

  private func arm(_ time: timespec) {
    var setting = itimerspec(it_interval: timespec(), it_value: time)
    timerfd_settime(timer, Int32(TFD_TIMER_ABSTIME), &setting, nil)
  }

  private static func source(
    _ timer: Int32, _ queue: DispatchQueue, _ fire: @escaping @Sendable () -> Void
  ) -> any DispatchSourceRead {
    let source = DispatchSource.makeReadSource(fileDescriptor: timer, queue: queue)
    source.setEventHandler { @Sendable in
      var count: UInt64 = 0
      if read(timer, &count, 8) == 8 { fire() }
    }
    source.setCancelHandler { @Sendable in close(timer) }
    source.activate()
    return source
  }
}
