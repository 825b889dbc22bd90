import ByteText
import Glibc
import Kinds
import LinuxKit
import Scratch
import Testing

/// A root with sudoers files of its own, read by the real cvtsudoers and visudo.
final class SudoersStage {
  let scratch: Scratch
  let kind: SudoRules
  private(set) var state = EntryState()

  init(_ main: String = "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n") {
    scratch = Scratch()
    scratch.folder("etc")
    scratch.folder("etc/sudoers.d")
    scratch.file(
      "etc/passwd", 0o644,
      text: "root:x:0:0:root:/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n")
    scratch.file("etc/group", 0o644, text: "root:x:0:\nwheel:x:10:bob\nbob:x:1001:\n")
    kind = SudoRules(root: scratch.bytes(), processes: scratch.path + "/proc")
    write("etc/sudoers", main)
  }

  func write(_ name: String, _ text: String) {
    scratch.remove(name)
    scratch.file(name, 0o440, text: text)
  }

  /// Writes `etc/sudoers.d/x`.
  func put(_ text: String) { write("etc/sudoers.d/x", text) }

  func content(_ name: String = "etc/sudoers.d/x") -> String? {
    guard let bytes = try? SmallFile.read("\(scratch.path)/\(name)") else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }

  var quarantine: Quarantine { Quarantine(directory: scratch.path + "/quarantine", grant: "g-1") }

  /// What came since the last look.
  @discardableResult
  func look() throws -> [EntryGain] {
    let new = try kind.read(previous: state)
    defer { state = new }
    return kind.difference(state, new).gained
  }

  /// All rules but root's, as `subject value`.
  func rules() throws -> [String] {
    try kind.read(previous: nil).sorted.filter { $0.subject != "user:root" }
      .map { "\($0.subject) \($0.value)" }
  }

  func revoke(_ gain: EntryGain) -> EntryOutcome { kind.revoke(gain, quarantine: quarantine) }
}
