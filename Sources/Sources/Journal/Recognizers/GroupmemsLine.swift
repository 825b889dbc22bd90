internal import ByteText
internal import Grants

/// groupmems(8) tells of what it did in no line; of a refusal only PAM does, and names neither group
/// nor member.
package enum GroupmemsLine: Recognizer {
  package static let identifiers = ["groupmems"]

  private static let trust = SenderTrust(
    programs: ["/usr/sbin/groupmems", "/sbin/groupmems"], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let message = fields.message,
      message.elementsEqual("Authentication failure".utf8)
        || rest(of: message[...], after: "pam_unix(groupmems:auth): ") != nil
    else { return nil }
    var recognition = Recognition(.denied, kind: .groupMember)
    recognition.trusted = true
    recognition.echo = Echo(.process, "refused")
    return trust.judge(recognition, fields)
  }
}
