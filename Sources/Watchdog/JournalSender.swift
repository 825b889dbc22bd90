import Dispatch
import Synchronization

/// Hands entries to journald from a queue of its own: where journald stands still, the engine does
/// not. What does not fit is dropped; the ledger has it.
final class JournalSender: Sendable {
  static let limit = 1024

  private let queue = DispatchQueue(label: "grantwatch.journal-sender")
  private let waiting = Mutex(0)

  func submit(_ send: @escaping @Sendable () -> Void) {
    let fits = waiting.withLock { count in
      guard count < Self.limit else { return false }
      count += 1
      return true
    }
    guard fits else { return }
    queue.async { [self] in
      send()
      waiting.withLock { $0 -= 1 }
    }
  }

  /// Waits until what was submitted is sent.
  func flush() { queue.sync {} }
}
