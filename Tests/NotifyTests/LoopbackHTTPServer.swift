import Glibc
import LinuxKit
import Synchronization

/// A small HTTP/1.1 server on 127.0.0.1: answers each request with the next of its replies, the
/// last one for ever, and keeps the requests.
final class LoopbackHTTPServer: Sendable {
  struct Request {
    var line: String
    var headers: [String: String]
    var body: [UInt8]
  }

  let port: UInt16
  private let listener: FileDescriptor
  private let replies: [String]
  private let taken = Mutex<[Request]>([])

  var requests: [Request] { taken.withLock { $0 } }
  var url: String { "http://127.0.0.1:\(port)/hook" }

  /// `replies` are status lines and headers: `503 Busy` or `429 Slow\r\nretry-after: 1`.
  init(replies: [String]) throws {
    self.replies = replies
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard raw >= 0 else { throw SystemError.last("socket") }
    listener = FileDescriptor(owning: raw)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let named = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(raw, $0, length) == 0 && listen(raw, 16) == 0 && getsockname(raw, $0, &length) == 0
      }
    }
    guard named else { throw SystemError.last("listen") }
    port = UInt16(bigEndian: address.sin_port)
  }

  /// Answers one connection after the other until `stop`.
  func serve() {
    while true {
      let raw = retrying { accept(listener.raw, nil, nil) }
      guard raw >= 0 else { return }
      answer(FileDescriptor(owning: raw))
    }
  }

  func stop() { shutdown(listener.raw, Int32(SHUT_RDWR)) }

  private func answer(_ connection: consuming FileDescriptor) {
    var bytes: [UInt8] = []
    var space = [UInt8](repeating: 0, count: 65_536)
    while true {
      if let request = Self.parse(bytes) {
        let reply = taken.withLock { taken in
          taken.append(request)
          return replies[min(taken.count, replies.count) - 1]
        }
        let text = "HTTP/1.1 \(reply)\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        _ = send(connection.raw, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        return
      }
      let count = recv(connection.raw, &space, space.count, 0)
      guard count > 0 else { return }
      bytes += space[..<count]
    }
  }

  private static func parse(_ bytes: [UInt8]) -> Request? {
    guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) })
    else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].dropFirst()) : ""
    }
    let body = Array(bytes[(end + 4)...])
    guard body.count >= Int(headers["content-length"] ?? "0") ?? 0 else { return nil }
    return Request(line: String(lines[0]), headers: headers, body: body)
  }
}
