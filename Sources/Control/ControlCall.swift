package import ByteText
internal import Dispatch
package import LinuxKit

/// One method call of a client, to be answered now or later.
///
/// It belongs to the server's queue, and so does every use of it. A call that is let go of without
/// an answer is answered with an error. After the last reply, and after the client has gone, all
/// further replies are dropped.
///
/// Unchecked: used on the server's queue only.
package final class ControlCall: @unchecked Sendable {
  /// `io.grantwatch`, or `io.grantwatch.Connector`.
  package let interface: String
  /// The method without its interface: `List`.
  package let method: String
  package let parameters: JSON
  package let peer: PeerCredentials
  /// The client takes several replies.
  package let wantsMore: Bool
  let isOneway: Bool
  /// Other processes than `peer` had a part in what came over the connection up to this call.
  package let isHandedOn: Bool

  /// Called when the client is gone before the last reply.
  package var onClose: (() -> Void)?
  /// Called when a client that was slow has taken everything: a stream that paused goes on.
  package var onDrained: (() -> Void)?

  private let connection: ControlConnection
  private(set) var isAnswered = false

  /// Bytes that a call may have.
  package static let longestMessage = ControlConnection.longestMessage

  /// A stream pauses when `backlog` is above this: 256 KiB.
  package static let comfortableBacklog = 256 * 1024

  init(
    interface: String, method: String, parameters: JSON, peer: PeerCredentials, wantsMore: Bool,
    isOneway: Bool,
    connection: ControlConnection
  ) {
    self.interface = interface
    self.method = method
    self.parameters = parameters
    self.peer = peer
    self.wantsMore = wantsMore
    self.isOneway = isOneway
    self.isHandedOn = connection.isHandedOn
    self.connection = connection
  }

  deinit {
    if !isAnswered {
      connection.answer(
        isLast: true, isOneway: isOneway,
        failure(.failed("no answer was given"), interface))
    }
  }

  /// True once the client has gone or the call has its last reply.
  package var isClosed: Bool { isAnswered || connection.isClosed }

  /// The same for all calls of one connection, while it is open.
  package var connectionID: ObjectIdentifier { ObjectIdentifier(connection) }

  /// Bytes that the client has not yet taken. Past 16 MiB it is cut off.
  package var backlog: Int { connection.backlog }

  /// Replies; `parameters` writes the members of "parameters". With `continues` more replies
  /// follow, which a client gets only when it asked for more.
  package func reply(
    continues: Bool = false, _ parameters: (inout JSONWriter) -> Void = { _ in }
  ) {
    dispatchPrecondition(condition: .onQueue(connection.queue))
    guard !isAnswered else { return }
    if continues, !wantsMore {
      return finish(serviceError("ExpectedMore") { _ in })
    }
    guard continues else { return finish(message(nil, continues: false, parameters)) }
    guard !connection.isClosed else { return }
    connection.answer(
      isLast: false, isOneway: isOneway, message(nil, continues: true, parameters))
  }

  /// Answers with an error of the interface that was called.
  package func fail(_ error: ControlError) {
    dispatchPrecondition(condition: .onQueue(connection.queue))
    guard !isAnswered else { return }
    finish(failure(error, interface))
  }

  private func finish(_ message: [UInt8]) {
    isAnswered = true
    onClose = nil
    onDrained = nil
    connection.answer(isLast: true, isOneway: isOneway, message)
  }
}

/// A reply or an error as it goes over the wire, without the zero byte behind it.
func message(
  _ error: String?, continues: Bool, _ parameters: (inout JSONWriter) -> Void
) -> [UInt8] {
  var writer = JSONWriter(reserving: 256)
  writer.beginObject()
  if let error { writer.member("error", error) }
  writer.key("parameters")
  writer.beginObject()
  parameters(&writer)
  writer.endObject()
  if continues { writer.member("continues", true) }
  writer.endObject()
  return writer.bytes
}

func failure(_ error: ControlError, _ interface: String = interfaceName) -> [UInt8] {
  message(error.name(in: interface), continues: false) { error.writeParameters(to: &$0) }
}

/// An error of `org.varlink.service`.
func serviceError(_ name: String, _ parameters: (inout JSONWriter) -> Void) -> [UInt8] {
  message("\(serviceName).\(name)", continues: false, parameters)
}
