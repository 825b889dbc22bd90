import ByteText
import Control
import Dispatch
import Glibc
import LinuxKit
import Testing

@Suite struct UnixSocketTests {
  @Test("A stale socket is replaced, a live one is not")
  func stale() throws {
    let folder = ScratchFolder()
    let path = "\(folder.path)/control.sock"
    do { _ = try UnixSocket.listen(at: path) }
    #expect(access(path, F_OK) == 0)
    let live = try UnixSocket.listen(at: path)
    var error: SystemError?
    do { _ = try UnixSocket.listen(at: path) } catch let caught { error = caught }
    #expect(error?.code == EADDRINUSE)
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o666)
    #expect(fcntl(live.raw, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(live.raw, F_GETFL) & O_NONBLOCK != 0)
  }

  @Test("What is no socket is left alone")
  func foreignFile() throws {
    let folder = ScratchFolder()
    let path = "\(folder.path)/control.sock"
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    #expect(throws: SystemError(ENOTSOCK, "bind", path)) {
      _ = try UnixSocket.listen(at: path).raw
    }
    #expect(access(path, F_OK) == 0)
  }

  @Test("A path of 107 bytes fits, one of 108 does not, nor an empty one")
  func longPath() throws {
    let folder = ScratchFolder()
    let fits = folder.path + "/" + String(repeating: "a", count: 106 - folder.path.utf8.count)
    _ = try UnixSocket.listen(at: fits)
    unlink(fits)
    var error: SystemError?
    do { _ = try UnixSocket.listen(at: fits + "a") } catch let caught { error = caught }
    #expect(error?.code == ENAMETOOLONG)
    #expect(error?.description.contains("107") == true)
    for path in ["", "a\0b"] {
      #expect(throws: SystemError.self) { _ = try UnixSocket.connect(to: path).raw }
    }
  }

  @Test("A client without a daemon is told what is missing")
  func unreachable() throws {
    let folder = ScratchFolder()
    let path = "\(folder.path)/control.sock"
    #expect(throws: ControlClientError.unreachable(SystemError(ENOENT, "connect", path))) {
      _ = try ControlClient(path: path)
    }
  }

  @Test(
    "A client that gets garbage throws, and never traps",
    arguments: [
      "", "{", "}", "[]", "null", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":}", "{:}", "{,}",
      "{\"\\",
      "{\"parameters\":[}", "{\"parameters\":{\"grants\":[}}", "{\"parameters\":{\"grants\":]}}",
      "{\"parameters\":{\"grants\":[\"\\]}}", "{\"error\":7}", "{\"error\":\"x\",\"parameters\":[}",
      "{\"parameters\":7}", "{\"parameters\":{\"grants\":7}}", "{}",
    ])
  func garbledReply(reply: String) throws {
    let folder = ScratchFolder()
    let path = "\(folder.path)/control.sock"
    let listener = try UnixSocket.listen(at: path)
    for raw in [false, true] {
      let client = try ControlClient(path: path)
      guard let peer = try UnixSocket.accept(from: listener) else {
        Issue.record("no connection")
        return
      }
      _ = try UnixSocket.send((Array(reply.utf8) + [0])[...], to: peer)
      #expect(throws: ControlClientError.self) {
        if raw {
          _ = try client.reply(to: "List").elements(of: "grants")
        } else if try client.call("List")["grants"].elements.isEmpty {
          throw ControlClientError.malformed("no grants")
        }
      }
    }
  }
}
