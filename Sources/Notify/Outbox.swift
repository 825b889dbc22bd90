package import ByteText
import Control
import Grants

/// Where events come from, and who is told what became of them.
package protocol Outbox: Sendable {
  /// Hands over events for an endpoint, oldest first, as they come; returns or throws when the
  /// other side goes away or `each` returns false.
  func take(endpoint: String, _ each: ([JSON]) -> Bool) throws(OutboxProblem)

  /// An event was delivered, or never will be for the reason given.
  func acknowledge(
    endpoint: String, sequence: Int64, delivered: Bool, reason: String?
  ) throws(OutboxProblem)
}

/// Why the outbox cannot be had: one line.
package struct OutboxProblem: Error, Equatable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) { self.description = description }
}

/// The outbox of the daemon behind a control socket. Every call is a connection of its own.
package struct ControlOutbox: Outbox {
  package var path: String

  package init(path: String) { self.path = path }

  package func take(endpoint: String, _ each: ([JSON]) -> Bool) throws(OutboxProblem) {
    do throws(ControlClientError) {
      let client = try ControlClient(path: path)
      try client.stream("TakeOutbox", .object([JSONMember("endpoint", .string(endpoint))])) {
        each($0["events"].elements)
      }
    } catch {
      throw OutboxProblem("\(error)")
    }
  }

  package func acknowledge(
    endpoint: String, sequence: Int64, delivered: Bool, reason: String?
  ) throws(OutboxProblem) {
    var members = [
      JSONMember("endpoint", .string(endpoint)), JSONMember("sequence", .integer(sequence)),
      JSONMember("delivered", .bool(delivered)),
    ]
    if let reason { members.append(JSONMember("reason", .string(reason))) }
    do throws(ControlClientError) {
      _ = try ControlClient(path: path).call("Acknowledge", .object(members))
    } catch {
      throw OutboxProblem("\(error)")
    }
  }
}
