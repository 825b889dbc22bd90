import ByteText
import Control
import Dispatch
import Glibc
import LinuxKit
import Scratch
import Synchronization
import Testing

/// What others on the host can get at of codes on their way out: the real grantwatch-notify and the
/// real curl(1), of an account of their own, before an endpoint that never answers. Root is not kept
/// out by anything.
@Suite(
  .enabled(if: geteuid() == 0, "needs root"),
  .enabled(if: access("/usr/bin/python3", X_OK) == 0, "needs python3"),
  .enabled(
    if: access(BuiltProgram.path("grantwatch-notify"), X_OK) == 0,
    "needs grantwatch-notify beside the tests"))
struct NotifierSecrecyLiveTests {
  private static let code = "7QK-M2X"

  /// Says of each way into a process whether it is open.
  private static let probe = """
    import ctypes, os, sys
    pid = int(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    there = ctypes.create_string_buffer(1)
    piece = (ctypes.c_uint64 * 2)(ctypes.addressof(there), 1)

    def opened(name):
        os.close(os.open('/proc/%d/%s' % (pid, name), os.O_RDONLY | os.O_NONBLOCK))

    def called(number, *arguments):
        whole = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
        if libc.syscall(ctypes.c_long(number), *whole) < 0 and ctypes.get_errno() in (1, 13):
            raise PermissionError

    def tried(name, way):
        try:
            way()
        except PermissionError:
            return
        print(name)

    tried('environ', lambda: opened('environ'))
    tried('mem', lambda: opened('mem'))
    tried('maps', lambda: opened('maps'))
    tried('stdin', lambda: opened('fd/0'))
    tried('fd', lambda: os.listdir('/proc/%d/fd' % pid))
    tried('process_vm_readv', lambda: called(310, pid, piece, 1, piece, 1, 0))
    tried('pidfd_getfd', lambda: called(438, os.pidfd_open(pid), 0, 0))
    tried('ptrace', lambda: called(101, 0x4206, pid, 0, 0))

    """
  private static let allWays = [
    "environ", "mem", "maps", "stdin", "fd", "process_vm_readv", "pidfd_getfd", "ptrace",
  ]

  private let scratch = Scratch()
  private let user = Stage.ownNumber(1)
  private let other = Stage.ownNumber(2)

  private func asUser(_ uid: UInt32) -> [String] {
    ["--reuid=\(uid)", "--regid=\(uid)", "--clear-groups", "--"]
  }

