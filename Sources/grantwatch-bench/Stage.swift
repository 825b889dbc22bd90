import ByteText
import Control
import Dispatch
import Glibc
import Grants
import LinuxKit
import Synchronization

/// A scratch folder with its own accounts and data, and daemons that run on it one after another.
final class Stage: Sendable {
  let folder: String
  let daemon: String
  let bench: String

  /// What is to be ended when the stage goes, from whichever thread.
  private struct Held {
    var daemon: Int32?
    var isMounted = false
    var isRemoved = false
  }
  private let held = Mutex(Held())

  var tree: String { folder + "/root" }
  var data: String { tree + "/srv" }
  var state: String { folder + "/state" }
  var socket: String { folder + "/run/control.sock" }

  init() throws {
    bench = try ownPath()
    daemon = bench.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/grantwatchd"
    guard access(daemon, X_OK) == 0 else {
      throw BenchError(description: "\(daemon): not there; build it first")
    }
    // mkdtemp(3) puts an end that nobody has in the place of the six letters.
    let name = "/var/tmp/grantwatch-bench.XXXXXX"
    var template = Array(name.utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError.last("make folder", name) }
    folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    do {
      try furnish()
    } catch {
      remove()
      throw error
    }
  }

  private func furnish() throws(SystemError) {
    for path in ["/root", "/root/etc", "/root/srv", "/state", "/run", "/etc", "/etc/agents.d"] {
      mkdir(folder + path, 0o755)
    }
    try furnish(users: 1, groups: ["docker"])
    try write(
      "[Agent]\nName=bench\n\n[Match]\nExecutable=*/grantwatch-bench\n", "/etc/agents.d/bench.conf")
    try configure(timeToLive: "1h", mode: "alert")
  }

  /// Makes the accounts root, `u0`, `u1`, … and the groups `groups`.
  func furnish(users: Int, groups: [String]) throws(SystemError) {
    let numbers = (0..<users).map { 1001 + $0 }
    let passwd = numbers.map { "u\($0 - 1001):x:\($0):\($0)::/home/u:/bin/bash\n" }
    let own = numbers.map { "u\($0 - 1001):x:\($0):\n" }
    let others = groups.enumerated().map { "\($1):x:\(900 + $0):\n" }
    try write("root:x:0:0::/root:/bin/bash\n" + passwd.joined(), "/root/etc/passwd")
    try write("root:x:0:\n" + (others + own).joined(), "/root/etc/group")
    try write("root:!::\n" + groups.map { "\($0):!::\n" }.joined(), "/root/etc/gshadow")
  }

  /// - Parameter journal: a folder of journal files, made if need be; nil for the host's journal.
  func configure(
    timeToLive: String, mode: String, journal: String? = nil, revokesPerMinute: Int = 100_000
  ) throws(SystemError) {
    if let journal { mkdir(journal, 0o755) }
    try write(
      """
      [Watchdog]
      Mode=\(mode)
      MaxRevokesPerMinute=\(revokesPerMinute)
      [Files]
      Watch=/srv
      [Journal]
      Directory=\(journal ?? "")
      [Approval]
      Authenticate=no
      [Rule bench]
      Provenance=agent-executed
      TTL=\(timeToLive)
      OnDeadline=revoke

      """, "/etc/grantwatch.conf")
  }

  private func write(_ text: String, _ path: String) throws(SystemError) {
    try SmallFile.replace(folder + path, with: Array(text.utf8))
  }

  /// Empties state and data for the next benchmark.
  func clear() {
    unmountData()
    _ = Spawn.runAndWait("/bin/rm", ["-rf", state, data])
    mkdir(state, 0o700)
    mkdir(data, 0o755)
  }

  /// Puts the data on a file system of its own, so that nobody else's files cause events there.
  func mountData() throws {
    let result = Spawn.runAndWait("/bin/mount", ["-t", "tmpfs", "grantwatch-bench", data])
    guard result.succeeded else {
      throw BenchError(description: "mount: \(String(decoding: result.errors, as: UTF8.self))")
    }
    held.withLock { $0.isMounted = true }
  }

  private func unmountData() {
    let wasMounted = held.withLock { held in
      defer { held.isMounted = false }
      return held.isMounted
    }
    if wasMounted { _ = Spawn.runAndWait("/bin/umount", ["-l", data]) }
  }

  // MARK: The end

