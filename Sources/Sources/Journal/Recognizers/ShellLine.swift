internal import ByteText
internal import Grants

/// Lines of chsh(1): `changed user 'bob' shell to '/bin/bash'`, `can't change shell for 'root'`.
/// The line names the new shell only: a login shell is a gain for whoever had none, so that it is
/// a `set`, and an account that can change its own shell had one.
package enum ShellLine: Recognizer {
  package static let identifiers = ["chsh", "chfn"]

  private static let trust = SenderTrust(
    programs: ["/usr/bin/chsh", "/usr/bin/chfn"], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    fields.message.flatMap { read($0[...], fields) }.map { trust.judge($0, fields) }
  }

  private static func read(_ line: ArraySlice<UInt8>, _ fields: JournalFields) -> Recognition? {
    if line.elementsEqual("Authentication failure".utf8)
      || rest(of: line, after: "pam_unix(chsh:auth): ") != nil
    {
      var recognition = Recognition(.denied, kind: .account, right: "shell")
      recognition.trusted = true
      recognition.echo = Echo(.process, "refused")
      return recognition
    }
    guard let line = rest(of: line, before: "'") else { return nil }
    if let user = rest(of: line, after: "can't change shell for '") {
      return event(.denied, user, trusted: true)
    }
    guard let text = rest(of: line, after: "changed user '") else { return nil }
    let all = readings(text, cutAt: "' shell to '")
    guard let (user, shell) = all.last else { return nil }
    var recognition = event(
      isLoginShell(shell) ? .set : .revoke, user, trusted: all.count == 1)
    recognition.shell = isLoginShell(shell)
    // By the account itself: it could log in before.
    recognition.isSilent = recognition.type == .set && fields.uid != 0
    return recognition
  }

  private static func event(
    _ type: SignalType, _ user: ArraySlice<UInt8>, trusted: Bool
  ) -> Recognition {
    var recognition = Recognition(
      type, kind: .account, subject: named("user:", user), object: named("account:", user),
      right: "shell")
    recognition.trusted = trusted
    if type == .denied { recognition.echo = Echo(.process, "refused") }
    return recognition
  }

  /// nologin(8), false(1) and no shell at all let nobody in.
  static func isLoginShell(_ path: ArraySlice<UInt8>) -> Bool {
    let name = split(path, at: UInt8(ascii: "/")).last ?? []
    return !name.elementsEqual("nologin".utf8) && !name.elementsEqual("false".utf8)
      && !path.isEmpty
  }
}
