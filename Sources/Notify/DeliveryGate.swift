import Dispatch
import Synchronization

/// Lets deliveries through until it is closed, so that the process ends between two of them and
/// not in the middle of one.
package final class DeliveryGate: Sendable {
  private let inside = DispatchGroup()
  private let closed = Atomic(false)

  package init() {}

  var isClosed: Bool { closed.load(ordering: .sequentiallyConsistent) }

  /// Runs `work` unless the gate is closed; false when it was.
  func pass(_ work: () -> Void) -> Bool {
    inside.enter()
    defer { inside.leave() }
    if isClosed { return false }
    work()
    return true
  }

  /// Lets nobody in any more and waits for those inside, at most `seconds`; true when all are out.
  package func close(waiting seconds: Int) -> Bool {
    closed.store(true, ordering: .sequentiallyConsistent)
    return inside.wait(timeout: .now() + .seconds(seconds)) == .success
  }
}
