internal import ByteText
internal import Grants

/// Lines of groupadd(8), groupmod(8) and groupdel(8), shadow 4.13.
///
/// Making or renaming a group gives nobody anything, unless it has root's number, and the members of `-U` stand in no line. What
/// tells of members: `group changed in /etc/group (group team/1009)` without a new name or number
/// is what `groupmod -U` writes, a set that the line does not tell; `group 'team' removed` leaves
/// the set empty.
package enum GroupToolLine: Recognizer {
  package static let identifiers = ["groupadd", "groupmod", "groupdel"]
  static let tools = identifiers.map { Array($0.utf8) }

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    AccountToolTrust.judge(fields.message.flatMap(read), fields, tools: tools)
  }

  private static func read(_ message: [UInt8]) -> Recognition? {
    let line = message[...]
    if let text = rest(of: line, after: "group changed in /etc/group (group ") {
      guard let text = rest(of: text, before: ")"),
        let slash = text.lastIndex(of: UInt8(ascii: "/")), decimal(text[(slash + 1)...]) != nil
      else { return nil }
      return Recognition(
        .set, kind: .groupMember, object: named("group:", text[..<slash]), right: "member")
    }
    if let text = rest(of: line, after: "new group: name=") { return AccountLine.newGroup(text) }
    if let text = rest(of: line, after: "group '"), let group = rest(of: text, before: "' removed")
    {
      var recognition = Recognition(
        .set, kind: .groupMember, object: named("group:", group), right: "member")
      recognition.members = []
      return recognition
    }
    return nil
  }
}
