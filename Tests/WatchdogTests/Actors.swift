import Glibc
import LinuxKit
import Scratch
import Testing

/// A shell that nobody's test made: taken in by pid 1 or whoever takes orphans in, with a clean
/// environment and a login uid of its own. It runs what it is told, one line after another; `$S` is
/// the scratch folder, `$D` the watched folder.
final class Actors {
  private let orders: FileDescriptor
  private let answers: FileDescriptor
  private let name: String

  struct Silent: Error, CustomStringConvertible { var description: String }

  /// `program` is a shell, which may pass for an agent.
  init(
    _ scratch: Scratch, _ name: String, loginUID: UInt32, program: String = "/bin/bash",
    environment: [String] = []
  ) throws {
    self.name = name
    let ways = ["orders", "answers"].map { "\(scratch.path)/\(name)-\($0)" }
    for way in ways { mkfifo(way, 0o600) }
    orders = FileDescriptor(owning: open(ways[0], O_RDWR | O_CLOEXEC))
    answers = FileDescriptor(owning: open(ways[1], O_RDWR | O_CLOEXEC | O_NONBLOCK))
    let script = """
      echo \(loginUID) >/proc/self/loginuid
      S=\(scratch.path) D=$S/root/srv; cd $S; exec 3<>\(ways[0]) 4<>\(ways[1])
      echo ready >&4
      while IFS= read -r order <&3; do
        eval "$order" </dev/null >>$S/out/\(name).log 2>&1 3<&- 4>&-; echo done >&4
      done
      """
    let result = Spawn.runAndWait(
      "/usr/bin/env",
      [
        "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "S=\(scratch.path)",
        "D=\(scratch.path)/root/srv",
      ] + environment + [
        "/usr/bin/setsid", "-f", program, "-c", script,
      ])
    try #require(result.succeeded)
    try answer("to start")
  }

  deinit { _ = "exit\n".withCString { write(orders.raw, $0, 5) } }

  /// Has the shell run a line, and waits for its end.
  func play(_ line: String) throws {
    let bytes = Array((line + "\n").utf8)
    #expect(write(orders.raw, bytes, bytes.count) == bytes.count)
    try answer(line)
  }

  private func answer(_ order: String) throws {
    var byte: UInt8 = 0
    for _ in 0..<30_000 {
      while read(answers.raw, &byte, 1) == 1 { if byte == 10 { return } }
      usleep(1000)
    }
    throw Silent(description: "\(name): no end of: \(order)")
  }
}
