internal import ByteText
internal import Grants

/// Lines of doas(1), OpenDoas 6.8: `alice ran command /usr/bin/id as root from /home/alice`,
/// `command not permitted for alice: ls /root`, `failed auth for admin`. Line feeds of arguments
/// stay as they are, and a long line is cut; the sender's uid of a command that ran is its target's,
/// and the sender is the command itself by the time journald looks.
package enum DoasLine: Recognizer {
  package static let identifiers = ["doas"]

  private static let trust = SenderTrust(
    programs: ["/usr/bin/doas", "/usr/local/bin/doas"], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    fields.message.flatMap { read($0[...]) }.map { trust.judgeBeforeCommand($0, fields) }
  }

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    if let text = rest(of: line, after: "command not permitted for "),
      let (user, command) = readings(text, cutAt: ": ").first
    {
      return event(.denied, user, command: command)
    }
    if let user = rest(of: line, after: "failed auth for ") {
      return event(.denied, user, command: nil)
    }
    guard let (user, text) = readings(line, cutAt: " ran command ").first else { return nil }
    // The folder stands last; both it and the arguments may hold these words.
    let folders = readings(text, cutAt: " from ")
    let told = folders.last?.left ?? text
    let targets = readings(told, cutAt: " as ")
    var recognition = event(.use, user, command: targets.last?.left ?? told)
    recognition.object = targets.last.map { named("account:", $0.right) }
    recognition.trusted = folders.count == 1 && targets.count == 1
    return recognition
  }

  private static func event(
    _ type: SignalType, _ user: ArraySlice<UInt8>, command: ArraySlice<UInt8>?
  ) -> Recognition {
    var recognition = Recognition(
      type, kind: .account, subject: named("user:", user), right: "login")
    recognition.actorUser = escaped(user)
    recognition.command = command.map { escaped($0.prefix(4096)) }
    recognition.trusted = true
    return recognition
  }
}
