internal import ByteText
internal import Grants

/// systemd-logind(8)'s `New session 13 of user alice.`, and the sessions that login(1) and display
/// managers open. A login that sshd or su has told of is not told again.
package enum LogindLine: Recognizer {
  package static let identifiers = ["systemd-logind", "login", "gdm-password", "lightdm", "sddm"]

  private static let trust = SenderTrust(
    programs: [
      "/usr/lib/systemd/systemd-logind", "/lib/systemd/systemd-logind", "/usr/bin/login",
      "/bin/login", "/usr/libexec/gdm-session-worker", "/usr/lib/gdm3/gdm-session-worker",
      "/usr/sbin/lightdm", "/usr/lib/x86_64-linux-gnu/sddm/sddm-helper",
    ], sender: .root)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let message = fields.message else { return nil }
    let line = message[...]
    let user: ArraySlice<UInt8>
    if let text = rest(of: line, after: "New session "), let told = rest(of: text, before: "."),
      let (_, name) = readings(told, cutAt: " of user ").first
    {
      user = name
    } else if let session = PAMSession.opened(line) {
      user = session.user
    } else {
      return nil
    }
    var recognition = Recognition(
      .use, kind: .account, subject: named("user:", user), object: named("account:", user),
      right: "session")
    recognition.trusted = true
    recognition.echo = Echo(.host, "session " + escaped(user))
    return trust.judge(recognition, fields)
  }
}
