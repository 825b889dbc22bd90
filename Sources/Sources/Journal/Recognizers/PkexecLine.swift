internal import ByteText
internal import Grants

/// Lines of pkexec(1): `alice: Executing command [USER=root] [TTY=unknown] [CWD=/home/alice]
/// [COMMAND=/usr/bin/id]`, `admin: Error executing command as another user: Not authorized
/// [USER=root] …`. The folder is the caller's and may hold the words of the fields.
package enum PkexecLine: Recognizer {
  package static let identifiers = ["pkexec"]

  private static let trust = SenderTrust(programs: ["/usr/bin/pkexec"], sender: .anybody)

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    fields.message.flatMap { read($0[...]) }.map { trust.judgeBeforeCommand($0, fields) }
  }

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    for (words, type) in [
      (": Executing command [USER=", .use),
      (": Error executing command as another user: Not authorized [USER=", .denied),
    ] as [(StaticString, SignalType)] {
      guard let (caller, text) = readings(line, cutAt: words).first,
        let (target, told) = readings(text, cutAt: "] [TTY=").first,
        let body = rest(of: told, before: "]")
      else { continue }
      let commands = readings(body, cutAt: "] [COMMAND=")
      var recognition = Recognition(
        type, kind: .polkitRule, subject: named("user:", caller),
        object: named("account:", target))
      recognition.actorUser = escaped(caller)
      recognition.command = commands.last.map { escaped($0.right.prefix(4096)) }
      recognition.trusted = commands.count == 1
      return recognition
    }
    return nil
  }
}
