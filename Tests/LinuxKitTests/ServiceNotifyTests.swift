import Glibc
import LinuxKit
import Testing

@Suite(.serialized) struct ServiceNotifyTests {
  @Test("The service manager hears each word as one datagram")
  func datagrams() {
    let path = "/tmp/grantwatch-notify-\(getpid())"
    let listener = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    defer {
      close(listener)
      unlink(path)
      unsetenv("NOTIFY_SOCKET")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    setenv("NOTIFY_SOCKET", path, 1)
    ServiceNotify.ready(status: "3 grants\nWATCHDOG=1")
    ServiceNotify.alive()
    var space = [UInt8](repeating: 0, count: 256)
    var heard: [String] = []
    for _ in 0..<2 {
      let count = recv(listener, &space, space.count, 0)
      heard.append(String(decoding: space[..<max(0, count)], as: UTF8.self))
    }
    #expect(heard == ["READY=1\nSTATUS=3 grants WATCHDOG=1", "WATCHDOG=1"])
    #expect(ServiceNotify.watchdogInterval == nil)
  }

  @Test("An entry with every kind of byte can be sent, with journald or without")
  func journal() {
    JournalSend.send(
      "a\nb\0c", messageID: "0123456789abcdef0123456789abcdef", priority: 7,
      fields: [("GRANTWATCH_EVENT", "{\"text\":\"\n\"}")], identifier: "grantwatch-test")
  }
}
