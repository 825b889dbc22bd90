internal import ByteText
internal import Grants

/// Lines of useradd(8), usermod(8) and userdel(8), shadow 4.13, those on groups here, those on
/// accounts in `AccountLine`.
///
/// `add 'bob' to group 'sudo'`, `delete 'carol' from group 'adm'`,
/// `change user 'daniel' GID from '1007' to '27'`. The lines on shadow groups repeat the event.
/// adduser(8) runs usermod.
package enum UsermodLine: Recognizer {
  package static let identifiers = ["useradd", "usermod", "userdel"]
  static let tools = identifiers.map { Array($0.utf8) }

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    AccountToolTrust.judge(fields.message.flatMap(read), fields, tools: tools)
  }

  private static func read(_ message: [UInt8]) -> Recognition? {
    let line = message[...]
    if let quoted = rest(of: line, after: "add '") {
      return membership(quoted, .grant, shadow: "' to shadow group '", plain: "' to group '")
    }
    if let quoted = rest(of: line, after: "delete '") {
      return membership(quoted, .revoke, shadow: "' from shadow group '", plain: "' from group '")
    }
    if let quoted = rest(of: line, after: "change user '"), let told = primary(quoted) {
      return told
    }
    return AccountLine.read(line)
  }

  private static func membership(
    _ text: ArraySlice<UInt8>, _ type: SignalType, shadow: StaticString, plain: StaticString
  ) -> Recognition? {
    guard let text = rest(of: text, before: "'") else { return nil }
    let readings = readings(text, cutAt: plain)
    guard let first = readings.first else { return nil }
    guard places(of: shadow, in: text).isEmpty else { return nil }
    // A name with the words of the line in it can be read in two ways: only the state knows.
    guard readings.count == 1 else {
      return Recognition(type, kind: .groupMember, right: "member")
    }
    return Recognition(
      type, kind: .groupMember, subject: named("user:", first.left),
      object: named("group:", first.right), right: "member")
  }

  private static func primary(_ text: ArraySlice<UInt8>) -> Recognition? {
    guard let text = rest(of: text, before: "'") else { return nil }
    let readings = readings(text, cutAt: "' GID from '")
    guard readings.count == 1, let user = readings.first?.left,
      let numbers = readings.first.map({ Sources.readings($0.right, cutAt: "' to '") }),
      numbers.count == 1, let gid = numbers.first?.right, decimal(gid) != nil
    else { return nil }
    // The line names the groups by their numbers only.
    func change(_ type: SignalType, _ gid: ArraySlice<UInt8>) -> Recognition {
      Recognition(
        type, kind: .groupMember, subject: named("user:", user), object: named("group:", gid),
        right: "member")
    }
    var recognition = change(.grant, gid)
    if let former = numbers.first?.left { recognition.further = [change(.revoke, former)] }
    return recognition
  }
}
