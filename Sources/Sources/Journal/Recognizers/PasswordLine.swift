internal import ByteText
internal import Grants

/// Lines of passwd(1), chpasswd(8), newusers(8) and chage(1): `password for 'bob' changed by
/// 'root'` for locking, unlocking, deleting and expiring alike, `changed password expiry for bob`
/// for every option, and PAM's `password changed for bob`. What changed only the state knows.
package enum PasswordLine: Recognizer {
  package static let identifiers = ["passwd", "chpasswd", "newusers", "chage"]

  private static let trust = SenderTrust(
    programs: [
      "/usr/bin/passwd", "/usr/sbin/chpasswd", "/usr/sbin/newusers", "/usr/bin/chage",
    ], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    fields.message.flatMap { read($0[...]) }.map { trust.judge($0, fields) }
  }

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    if let user = rest(of: line, after: "changed password expiry for ") {
      return event(.set, user)
    }
    if let text = rest(of: line, after: "password for '"), let text = rest(of: text, before: "'") {
      let all = readings(text, cutAt: "' changed by '")
      guard let (user, caller) = all.last else { return nil }
      var recognition = event(.set, user)
      recognition.actorUser = escaped(caller)
      recognition.trusted = all.count == 1
      return recognition
    }
    if let text = rest(
      of: line, after: "passwd: can't view or modify password information for ")
      ?? rest(of: line, after: "can't view or modify password information for ")
    {
      return event(.denied, text)
    }
    guard let text = rest(of: line, after: "pam_unix("),
      let (_, user) = readings(text, cutAt: ":chauthtok): password changed for ").first
    else { return nil }
    return event(.set, user)
  }

  private static func event(_ type: SignalType, _ user: ArraySlice<UInt8>) -> Recognition {
    var recognition = Recognition(
      type, kind: .account, subject: named("user:", user), object: named("account:", user),
      right: "login")
    recognition.trusted = true
    if type == .set { recognition.echo = Echo(.process, "password " + escaped(user)) }
    return recognition
  }
}
