import ByteText
import Control
import Glibc
import Grants
import LinuxKit

/// A scratch folder with its own accounts and data, and daemons that run on it one after another.
final class Stage {
  let folder: String
  let daemon: String
  let bench: String

  var data: String { folder + "/root/srv" }
  var state: String { folder + "/state" }
  var socket: String { folder + "/run/control.sock" }

  init() throws {
    bench = try ownPath()
    daemon = bench.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/grantwatchd"
    guard access(daemon, X_OK) == 0 else {
      throw BenchError(description: "\(daemon): not there; build it first")
    }
    var template = Array("/var/tmp/grantwatch-bench.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SystemError.last("make folder", "/var/tmp/grantwatch-bench.XXXXXX")
    }
    folder = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    for path in ["/root", "/root/etc", "/root/srv", "/state", "/run", "/etc", "/etc/agents.d"] {
      mkdir(folder + path, 0o755)
    }
    try write("root:x:0:0::/root:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/bash\n", "/root/etc/passwd")
    try write("root:x:0:\ndocker:x:999:\nbob:x:1001:\n", "/root/etc/group")
    try write("root:!::\ndocker:!::\nbob:!::\n", "/root/etc/gshadow")
    try write("[Agent]\nName=bench\n\n[Match]\nExecutable=*/grantwatch-bench\n", "/etc/agents.d/bench.conf")
    try configure(timeToLive: "1h", mode: "alert")
  }

  func configure(timeToLive: String, mode: String) throws {
    try write(
      """
      [Watchdog]
      Mode=\(mode)
      MaxRevokesPerMinute=100000
      [Files]
      Watch=/srv
      [Approval]
      Authenticate=no
      [Rule bench]
      Provenance=agent-executed
      TTL=\(timeToLive)
      OnDeadline=revoke

      """, "/etc/grantwatch.conf")
  }

  func write(_ text: String, _ path: String) throws(SystemError) {
    try SmallFile.replace(folder + path, with: Array(text.utf8))
  }

  func remove() { _ = Spawn.runAndWait("/bin/rm", ["-rf", folder]) }

  /// Empties state and data for the next benchmark.
  func clear() {
    _ = Spawn.runAndWait("/bin/rm", ["-rf", state, data])
    mkdir(state, 0o700)
    mkdir(data, 0o755)
  }

  /// Starts a daemon and waits until it answers.
  func start() throws -> ChildProcess {
    let child = try ChildProcess(
      daemon,
      [
        "--config", folder + "/etc/grantwatch.conf", "--root", folder + "/root",
        "--state-directory", state, "--runtime-directory", folder + "/run",
      ], log: folder + "/daemon.log")
    let end = SystemClock.up() + 120_000_000
    while SystemClock.up() < end {
      if let client = try? ControlClient(path: socket),
        (try? client.call("GetStatus", .object([]))) != nil
      {
        return child
      }
      guard child.isRunning else { break }
      usleep(2_000)
    }
    let log = (try? SmallFile.read(folder + "/daemon.log")).map { String(decoding: $0, as: UTF8.self) }
    throw BenchError(description: "the daemon does not answer: \(log ?? "")")
  }

  func stop(_ child: ChildProcess) {
    child.signal(SIGTERM)
    child.wait()
  }

  /// Makes files named `f0`, `f1`, ... in a folder below the watched tree; returns the folder.
  func makeFiles(_ count: Int, in name: String) throws(SystemError) -> String {
    let folder = data + "/" + name
    mkdir(folder, 0o755)
    for index in 0..<count {
      let descriptor = open(folder + "/f\(index)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
      guard descriptor >= 0 else { throw SystemError.last("make file", folder + "/f\(index)") }
      close(descriptor)
    }
    return folder
  }

  /// Changes a mode in a process of its own; when the kernel had done it, CLOCK_BOOTTIME in
  /// microseconds.
  func changeMode(_ path: String, _ mode: String) throws -> Int64 {
    let result = Spawn.runAndWait(bench, ["--change-mode", mode, path])
    guard result.succeeded, let up = decimal(result.output.dropLast()) else {
      throw BenchError(description: "change mode: \(path): \(String(decoding: result.errors, as: UTF8.self))")
    }
    return up
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
