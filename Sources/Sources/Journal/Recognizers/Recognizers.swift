/// All recognisers there are.
package enum Recognizers {
  package static let all: [any Recognizer.Type] = [
    SudoLine.self, SuLine.self, DoasLine.self, PkexecLine.self, PolkitdLine.self,
    UsermodLine.self, GpasswdLine.self, GroupToolLine.self, GroupmemsLine.self, NewgrpLine.self,
    PasswordLine.self, ShellLine.self, AccountEditorLine.self,
    SshdLine.self, LogindLine.self, CronLine.self, PostgresLine.self, ForgedKernelLine.self,
  ]

  /// The identifiers by their length: of one length there are few, soon compared.
  private static let byLength: [[(identifier: [UInt8], recognizer: any Recognizer.Type)]] = {
    let known = all.flatMap { recognizer in
      recognizer.identifiers.map { (identifier: Array($0.utf8), recognizer: recognizer) }
    }
    let longest = known.map(\.identifier.count).max() ?? 0
    return (0...longest).map { length in known.filter { $0.identifier.count == length } }
  }()

  /// Every identifier worth asking the journal for.
  package static var identifiers: [String] { all.flatMap { $0.identifiers } }

  /// The recogniser that knows the tool of this name.
  package static func recognizer(_ identifier: [UInt8]) -> (any Recognizer.Type)? {
    guard identifier.count < byLength.count else { return nil }
    return byLength[identifier.count].first { $0.identifier == identifier }?.recognizer
  }

  /// The tool that the entry calls itself, and what its line says; nil when it is none of ours, tells
  /// of no access or has no message.
  package static func recognize(
    _ fields: JournalFields
  ) -> (tool: [UInt8], recognition: Recognition)? {
    guard fields.message != nil else { return nil }
    for given in fields.identifiers {
      // Syslog ends an identifier at a control byte; only journald's own interface lets one in.
      let end = given.firstIndex { $0 < 0x20 }
      let identifier = end.map { Array(given[..<$0]) } ?? given
      guard var recognition = recognizer(identifier)?.recognize(fields) else { continue }
      if end != nil {
        recognition.type = .spoof
        recognition.further = []
      }
      // No tool sends two; journald's own interface lets anybody.
      if fields.identifiers.count > 1 { recognition.trusted = false }
      return (identifier, recognition)
    }
    return nil
  }
}
