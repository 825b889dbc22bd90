internal import ByteText
internal import Grants

/// Lines of su(1) and runuser(1), util-linux: `(to bob) admin on pts/1`,
/// `FAILED SU (to root) mallory on none`. runuser tells only through PAM.
package enum SuLine: Recognizer {
  package static let identifiers = ["su", "runuser"]

  private static let trust = SenderTrust(
    programs: ["/usr/bin/su", "/bin/su", "/usr/sbin/runuser", "/sbin/runuser"], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    fields.message.flatMap { read($0[...], fields) }.map { trust.judge($0, fields) }
  }

  private static func read(_ line: ArraySlice<UInt8>, _ fields: JournalFields) -> Recognition? {
    if let session = PAMSession.opened(line) {
      let caller = session.caller.isEmpty ? nil : named("user:", session.caller)
      return change(.use, caller, session.user, trusted: true)
    }
    if let text = rest(of: line, after: "FAILED SU (to ") { return change(.denied, text) }
    return rest(of: line, after: "(to ").flatMap { change(.use, $0) }
  }

  private static func change(_ type: SignalType, _ text: ArraySlice<UInt8>) -> Recognition? {
    let targets = readings(text, cutAt: ") ")
    guard let (target, told) = targets.first, let (caller, _) = readings(told, cutAt: " on ").last
    else { return nil }
    return change(
      type, named("user:", caller), target,
      trusted: targets.count == 1 && readings(told, cutAt: " on ").count == 1)
  }

  private static func change(
    _ type: SignalType, _ caller: String?, _ target: ArraySlice<UInt8>, trusted: Bool
  ) -> Recognition {
    var recognition = Recognition(
      type, kind: .account, subject: caller, object: named("account:", target), right: "login")
    recognition.actorUser = caller.map { String($0.dropFirst("user:".count)) }
    recognition.trusted = trusted
    // The session of PAM is the same event again.
    if type == .use { recognition.echo = Echo(.process, "su") }
    return recognition
  }
}