  /// Ends the daemon and takes the folder away; once.
  func remove() {
    let (pid, isFirst) = held.withLock { held in
      defer { held.isRemoved = true }
      return (held.daemon, !held.isRemoved)
    }
    guard isFirst else { return }
    if let pid { kill(pid, SIGKILL) }
    unmountData()
    _ = Spawn.runAndWait("/bin/rm", ["-rf", folder])
  }

  /// Removes the stage and ends the program when a signal asks for its end, as long as the result
  /// lives.
  func removeOnSignals() -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM, SIGHUP].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(
        signal: number, queue: DispatchQueue(label: "bench.signals"))
      source.setEventHandler { @Sendable in
        self.remove()
        // What the main thread was making meanwhile.
        _ = Spawn.runAndWait("/bin/rm", ["-rf", self.folder])
        _exit(128 + number)
      }
      source.resume()
      return source
    }
  }

  // MARK: Daemons

  /// Starts a daemon and waits until it answers.
  func start() throws -> ChildProcess {
    let child = try held.withLock { held throws -> ChildProcess in
      guard !held.isRemoved else { throw BenchError(description: "interrupted") }
      let child = try ChildProcess(
        daemon,
        [
          "--config", folder + "/etc/grantwatch.conf", "--root", folder + "/root",
          "--state-directory", state, "--runtime-directory", folder + "/run",
        ], log: folder + "/daemon.log")
      held.daemon = child.pid
      return child
    }
    let end = SystemClock.up() + 120_000_000
    while SystemClock.up() < end, child.isRunning {
      if let client = try? ControlClient(path: socket),
        (try? client.call("GetStatus", .object([]))) != nil
      {
        return child
      }
      usleep(2_000)
    }
    let log = (try? SmallFile.read(folder + "/daemon.log")) ?? []
    throw BenchError(
      description: "the daemon does not answer: \(String(decoding: log, as: UTF8.self))")
  }

  /// Ends a daemon in order; one that does not go within half a minute is killed.
  func stop(_ child: ChildProcess) {
    child.signal(SIGTERM)
    let end = SystemClock.up() + 30_000_000
    while child.isRunning, SystemClock.up() < end { usleep(2_000) }
    if child.isRunning { child.signal(SIGKILL) }
    child.wait()
    held.withLock { if $0.daemon == child.pid { $0.daemon = nil } }
  }

  // MARK: Files

  /// Makes files named `f0`, `f1`, ... in a folder below the watched tree; returns the folder.
  func makeFiles(_ count: Int, in name: String) throws(SystemError) -> String {
    let folder = data + "/" + name
    mkdir(folder, 0o755)
    for index in 0..<count {
      let path = folder + "/f\(index)"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
      guard descriptor >= 0 else { throw SystemError.last("make file", path) }
      close(descriptor)
    }
    return folder
  }

  /// Changes a mode in a process of its own; when the kernel had done it, CLOCK_BOOTTIME in
  /// microseconds.
  func changeMode(_ path: String, _ mode: String) throws -> Int64 {
    let result = Spawn.runAndWait(bench, ["--change-mode", mode, path])
    guard result.succeeded, let up = decimal(result.output.dropLast()) else {
      let reason = String(decoding: result.errors, as: UTF8.self)
      throw BenchError(description: "change mode: \(path): \(reason)")
    }
    return up
  }

  /// The permission bits of a file now; nil when it is not there.
  func mode(_ path: String) -> UInt32? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
  }
}

private func ownPath() throws(SystemError) -> String {
  guard let path = realpath("/proc/self/exe", nil) else {
    throw SystemError.last("read link", "/proc/self/exe")
  }
  defer { free(path) }
  return String(cString: path)
}

/// The child's part of `Stage.changeMode`.
func changeMode(_ mode: String, _ path: String) -> Int32 {
  guard let bits = UInt32(mode, radix: 8), chmod(path, bits) == 0 else { return 1 }
  print(SystemClock.up())
  return 0
}

/// Waits until `condition` holds, looking every so many microseconds, for at most a minute.
func waitUntil(
  _ what: String, every microseconds: UInt32 = 500, _ condition: () throws -> Bool
) throws {
  let end = SystemClock.up() + 60_000_000
  while SystemClock.up() < end {
    if try condition() { return }
    usleep(microseconds)
  }
  throw BenchError(description: "waited a minute for \(what)")
}
