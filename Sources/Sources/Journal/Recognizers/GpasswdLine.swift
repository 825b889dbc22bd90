internal import ByteText
internal import Grants

/// Lines of gpasswd(1), shadow 4.13, which deluser(8) runs too:
/// `user alice added by root to group docker`, `user alice removed by root from group docker`,
/// `members of group devs set by root to bob,carol`, `administrators of group devs set by root to
/// alice`, `password of group devs changed by root`, `alice failed to add user mallory to group
/// sudo: Permission denied`.
package enum GpasswdLine: Recognizer {
  package static let identifiers = ["gpasswd"]
  static let tools = identifiers.map { Array($0.utf8) }

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    AccountToolTrust.judge(fields.message.flatMap(read), fields, tools: tools)
  }

  private static func read(_ message: [UInt8]) -> Recognition? {
    let line = message[...]
    if let text = rest(of: line, after: "user ") {
      return change(text, .grant, " added by ", " to group ")
        ?? change(text, .revoke, " removed by ", " from group ")
    }
    if let text = rest(of: line, after: "members of group ") { return set(text, "member") }
    if let text = rest(of: line, after: "administrators of group ") {
      return set(text, "administrator")
    }
    return password(line) ?? refusal(line)
  }

  /// A group's password lets everybody in who knows it.
  private static func password(_ line: ArraySlice<UInt8>) -> Recognition? {
    for (start, words, type) in [
      ("password of group ", " changed by ", .grant),
      ("password of group ", " removed by ", .revoke),
      ("access to group ", " restricted by ", .revoke),
    ] as [(StaticString, StaticString, SignalType)] {
      guard let text = rest(of: line, after: start) else { continue }
      let all = readings(text, cutAt: words)
      guard all.count == 1, let (group, actor) = all.first else { continue }
      var recognition = Recognition(
        type, kind: .groupMember, subject: "everyone", object: named("group:", group),
        right: "password")
      recognition.actorUser = escaped(actor)
      return recognition
    }
    return nil
  }

  private static func change(
    _ text: ArraySlice<UInt8>, _ type: SignalType, _ by: StaticString, _ group: StaticString
  ) -> Recognition? {
    let actors = readings(text, cutAt: by)
    guard let (user, rest) = actors.first else { return nil }
    let groups = readings(rest, cutAt: group)
    guard let (actor, name) = groups.first else { return nil }
    var recognition = Recognition(type, kind: .groupMember, right: "member")
    guard actors.count == 1, groups.count == 1 else { return recognition }
    recognition.subject = named("user:", user)
    recognition.object = named("group:", name)
    recognition.actorUser = escaped(actor)
    return recognition
  }

  private static func set(_ text: ArraySlice<UInt8>, _ right: String) -> Recognition? {
    let sets = readings(text, cutAt: " set by ")
    guard let (group, rest) = sets.first else { return nil }
    var recognition = Recognition(.set, kind: .groupMember, right: right)
    let lists = readings(rest, cutAt: " to ")
    // An empty list leaves a blank at the end, which journald strips.
    let empty = Sources.rest(of: rest, before: " to").map { (left: $0, right: ArraySlice<UInt8>()) }
    guard sets.count == 1, empty != nil || lists.count == 1,
      let (actor, list) = empty ?? lists.first
    else { return recognition }
    recognition.object = named("group:", group)
    recognition.actorUser = escaped(actor)
    recognition.members = split(list, at: UInt8(ascii: ",")).filter { !$0.isEmpty }
      .map { escaped($0) }
    return recognition
  }

  private static func refusal(_ line: ArraySlice<UInt8>) -> Recognition? {
    guard let text = rest(of: line, before: ": Permission denied") else { return nil }
    for (word, between) in [
      (" failed to add user ", " to group "), (" failed to remove user ", " from group "),
    ] as [(StaticString, StaticString)] {
      let actors = readings(text, cutAt: word)
      guard actors.count == 1, let (actor, rest) = actors.first else { continue }
      let groups = readings(rest, cutAt: between)
      guard groups.count == 1, let (user, group) = groups.first else { continue }
      var recognition = Recognition(
        .denied, kind: .groupMember, subject: named("user:", user), object: named("group:", group),
        right: "member")
      recognition.actorUser = escaped(actor)
      return recognition
    }
    return nil
  }
}
