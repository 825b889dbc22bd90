internal import ByteText
internal import Grants

/// Lines of vipw(8) and vigr(8): `file /etc/group.edit edited`, without a word of what changed.
package enum AccountEditorLine: Recognizer {
  package static let identifiers = ["vipw", "vigr"]

  private static let trust = SenderTrust(
    programs: ["/usr/sbin/vipw", "/usr/sbin/vigr", "/sbin/vipw", "/sbin/vigr"], sender: .root)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let message = fields.message, let text = rest(of: message[...], after: "file "),
      let name = rest(of: text, before: " edited")
    else { return nil }
    let file = rest(of: name, before: ".edit") ?? name
    var recognition = Recognition(.set, object: named("file:", file))
    recognition.trusted = true
    return trust.judge(recognition, fields)
  }
}
