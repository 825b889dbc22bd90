internal import ByteText
package import Dispatch
internal import Grants
package import LinuxKit

/// The control socket: takes Varlink calls (https://varlink.org) of any local process and hands
/// those of `io.grantwatch` and `io.grantwatch.Connector` to a handler. `org.varlink.service` it answers by itself.
///
/// Everything it calls back runs on its queue, and it is used there only. A message may have 1 MiB;
/// a uid may hold 64 connections and 32 MiB of pending bytes, all uids but root 256 connections;
/// root has 256 of its own. The calls of one connection are answered in order.
///
/// Unchecked: used on its queue only.
package final class ControlServer: @unchecked Sendable {
  static let connectionsPerUID = 64
  static let connectionsOfRoot = 256
  static let connectionsOfOthers = 256

  private let path: String
  private let queue: DispatchQueue
  private let handler: (ControlCall) -> Void
  private let listener: FileDescriptor
  private let source: any DispatchSourceRead
  private let processes = ProcessFiles()
  private var isClosed = false
  private var isPaused = false
  private var accounts: [UInt32: PeerAccount] = [:]
  private var connections: [ObjectIdentifier: ControlConnection] = [:]

  /// Listens at `path`; see `UnixSocket.listen(at:)` for what is refused there. The handler gets
  /// each call whose method the interface description names.
  package init(
    path: String, queue: DispatchQueue, handler: @escaping (ControlCall) -> Void
  ) throws(SystemError) {
    self.path = path
    self.queue = queue
    self.handler = handler
    listener = try UnixSocket.listen(at: path)
    source = DispatchSource.makeReadSource(fileDescriptor: listener.raw, queue: queue)
    source.setEventHandler { [weak self] in self?.acceptWaiting() }
    source.setCancelHandler { [self] in withExtendedLifetime(self) {} }
    source.activate()
  }

  /// Takes the socket away and closes every connection; calls that were not answered hear of it.
  package func close() {
    dispatchPrecondition(condition: .onQueue(queue))
    guard !isClosed else { return }
    isClosed = true
    UnixSocket.remove(path)
    if isPaused { source.resume() }
    source.cancel()
    for connection in Array(connections.values) { connection.close() }
  }

  /// Connections open now.
  package var connectionCount: Int { connections.count }

  private func acceptWaiting() {
    guard !isClosed else { return }
    do throws(SystemError) {
      for _ in 0..<16 {
        guard let socket = try UnixSocket.accept(from: listener) else { return }
        welcome(socket)
      }
    } catch {
      pause()
    }
  }

  /// Descriptors or memory ran out: waits a tenth of a second rather than spinning.
  private func pause() {
    isPaused = true
    source.suspend()
    queue.asyncAfter(deadline: .now() + .milliseconds(100)) { [weak self] in
      guard let self, !isClosed else { return }
      isPaused = false
      source.resume()
    }
  }

  private func welcome(_ socket: consuming FileDescriptor) {
    guard var peer = try? UnixSocket.peer(of: socket) else { return }
    // Read before the look whether it lives, so that a number that came again is not taken for it.
    let start = processes.stat(peer.pid)?.start
    if UnixSocket.peerLives(socket) != false { peer.start = start ?? 0 }
    let account = accounts[peer.uid] ?? PeerAccount()
    let connection = ControlConnection(
      socket: socket, peer: peer, queue: queue, account: account,
      dispatch: { [weak self] connection, message in self?.take(message, from: connection) },
      onGone: {})
    guard hasRoom(for: peer.uid, account) else {
      connection.reject(failure(.failed("too many connections of uid \(peer.uid)")))
      return
    }
    accounts[peer.uid] = account
    account.connections += 1
    let key = ObjectIdentifier(connection)
    connections[key] = connection
    connection.onGone = { [weak self] in self?.forget(key, uid: peer.uid) }
    connection.start()
  }

  private func hasRoom(for uid: UInt32, _ account: PeerAccount) -> Bool {
    if uid == 0 { return account.connections < Self.connectionsOfRoot }
    let others = connections.count - (accounts[0]?.connections ?? 0)
    return account.connections < Self.connectionsPerUID && others < Self.connectionsOfOthers
  }

  private func forget(_ key: ObjectIdentifier, uid: UInt32) {
    guard connections.removeValue(forKey: key) != nil, let account = accounts[uid] else { return }
    account.connections -= 1
    if account.connections == 0 { accounts[uid] = nil }
  }

  private func take(_ message: ArraySlice<UInt8>, from connection: ControlConnection) {
    let json: JSON
    do throws(JSONError) {
      json = try JSON.parse(message)
    } catch {
      return connection.reject(failure(.invalid("not a Varlink message: \(error)")))
    }
    guard case .object = json, let full = json["method"].text else {
      return connection.reject(failure(.invalid("not a Varlink message: no method")))
    }
    let isOneway = json["oneway"].bool ?? false
    func refuse(_ answer: [UInt8]) {
      connection.answer(isLast: true, isOneway: isOneway, answer)
    }
    let parameters = json["parameters"]
    switch parameters {
    case .null, .object: break
    default: return refuse(failure(.invalid("parameters are not an object")))
    }
    if json["upgrade"].bool == true {
      return refuse(serviceError("InvalidParameter") { $0.member("parameter", "upgrade") })
    }
    guard let dot = full.lastIndex(of: ".") else {
      return refuse(serviceError("MethodNotFound") { $0.member("method", full) })
    }
    let method = String(full[full.index(after: dot)...])
    switch full[..<dot] {
    case serviceName:
      refuse(serviceAnswer(method: method, full: full, parameters))
    case interfaceName, connectorInterfaceName:
      let interface = String(full[..<dot])
      guard interfaceMethods[interface]?.contains(method) == true else {
        return refuse(serviceError("MethodNotFound") { $0.member("method", full) })
      }
      let call = ControlCall(
        interface: interface, method: method,
        parameters: parameters.isNull ? .object([]) : parameters,
        peer: connection.peer, wantsMore: json["more"].bool ?? false, isOneway: isOneway,
        connection: connection)
      connection.begin(call)
      handler(call)
    default:
      refuse(serviceError("InterfaceNotFound") { $0.member("interface", String(full[..<dot])) })
    }
  }
}

/// The answers of `org.varlink.service`.
private func serviceAnswer(method: String, full: String, _ parameters: JSON) -> [UInt8] {
  switch method {
  case "GetInfo":
    return message(nil, continues: false) { writer in
      writer.member("vendor", "Grantwatch")
      writer.member("product", "grantwatchd")
      writer.member("version", Version.text)
      writer.member("url", "")
      writer.member("interfaces", [serviceName, interfaceName, connectorInterfaceName])
    }
  case "GetInterfaceDescription":
    guard let interface = parameters["interface"].text else {
      return serviceError("InvalidParameter") { $0.member("parameter", "interface") }
    }
    let description: String
    switch interface {
    case serviceName: description = serviceDescription
    case interfaceName: description = interfaceDescription
    case connectorInterfaceName: description = connectorInterfaceDescription
    default: return serviceError("InterfaceNotFound") { $0.member("interface", interface) }
    }
    return message(nil, continues: false) { $0.member("description", description) }
  default:
    return serviceError("MethodNotFound") { $0.member("method", full) }
  }
}
