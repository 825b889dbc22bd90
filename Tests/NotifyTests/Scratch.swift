import Glibc
import LinuxKit

/// A folder that goes away with the value.
final class Scratch: Sendable {
  let path: String
  let user = geteuid()

  init() throws {
    var template = Array("/tmp/grantwatch-notify-test.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError.last("make folder") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for name in SmallFile.names(in: path) { unlink(path + "/" + name) }
    rmdir(path)
  }

  func write(_ text: String, to name: String, mode: mode_t = 0o600) throws {
    guard let file = fopen(path + "/" + name, "w") else { throw SystemError.last("open") }
    fputs(text, file)
    fclose(file)
    chmod(path + "/" + name, mode)
  }
}
