import Glibc
import LinuxKit
import Testing

/// A shell that nobody's test made: a child of pid 1 or of whoever takes orphans in, with a clean
/// environment and a login uid of its own, which runs what it is told.
final class Stage {
  let folder: String
  private let orders: FileDescriptor
  private let answers: FileDescriptor

  struct Timeout: Error {}

  init(loginUID: UInt32) throws {
    var template = Array("/tmp/grantwatch-stage-XXXXXX".utf8CString)
    folder = String(cString: try #require(mkdtemp(&template)))
    mkfifo("\(folder)/orders", 0o600)
    mkfifo("\(folder)/answers", 0o600)
    orders = FileDescriptor(owning: open("\(folder)/orders", O_RDWR | O_CLOEXEC))
    answers = FileDescriptor(owning: open("\(folder)/answers", O_RDWR | O_CLOEXEC | O_NONBLOCK))
    let script = """
      echo \(loginUID) >/proc/self/loginuid
      cd \(folder); exec 3<>orders 4<>answers
      echo ready >&4
      while IFS= read -r order <&3; do eval "$order" </dev/null >/dev/null 2>&1 3<&- 4>&-; echo done >&4; done
      """
    try Self.run([
      "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "/usr/bin/setsid", "-f",
      "/bin/bash", "-c", script,
    ])
    try answer()
  }

  deinit {
    _ = "exit\n".withCString { write(orders.raw, $0, 5) }
    for name in ["orders", "answers", "claude", "pid", "file", "go", "gone"] {
      unlink("\(folder)/\(name)")
    }
    rmdir(folder)
  }

  /// Has the stage run a line of shell, and waits for its end.
  func play(_ line: String) throws {
    let bytes = Array((line + "\n").utf8)
    #expect(write(orders.raw, bytes, bytes.count) == bytes.count)
    try answer()
  }

  /// The pid that the actor wrote down; waits for it.
  func actor() throws -> Int32 {
    try wait {
      guard let file = fopen("\(folder)/pid", "r") else { return nil }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 32)
      guard fgets(&line, 32, file) != nil, let end = line.firstIndex(of: 10) else { return nil }
      return Int32(String(decoding: line[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
  }

  /// Waits until there is a file of this name.
  func await(_ name: String) throws {
    let _: Bool = try wait { access("\(folder)/\(name)", F_OK) == 0 ? true : nil }
  }

  /// Waits until `pid` is gone.
  func end(of pid: Int32) throws {
    let _: Bool = try wait { kill(pid, 0) != 0 ? true : nil }
  }

  private func answer() throws {
    var byte: UInt8 = 0
    let _: Bool = try wait {
      while read(answers.raw, &byte, 1) == 1 { if byte == 10 { return true } }
      return nil
    }
  }

  private func wait<Value>(_ look: () -> Value?) throws -> Value {
    for _ in 0..<20_000 {
      if let value = look() { return value }
      usleep(1000)
    }
    throw Timeout()
  }

  static func run(_ words: [String]) throws {
    var pid: pid_t = 0
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    try #require(posix_spawn(&pid, words[0], nil, nil, &arguments, [nil]) == 0)
    var status: Int32 = 0
    try #require(waitpid(pid, &status, 0) == pid)
  }
}
