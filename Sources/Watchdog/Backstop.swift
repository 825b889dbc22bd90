import Dispatch
import LinuxKit

extension Engine {
  /// How long what is overdue may take, in microseconds.
  private static let backstopPatience: Int64 = 120_000_000

  /// Carries out what is due now, waits until it is done, and stops. Called from outside the queue,
  /// after `start`.
  package func carryOutOverdue() {
    let end = SystemClock.up() + Self.backstopPatience
    let waiting = DispatchSemaphore(value: 0)
    repeat {
      let isLate = queue.sync { timerFired() }
      if !isLate, queue.sync(execute: { isIdle }) { break }
      _ = waiting.wait(timeout: .now() + .milliseconds(20))
    } while SystemClock.up() < end
    queue.sync { stop() }
  }

  /// Nothing is being taken back, looked at or searched for, but for what the minute holds back.
  private var isIdle: Bool {
    running.isEmpty && searching.isEmpty && restoring.isEmpty
      && entryWatches.allSatisfy { !$0.isLooking && !$0.wantsLook }
      && (revocations.count == 0 || problems.has(.revokesHeldBack))
  }
}
