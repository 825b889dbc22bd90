internal import ByteText
internal import Grants

/// Lines of cron(8), crontab(1) and atd(8): `(alice) CMD (…)`, `(alice) REPLACE (alice)`,
/// `Starting job 1 (a0000101c) for user 'alice' (1001)` or PAM's line on the session of a job. A job
/// is no grant, but it acts for whoever wrote it.
package enum CronLine: Recognizer {
  package static let identifiers = ["CRON", "cron", "crontab", "crond", "anacron", "atd"]

  private static let daemons = SenderTrust(
    programs: ["/usr/sbin/cron", "/usr/sbin/crond", "/usr/sbin/atd", "/usr/sbin/anacron"],
    sender: .root)
  /// It is the account `daemon` when it opens a job's session.
  private static let atd = SenderTrust(programs: ["/usr/sbin/atd"], sender: .anybody)
  private static let crontab = SenderTrust(
    programs: ["/usr/bin/crontab"], sender: .anybodySetgid)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let message = fields.message else { return nil }
    let line = message[...]
    if fields.identifiers.first == Array("crontab".utf8) {
      return edited(line).map { crontab.judge($0, fields) }
    }
    if fields.identifiers.first == Array("atd".utf8) {
      return (started(line) ?? session(line)).map { atd.judge($0, fields) }
    }
    return ran(line).map { daemons.judge($0, fields) }
  }

  private static func ran(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let text = rest(of: line, after: "("), let body = rest(of: text, before: ")"),
      let (user, command) = readings(body, cutAt: ") CMD (").first
    else { return nil }
    var recognition = event(.use, "crontab:", of: user)
    recognition.command = escaped(command.prefix(4096))
    return recognition
  }

  private static func started(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let text = rest(of: line, after: "Starting job "),
      let (_, told) = readings(text, cutAt: " for user '").first,
      let (user, _) = readings(told, cutAt: "' (").last
    else { return nil }
    return job(of: user)
  }

  private static func session(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let session = PAMSession.opened(line), session.service.elementsEqual("atd".utf8) else {
      return nil
    }
    return job(of: session.user)
  }

  private static func job(of user: ArraySlice<UInt8>) -> Recognition {
    var recognition = event(.use, "at:", of: user)
    recognition.echo = Echo(.process, "at")
    return recognition
  }

  private static func edited(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let text = rest(of: line, after: "("), let body = rest(of: text, before: ")") else {
      return nil
    }
    for words in [") REPLACE (", ") DELETE ("] as [StaticString] {
      guard let (caller, owner) = readings(body, cutAt: words).first else { continue }
      var recognition = event(.set, "crontab:", of: owner)
      recognition.actorUser = escaped(caller)
      return recognition
    }
    return nil
  }

  private static func event(
    _ type: SignalType, _ object: StaticString, of user: ArraySlice<UInt8>
  ) -> Recognition {
    var recognition = Recognition(
      type, subject: named("user:", user), object: named(object, user))
    recognition.trusted = true
    return recognition
  }
}
