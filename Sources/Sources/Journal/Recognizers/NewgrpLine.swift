internal import ByteText
internal import Grants

/// Lines of newgrp(1) and sg(1), shadow 4.13: `user 'alice' (login 'alice' on pts/1) switched to
/// group 'devs'`, `Invalid password for group 'docker' from 'alice'`.
package enum NewgrpLine: Recognizer {
  package static let identifiers = ["newgrp", "sg"]

  private static let trust = SenderTrust(
    programs: ["/usr/bin/newgrp", "/usr/bin/sg"], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard let recognition = fields.message.flatMap({ read($0[...]) }) else { return nil }
    let judged = trust.judge(recognition, fields)
    guard judged.type == .spoof, mayBeIt(fields) else { return judged }
    var doubtful = recognition
    doubtful.trusted = false
    return doubtful
  }

  /// True for a shell: it becomes one while journald looks.
  private static func mayBeIt(_ fields: JournalFields) -> Bool {
    guard let program = fields.program else { return true }
    return shells.contains(String(decoding: program, as: UTF8.self))
  }

  private static let shells = [
    "sh", "bash", "dash", "rbash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish",
  ]

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let line = rest(of: line, before: "'") else { return nil }
    if let text = rest(of: line, after: "Invalid password for group '") {
      let all = readings(text, cutAt: "' from '")
      return all.last.map { event(.denied, $0.right, $0.left, all.count == 1) }
    }
    guard let text = rest(of: line, after: "user '") else { return nil }
    let users = readings(text, cutAt: "' (login '")
    let groups = readings(text, cutAt: ") switched to group '")
    guard let user = users.first?.left, let group = groups.last?.right else { return nil }
    return event(.use, user, group, users.count == 1 && groups.count == 1)
  }

  private static func event(
    _ type: SignalType, _ user: ArraySlice<UInt8>, _ group: ArraySlice<UInt8>, _ isOneWay: Bool
  ) -> Recognition {
    var recognition = Recognition(
      type, kind: .groupMember, subject: named("user:", user), object: named("group:", group),
      right: "member")
    recognition.actorUser = escaped(user)
    recognition.trusted = isOneWay
    return recognition
  }
}
