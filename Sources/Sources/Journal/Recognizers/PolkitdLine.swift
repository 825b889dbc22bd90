internal import ByteText
internal import Grants

/// Lines of polkitd(8): `Operator of unix-process:… successfully authenticated as unix-user:admin
/// to gain ONE-SHOT authorization for action ACTION for … (owned by unix-user:admin)`, `Operator of
/// … FAILED to authenticate to gain authorization for action ACTION for …`, and
/// `Reloading rules`, which names no rule.
package enum PolkitdLine: Recognizer {
  package static let identifiers = ["polkitd"]

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard var recognition = fields.message.flatMap({ read($0[...]) }) else { return nil }
    // It runs as an account of its own, whose number differs from host to host.
    let program = fields.exe.map { String(decoding: $0, as: UTF8.self) }
    recognition.trusted =
      recognition.trusted && program.map(programs.contains) == true
      && fields.transport == Array("syslog".utf8)
    if program.map(programs.contains) == false, fields.uid != 0 { recognition.type = .spoof }
    return recognition
  }

  private static let programs = [
    "/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd", "/usr/libexec/polkit-1/polkitd",
  ]

  private static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    if line.elementsEqual("Reloading rules".utf8) {
      var recognition = Recognition(.set, kind: .polkitRule)
      recognition.trusted = true
      // One change of a file makes several.
      recognition.echo = Echo(.host, "polkit rules")
      return recognition
    }
    guard let text = rest(of: line, after: "Operator of ") else { return nil }
    if let (_, told) = readings(text, cutAt: " successfully authenticated as unix-user:").first {
      guard let (user, gained) = readings(told, cutAt: " to gain ").first,
        let (_, action) = readings(gained, cutAt: " authorization for action ").first
      else { return nil }
      return event(.use, action, user)
    }
    guard
      let (_, action) = readings(
        text, cutAt: " FAILED to authenticate to gain authorization for action "
      ).first
    else { return nil }
    // `… (owned by unix-user:admin)` stands last; what a process calls itself stands before it.
    let owner = readings(action, cutAt: " (owned by unix-user:").last.flatMap {
      rest(of: $0.right, before: ")")
    }
    return event(.denied, action, owner)
  }

  private static func event(
    _ type: SignalType, _ action: ArraySlice<UInt8>, _ user: ArraySlice<UInt8>?
  ) -> Recognition? {
    let name = action.prefix { $0 != UInt8(ascii: " ") }
    guard !name.isEmpty else { return nil }
    var recognition = Recognition(
      type, kind: .polkitRule, subject: user.map { named("user:", $0) },
      object: named("action:", name))
    recognition.actorUser = user.map { escaped($0) }
    recognition.trusted = true
    return recognition
  }
}
