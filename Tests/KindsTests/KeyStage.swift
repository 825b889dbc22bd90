import ByteText
import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch

/// A scratch root with accounts whose keys are read and taken back.
final class KeyStage {
  let scratch = Scratch()
  let kind: SSHKeys
  var state = EntryState()

  /// `accounts` are names; each has a home of its own and the caller's uid.
  init(_ accounts: [String] = ["bob"]) {
    kind = SSHKeys(root: scratch.bytes())
    Scratch.run("/bin/mkdir", ["-p", "\(scratch.path)/etc/ssh", "\(scratch.path)/state"])
    let lines = accounts.map { name in
      "\(name):x:\(getuid()):\(getgid())::/home/\(name):/bin/sh\n"
    }
    scratch.file("etc/passwd", 0o644, text: lines.joined())
    for name in accounts {
      Scratch.run("/bin/mkdir", ["-p", "\(scratch.path)/home/\(name)/.ssh"])
    }
  }

  static let keys = ".ssh/authorized_keys"

  func write(_ text: String, _ name: String = "home/bob/\(keys)") { write(Array(text.utf8), name) }

  func write(_ bytes: [UInt8], _ name: String = "home/bob/\(keys)") {
    scratch.remove(name)
    scratch.file(name, 0o600)
    Scratch.call(scratch.bytes(name)) { path in
      let file = open(path, O_WRONLY | O_CLOEXEC)
      var done = 0
      while done < bytes.count {
        let count = bytes[done...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        guard count > 0 else { break }
        done += count
      }
      return close(file)
    }
  }

  func bytes(_ name: String = "home/bob/\(keys)") -> [UInt8]? {
    try? RootedFile(Array("/\(name)".utf8), root: scratch.bytes(), limit: 64 << 20).bytes
  }

  func content(_ name: String = "home/bob/\(keys)") -> String? {
    bytes(name).map { String(decoding: $0, as: UTF8.self) }
  }

  @discardableResult func look() -> EntryDifference {
    guard let new = try? kind.read(previous: state) else { return EntryDifference() }
    defer { state = new }
    return kind.difference(state, new)
  }

  func revoke(_ gain: EntryGain) -> EntryOutcome {
    kind.revoke(gain, quarantine: Quarantine(directory: "\(scratch.path)/state/q", grant: "g-1"))
  }

  /// A key of ed25519 made of one byte: `ssh-ed25519 AAAA…`.
  static func key(_ seed: UInt8) -> String { "ssh-ed25519 " + base64(blob(seed)) }

  static func subject(_ seed: UInt8) -> String {
    "key:SHA256:" + base64(SHA256.digest(blob(seed))).prefix { $0 != "=" }
  }

  private static func blob(_ seed: UInt8) -> [UInt8] {
    [0, 0, 0, 11] + Array("ssh-ed25519".utf8) + [0, 0, 0, 32]
      + [UInt8](repeating: seed, count: 32)
  }
}
