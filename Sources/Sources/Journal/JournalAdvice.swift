package import ByteText
package import Grants
internal import LinuxKit

/// An advice that somebody left in the journal.
package struct JournalAdvice: Sendable, Equatable {
  package var submission: AdviceSubmission
  /// The sender's, as the kernel gave it to journald.
  package var uid: UInt32
  /// When journald received it.
  package var time: Timestamp
  package var cursor: String
  /// _MACHINE_ID and _HOSTNAME, escaped; empty where the entry does not have them.
  package var machine: String
  package var host: String

  package init(
    submission: AdviceSubmission, uid: UInt32, time: Timestamp, cursor: String, machine: String,
    host: String
  ) {
    self.submission = submission
    self.uid = uid
    self.time = time
    self.cursor = cursor
    self.machine = machine
    self.host = host
  }
}

extension JournalFields {
  /// The advice that the journal's current entry holds; nil when it holds none that can be believed
  /// to come from `uid`: only the native transport carries its sender's fields.
  func advice(in journal: Journal, cursor: String, stored: Timestamp) -> JournalAdvice? {
    guard messageID == Array(AdviceSubmission.messageID.utf8), let uid,
      transport == Array("journal".utf8)
    else { return nil }
    var fields: [String: [UInt8]] = [:]
    var host: [UInt8] = []
    journal.fields { field in
      guard let equals = field.prefix(64).firstIndex(of: UInt8(ascii: "=")) else { return }
      let name = field[..<equals]
      if let name = AdviceSubmission.journalName(of: name) {
        if fields[name] == nil { fields[name] = Array(field[(equals + 1)...]) }
      } else if name.elementsEqual("_HOSTNAME".utf8) {
        host = Array(field[(equals + 1)...].prefix(256))
      }
    }
    guard let submission = AdviceSubmission(journalFields: fields) else { return nil }
    let source = sourceTime.map { Timestamp(microseconds: $0) } ?? stored
    return JournalAdvice(
      submission: submission, uid: uid, time: min(source, stored), cursor: cursor,
      machine: escaped(machine.prefix(64)), host: escaped(host))
  }
}
