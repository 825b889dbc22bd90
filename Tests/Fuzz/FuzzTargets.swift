import ByteText
import Grants
import Provenance
import Sources

/// One target for each recogniser and each parser of outside bytes. A target traps when what must
/// hold does not.
let fuzzTargets: [String: @Sendable ([UInt8]) -> Void] = {
  var targets: [String: @Sendable ([UInt8]) -> Void] = [
    "audit": auditTarget, "export": exportTarget, "pattern": patternTarget,
    "entries": entriesTarget,
    "kubernetes": { bytes in
      _ = KubernetesAudit.signals(bytes[...], read: Timestamp(microseconds: 0))
    },
    "grammar": { _ = ChangeGrammar.report(onCommand: $0) },
    "grammar-text": { _ = ChangeGrammar.report(onText: String(decoding: $0, as: UTF8.self)) },
    "grammar-sudoers": { written("/etc/sudoers.d/x", $0) },
    "grammar-keys": { written("/home/bob/.ssh/authorized_keys", $0) },
    "grammar-cron": { written("/etc/cron.d/x", $0) },
    "grammar-sql": { _ = ChangeGrammar.report(onCommand: Array("psql d <<'E'\n".utf8) + $0) },
  ]
  for recognizer in Recognizers.all {
    guard let name = recognizer.identifiers.first else { continue }
    targets["line-\(name)"] = { lineTarget(recognizer, $0) }
  }
  return targets.merging(kindTargets) { first, _ in first }
}()

/// Text that a command writes into a file that decides on access.
private func written(_ path: String, _ bytes: [UInt8]) {
  _ = ChangeGrammar.report(onCommand: Array("tee \(path) <<'E'\n".utf8) + bytes)
}

/// A line of a tool as root and as anybody writes it. The first byte chooses the identifier, the
/// second the sender.
@Sendable private func lineTarget(_ recognizer: any Recognizer.Type, _ bytes: [UInt8]) {
  guard bytes.count > 2 else { return }
  var fields = JournalFields()
  let identifiers = recognizer.identifiers
  fields.identifiers = [Array(identifiers[Int(bytes[0]) % identifiers.count].utf8)]
  fields.message = Array(bytes[2...])
  fields.uid = bytes[1] & 1 == 0 ? 0 : 1000
  fields.transport = Array((bytes[1] & 2 == 0 ? "syslog" : "stdout").utf8)
  if bytes[1] & 4 != 0 { fields.exe = Array("/tmp/tool".utf8) }
  if bytes[1] & 8 != 0 { fields.commandLine = fields.message }
  _ = recognizer.part(fields)
  guard let told = recognizer.recognize(fields) else { return }
  // Nobody but root is believed without the tool's own program.
  precondition(!told.trusted || fields.uid == 0)
  precondition(told.further.allSatisfy { !$0.trusted || fields.uid == 0 })
  for text in [told.subject, told.object, told.actorUser, told.command].compactMap({ $0 }) {
    precondition(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
  }
}

/// Records in the kernel's form and in auditd's, several events at once.
@Sendable private func auditTarget(_ bytes: [UInt8]) {
  var events = AuditEvents()
  var type: UInt16 = 1300
  for line in bytes.split(separator: 0x0a) {
    line.withUnsafeBytes { text in
      if let record = AuditRecord(line: text) { events.take(record) { _ in } }
      if let record = AuditRecord(type: type, text) { events.take(record) { _ in } }
    }
    type = type == 1300 ? 1302 : type == 1302 ? 1327 : type == 1327 ? 1101 : 1300
  }
  events.release(before: nil) { _ in }
}

@Sendable private func exportTarget(_ bytes: [UInt8]) {
  var whole = ExportReader()
  var count = 0
  whole.take(bytes[...]) { _ in count += 1 }
  _ = whole.end { _ in count += 1 }
  // Cut in two it gives the same.
  var cut = ExportReader()
  var again = 0
  let middle = bytes.count / 2
  cut.take(bytes[..<middle]) { _ in again += 1 }
  cut.take(bytes[middle...]) { _ in again += 1 }
  _ = cut.end { _ in again += 1 }
  precondition(count == again)
}

/// A pattern, a zero byte, a line.
@Sendable private func patternTarget(_ bytes: [UInt8]) {
  guard let end = bytes.firstIndex(of: 0),
    let text = String(validating: bytes[..<end], as: UTF8.self),
    let pattern = try? LinePattern(text)
  else { return }
  let line = Array(bytes[(end + 1)...])
  guard let parts = pattern.parts(of: line) else { return }
  precondition(parts.values.allSatisfy { $0.map { !$0.isEmpty } ?? true })
}

/// The way from the export format to signals: every signal once, in order, none held back.
@Sendable private func entriesTarget(_ bytes: [UInt8]) {
  var export = ExportReader()
  var reader = EntryReader(root: nil)
  var number = 0
  func take(_ entry: ExportReader.Entry) {
    number += 1
    reader.take(
      entry.fields, cursor: "\(number)", stored: Timestamp(microseconds: Int64(number))
    ) { _ in }
  }
  export.take(bytes[...], take)
  _ = export.end(take)
  reader.release(before: nil) { _ in }
  precondition(!reader.holds && (number == 0 || reader.passed == "\(number)"))
}
