package import ByteText
package import LinuxKit

/// Why a call gave no reply.
package enum ControlClientError: Error, Equatable, CustomStringConvertible, Sendable {
  /// Nobody answers at the socket, or the connection broke.
  case unreachable(SystemError)
  /// The daemon closed the connection before the last reply.
  case disconnected
  /// The daemon answered with an error of `io.grantwatch`.
  case refused(ControlError)
  /// Any other error, by its name, with its parameters as JSON text.
  case foreign(name: String, parameters: String)
  /// The reply is not Varlink, or the call is longer than a message may be.
  case malformed(String)

  package var description: String {
    switch self {
    case .unreachable(let error): return "\(error)"
    case .disconnected: return "the daemon closed the connection"
    case .refused(.notFound(let id, let matches)):
      return matches.isEmpty
        ? "\(id): no such id" : "\(id): several match: \(matches.joined(separator: " "))"
    case .refused(.permissionDenied(let reason)): return "refused: \(reason)"
    case .refused(.invalid(let reason)), .refused(.failed(let reason)),
      .refused(.tooLarge(let reason)), .refused(.tooOften(let reason)):
      return reason
    case .foreign(let name, let parameters): return "\(name) \(parameters)"
    case .malformed(let reason): return reason
    }
  }
}

/// A connection to the control socket that waits for its replies. Not to be used by two threads
/// at once, except for `interrupt`.
///
/// Unchecked: used by one thread at a time; `interrupt` only shuts the socket down.
package final class ControlClient: @unchecked Sendable {
  /// A reply may have 64 MiB.
  private static let longestReply = 64 << 20

  private let socket: FileDescriptor
  private var input: [UInt8] = []

  /// With `patience` a daemon that lets so many microseconds go by without a sign of life counts as
  /// not reachable.
  package init(path: String, patience: Int64? = nil) throws(ControlClientError) {
    do throws(SystemError) {
      socket = try UnixSocket.connect(to: path, patience: patience)
    } catch {
      throw .unreachable(error)
    }
  }

  /// Calls a method of `io.grantwatch` and returns the "parameters" of its one reply. Those of
  /// `io.grantwatch.Connector` are named `Connector.Report`.
  package func call(
    _ method: String, _ parameters: JSON = .object([])
  ) throws(ControlClientError) -> JSON {
    try reply(to: method, parameters).parameters()
  }

  /// Calls a method of `io.grantwatch` and returns its one reply as it came.
  package func reply(
    to method: String, _ parameters: JSON = .object([])
  ) throws(ControlClientError) -> ControlReply {
    try send("\(interfaceName).\(method)", parameters, more: false)
    return try next()
  }

  /// Calls a method that gives many replies; hands over the "parameters" of each until the last
  /// one, or until `each` returns false. Then the connection must not be used any more.
  package func stream(
    _ method: String, _ parameters: JSON = .object([]), _ each: (JSON) -> Bool
  ) throws(ControlClientError) {
    try replies(to: method, parameters) { reply throws(ControlClientError) in
      each(try reply.parameters())
    }
  }

  /// As `stream`, with each reply as it came.
  package func replies(
    to method: String, _ parameters: JSON = .object([]),
    _ each: (ControlReply) throws(ControlClientError) -> Bool
  ) throws(ControlClientError) {
    try send("\(interfaceName).\(method)", parameters, more: true)
    while true {
      let reply = try next()
      guard try each(reply), reply.continues else { return }
    }
  }

  /// Ends the connection from another thread: whoever waits gets `disconnected`.
  package func interrupt() { UnixSocket.shutDown(socket) }

  private func send(
    _ method: String, _ parameters: JSON, more: Bool
  ) throws(ControlClientError) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("method", method)
    writer.key("parameters")
    writer.value(parameters)
    if more { writer.member("more", true) }
    writer.endObject()
    guard writer.bytes.count <= ControlConnection.longestMessage else {
      throw .malformed("the call is longer than \(ControlConnection.longestMessage) bytes")
    }
    var rest = (writer.bytes + [0])[...]
    do throws(SystemError) {
      while !rest.isEmpty {
        let count = try UnixSocket.send(rest, to: socket)
        guard count > 0 else { throw SystemError(SystemError.timedOut, "send") }
        rest = rest.dropFirst(count)
      }
    } catch {
      if error.code == SystemError.timedOut { throw .unreachable(error) }
      // A daemon that turned the connection away has said why before it closed.
      _ = try next()
      throw .disconnected
    }
  }

  private func next() throws(ControlClientError) -> ControlReply {
    var scanned = 0
    while true {
      if let end = input[scanned...].firstIndex(of: 0) {
        let message = Array(input[..<end])
        input.removeSubrange(...end)
        return try ControlReply(message)
      }
      scanned = input.count
      guard scanned <= Self.longestReply else { throw .malformed("the reply is too long") }
      do throws(SystemError) {
        switch try UnixSocket.receive(from: socket, into: &input) {
        case .bytes: break
        case .end: throw SystemError(0, "")
        case .nothingYet: throw SystemError(SystemError.timedOut, "receive")
        }
      } catch {
        if error.code == SystemError.timedOut { throw .unreachable(error) }
        throw .disconnected
      }
    }
  }
}
