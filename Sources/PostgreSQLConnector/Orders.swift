import ByteText
import Control
import Dispatch
import LinuxKit
import Synchronization

/// What the daemon asks for, from the thread that hears it to the one that does it.
final class Orders: Sendable {
  enum Order: Sendable {
    case report
    case revoke(JSON)
  }

  private let waiting = Mutex<[Order]>([])
  private let signal = DispatchSemaphore(value: 0)

  func add(_ order: Order) {
    waiting.withLock { $0.append(order) }
    signal.signal()
  }

  /// Those that wait, at once when there are some, else after a while; none when nobody asked.
  func take(within span: TimeSpan) -> [Order] {
    _ = signal.wait(timeout: .now() + .microseconds(Int(span.microseconds)))
    let orders = waiting.withLock { orders in
      defer { orders = [] }
      return orders
    }
    // One signal was taken for all of them.
    for _ in orders.dropFirst() where signal.wait(timeout: .now()) == .success {}
    return orders
  }

  /// Hears revocations for ever, over a connection of its own.
  func listen(to socket: String, as name: String) {
    while true {
      do throws(ControlClientError) {
        try ControlClient(path: socket).stream(
          "Connector.TakeRevocations", .object([JSONMember("connector", .string(name))])
        ) { reply in
          for revocation in reply["revocations"].elements { add(.revoke(revocation)) }
          if reply["report"].bool == true { add(.report) }
          return true
        }
      } catch {
        // Whoever reports says what is wrong.
      }
      SystemClock.pause(milliseconds: 2000)
    }
  }
}
