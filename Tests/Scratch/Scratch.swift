package import Glibc

/// A folder for one test, removed with all that is in it when the test lets go of it.
package final class Scratch: Sendable {
  package let path: String

  /// Makes it below `parent`, another file system than /tmp for example.
  package init(in parent: String = "/tmp") {
    var name = Array("\(parent)/grantwatch-test-XXXXXX".utf8CString)
    path = mkdtemp(&name) == nil ? parent + "/grantwatch-test-failed" : string(name)
  }

  deinit { Scratch.run("/bin/rm", ["-rf", path]) }

  /// The path of `name` in the folder, as bytes.
  package func bytes(_ name: String = "") -> [UInt8] {
    Array((name.isEmpty ? path : "\(path)/\(name)").utf8)
  }

  @discardableResult
  package func file(_ name: String, _ mode: mode_t = 0o640, text: String = "") -> [UInt8] {
    file(bytes(name), mode, text: text)
    return bytes(name)
  }

  /// Makes or writes a regular file and gives it exactly this mode.
  package func file(_ path: [UInt8], _ mode: mode_t, text: String = "") {
    Scratch.call(path) { name in
      let file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
      let bytes = Array(text.utf8)
      _ = write(file, bytes, bytes.count)
      fchmod(file, mode)
      return close(file)
    }
  }

  @discardableResult
  package func folder(_ name: String, _ mode: mode_t = 0o755) -> [UInt8] {
    Scratch.call(bytes(name)) { mkdir($0, 0o700) }
    chmod(name, mode)
    return bytes(name)
  }

  package func chmod(_ name: String, _ mode: mode_t) {
    Scratch.call(bytes(name)) { Glibc.chmod($0, mode) }
  }

  package func rename(_ from: String, _ to: String) {
    Scratch.call(bytes(from)) { old in Scratch.call(bytes(to)) { Glibc.rename(old, $0) } }
  }

  package func remove(_ name: String) { Scratch.call(bytes(name)) { Glibc.remove($0) } }

  package func link(_ from: String, _ to: String) {
    Scratch.call(bytes(from)) { old in Scratch.call(bytes(to)) { Glibc.link(old, $0) } }
  }

  package func symlink(_ target: String, _ name: String) {
    Scratch.call(bytes(name)) { Glibc.symlink(target, $0) }
  }

  /// The permission bits of what stands under `name`, a link not followed; nil for nothing.
  package func mode(_ name: String) -> UInt16? { Scratch.mode(bytes(name)) }

  package static func mode(_ path: [UInt8]) -> UInt16? {
    var status = stat()
    return call(path) { lstat($0, &status) } == 0 ? UInt16(status.st_mode & 0o7777) : nil
  }

  /// Calls with a path as a C string.
  @discardableResult
  package static func call(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
    (path + [0]).withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return -1 }
      return body(base.assumingMemoryBound(to: CChar.self))
    }
  }

  /// Runs a program to its end; its exit status, -1 when it could not be started.
  @discardableResult
  package static func run(_ program: String, _ arguments: [String]) -> Int32 {
    let child = start(program, arguments)
    return child > 0 ? wait(child) : -1
  }

  /// Starts a program; its pid. No signal is blocked in it, whatever the calling thread blocks.
  package static func start(_ program: String, _ arguments: [String]) -> Int32 {
    var words = ([program] + arguments).map { strdup($0) }
    defer { words.forEach { free($0) } }
    words.append(nil)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var child: pid_t = 0
    return posix_spawn(&child, program, nil, &attributes, words, environ) == 0 ? child : -1
  }

  package static func wait(_ child: Int32) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) == -1, errno == EINTR {}
    return status & 0x7f == 0 ? status >> 8 & 0xff : -1
  }
}

private func string(_ name: [CChar]) -> String {
  String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
