import ByteText
import Control
import Dispatch
import Glibc
import LinuxKit
import Synchronization

/// A scratch folder that goes away with its owner.
final class ScratchFolder {
  let path: String

  init() {
    var template = Array("/tmp/grantwatch-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/nonexistent"
    }
  }

  deinit {
    unlink("\(path)/control.sock")
    rmdir(path)
  }
}

/// A server in this process whose handler the test gives.
final class TestServer {
  let folder = ScratchFolder()
  let queue: DispatchQueue
  let server: ControlServer
  var path: String { "\(folder.path)/control.sock" }

  init(
    on queue: DispatchQueue = DispatchQueue(label: "test server"),
    _ handler: @escaping (ControlCall) -> Void
  ) throws {
    self.queue = queue
    server = try ControlServer(
      path: "\(folder.path)/control.sock", queue: queue, handler: handler)
  }

  deinit { queue.sync { server.close() } }

  /// Connections open now, asked on the server's queue.
  var connectionCount: Int { queue.sync { server.connectionCount } }
}

/// A client that sends and reads what it likes.
final class RawClient {
  let socket: FileDescriptor
  private var input: [UInt8] = []

  init(_ path: String) throws { socket = try UnixSocket.connect(to: path) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty { rest = rest.dropFirst(try UnixSocket.send(rest, to: socket)) }
  }

  func endWriting() { shutdown(socket.raw, Int32(SHUT_WR)) }

  /// The next message; nil when the server closed.
  func next() -> String? {
    while true {
      if let end = input.firstIndex(of: 0) {
        let text = String(decoding: input[..<end], as: UTF8.self)
        input.removeSubrange(...end)
        return text
      }
      guard let received = try? UnixSocket.receive(from: socket, into: &input), received != .end
      else { return nil }
    }
  }
}

/// Waits until a condition holds, at most 20 s.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<4000 {
    if condition() { return true }
    usleep(5000)
  }
  return condition()
}

/// A flag or counter that the server's queue sets and the test reads.
final class Shared<Value: Sendable>: Sendable {
  private let value: Mutex<Value>
  init(_ value: Value) { self.value = Mutex(value) }
  var now: Value { value.withLock { $0 } }
  func change(_ body: @Sendable (inout Value) -> Void) { value.withLock { body(&$0) } }
}
