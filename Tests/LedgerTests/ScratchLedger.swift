import ByteText
import Glibc
import Grants
import Ledger
import LinuxKit

/// A state directory of a test's own, removed with it.
final class ScratchState {
  let path: String
  var limits = LedgerLimits()
  /// Seconds since the boot; each look at the clock takes a microsecond.
  private var up: Int64 = 0

  init(below parent: String = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") throws {
    var template = Array("\(parent)/grantwatch-ledger.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp", parent) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    limits.reserveBytes = 64 << 10
    limits.stepBytes = 16 << 10
  }

  deinit {
    for folder in ["ledger", "snapshots", "damaged"] {
      let directory = DurableDirectory("\(path)/\(folder)")
      for name in (try? directory.names()) ?? [] { unlink(directory.path(of: name)) }
      rmdir(directory.path)
    }
    unlink(path + "/lock")
    rmdir(path)
  }

  func now() -> Moment {
    up += 1
    return Moment(
      wall: Timestamp(microseconds: 1_795_341_600_000_000 + up * 1_000_000), up: up, boot: "b1")
  }

  func open(
    _ openFile: @escaping (String) throws(SystemError) -> any AppendFile = {
      (path) throws(SystemError) in try DurableFile(appendingTo: path)
    }
  ) throws -> (ledger: Ledger, recovery: Recovery) {
    try Ledger.open(
      directory: path + "/ledger", limits: limits, now: { self.now() }, openFile: openFile)
  }

  func verify() -> Verification { Ledger.verify(stateDirectory: path) }

  func names(_ folder: String = "ledger") -> [String] {
    ((try? DurableDirectory("\(path)/\(folder)").names()) ?? []).filter { $0 != "reserve" }
  }

  func segments() -> [String] { names().filter { $0.hasSuffix(".jsonl") } }

  func read(_ name: String) throws -> [UInt8] {
    let file = try ReadableFile(path: "\(path)/\(name)")
    var bytes: [UInt8] = []
    try file.read(into: &bytes, at: 0, count: Int(file.size()))
    return bytes
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let parts = name.split(separator: "/")
    let directory = DurableDirectory(path + "/" + parts.dropLast().joined(separator: "/"))
    if !directory.exists { try directory.create() }
    try directory.write(String(parts[parts.count - 1]), bytes)
  }

  func remove(_ name: String) { unlink("\(path)/\(name)") }

  /// The texts of what a start would replay.
  static func texts(_ recovery: Recovery) throws -> [String] {
    var texts: [String] = []
    try recovery.replay { texts.append($0.text) }
    return texts
  }
}

extension Ledger {
  /// Appends a record that carries `text` and some data.
  @discardableResult
  func note(_ text: String, essential: Bool = false, grant: String? = nil) -> Int64 {
    append(type: "grant.detected", grant: grant, text: text, essential: essential) { writer in
      writer.member("subject", "everyone")
      writer.member("object", "file:/srv/data/\(text)")
    }
  }
}