  /// The ways into `pid` that are open to `uid`.
  private func ways(into pid: Int32, for uid: UInt32) throws -> [String] {
    let result = Spawn.runAndWait(
      "/usr/bin/setpriv", asUser(uid) + ["/usr/bin/python3", "\(scratch.path)/probe.py", "\(pid)"])
    try #require(result.succeeded, "\(String(decoding: result.errors, as: UTF8.self))")
    return String(decoding: result.output, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func wait<Value>(_ what: String, _ look: () -> Value?) throws -> Value {
    for _ in 0..<6000 {
      if let value = look() { return value }
      usleep(5000)
    }
    throw Stage.Timeout(description: "not within 30 s: \(what)")
  }

  private func child(of parent: Int32, named name: String) -> Int32? {
    let files = ProcessFiles()
    return SmallFile.names(in: "/proc").lazy.compactMap { Int32($0) }.first { pid in
      guard let stat = files.stat(pid) else { return false }
      return stat.parent == parent && stat.comm == Array(name.utf8)
    }
  }

  private func text(_ pid: Int32, _ name: String) -> String {
    (try? SmallFile.read("/proc/\(pid)/\(name)")).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// A listener of the loopback; its port.
  private func listener(_ port: inout UInt16) throws -> FileDescriptor {
    let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isThere = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(raw, $0, length) == 0 && listen(raw, 16) == 0 && getsockname(raw, $0, &length) == 0
      }
    }
    try #require(isThere)
    port = UInt16(bigEndian: address.sin_port)
    return FileDescriptor(owning: raw)
  }

  private static func event() -> JSON {
    let text = """
      {"sequence":1,"id":"msg_0000000001","type":"grant.detected","time":"2026-11-22T10:00:03.122Z",
       "severity":"high","subject":"g-4kq7m2","source":"grantwatch://web1",
       "data":{"grant":{"id":"g-4kq7m2"},"text":"x","code":"\(code)"}}
      """
    return (try? JSON.parse(Array(text.utf8))) ?? .null
  }

  @Test("Nobody of another uid, nor of the notifier's own, reads what grantwatch-notify holds")
  func secrecy() throws {
    let program = BuiltProgram.path("grantwatch-notify")
    Scratch.call(scratch.bytes()) { chmod($0, 0o755) }
    scratch.file("probe.py", 0o644, text: Self.probe)
    // It takes connections and says nothing.
    var port: UInt16 = 0
    let listener = try listener(&port)
    scratch.folder("webhooks.d")
    scratch.file("grantwatch.conf", 0o644, text: "[Watchdog]\nMode=alert\n")
    scratch.file(
      "webhooks.d/ops.conf", 0o644, text: "[Webhook]\nURL=http://127.0.0.1:\(port)/\n")
    scratch.folder("cores", 0o777)
    let kept = Mutex<[ControlCall]>([])
    let queue = DispatchQueue(label: "daemon")
    let server = try ControlServer(path: "\(scratch.path)/control.sock", queue: queue) { call in
      kept.withLock { $0.append(call) }
      call.reply(continues: true) {
        $0.key("events")
        $0.beginArray()
        $0.value(Self.event())
        $0.endArray()
      }
    }
    defer {
      queue.sync {
        kept.withLock { $0 = [] }
        server.close()
      }
    }
    // Cores are allowed, which the unit does not.
    func started(_ program: String, _ arguments: [String]) -> Int32 {
      Scratch.start(
        "/usr/bin/env",
        ["-C", "\(scratch.path)/cores", "/usr/bin/prlimit", "--core=unlimited:unlimited"]
          + ["/usr/bin/setpriv"] + asUser(user) + [program] + arguments)
    }
    /// Ends it as a fault would; true when a core was written.
    func leavesCore(_ pid: Int32) -> Bool {
      // Neither Dispatch nor Swift keeps it from the kernel.
      kill(pid, SIGSYS)
      var status: Int32 = 0
      while waitpid(pid, &status, 0) == -1, errno == EINTR {}
      return status & 0x80 != 0
    }

    let ordinary = started("/bin/sleep", ["60"])
    _ = try wait("sleep") { text(ordinary, "comm") == "sleep\n" ? true : nil }
    // The probe finds what is open.
    #expect(try ways(into: ordinary, for: user) == Self.allWays)
    #expect(try ways(into: ordinary, for: other).isEmpty)

    let notifier = started(
      program,
      ["--config", "\(scratch.path)/grantwatch.conf", "--socket", "\(scratch.path)/control.sock"])
    var isEnded = false
    defer { if !isEnded { _ = leavesCore(notifier) } }
    let curl = try wait("curl") { child(of: notifier, named: "curl") }
    // It has read its input when it is connected and waits.
    let accepted = FileDescriptor(owning: accept(listener.raw, nil, nil))
    #expect(accepted.raw >= 0)
    for uid in [user, other] {
      #expect(try ways(into: notifier, for: uid).isEmpty, "uid \(uid)")
    }
    #expect(try ways(into: curl, for: other).isEmpty)
    for pid in [notifier, curl] {
      for name in ["cmdline", "environ"] {
        let seen = text(pid, name)
        #expect(!seen.contains(Self.code) && !seen.contains("\(port)"), "\(name): \(seen)")
      }
    }
    #expect(text(curl, "cmdline") == "/usr/bin/curl\0-q\0-K\0-\0")
    #expect(leavesCore(ordinary))
    #expect(!leavesCore(notifier))
    isEnded = true
  }

  @Test("The unit keeps the notifier to itself")
  func unit() throws {
    let top = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let lines = String(
      decoding: try SmallFile.read("/\(top)/systemd/grantwatch-notify.service"), as: UTF8.self
    ).split(separator: "\n")
    for line in [
      "User=grantwatch-notify", "LimitCORE=0", "CapabilityBoundingSet=", "NoNewPrivileges=yes",
      "ProtectProc=invisible", "PrivateTmp=yes", "UMask=0077", "KeyringMode=private",
    ] {
      #expect(lines.contains { $0 == line }, "\(line)")
    }
  }
}
