/// All recognisers there are.
package enum Recognizers {
  package static let all: [any Recognizer.Type] = [
    SudoLine.self, SuLine.self, DoasLine.self, PkexecLine.self, PolkitdLine.self,
    UsermodLine.self, GpasswdLine.self, GroupToolLine.self, GroupmemsLine.self, NewgrpLine.self,
    PasswordLine.self, ShellLine.self, AccountEditorLine.self,
    SshdLine.self, LogindLine.self, CronLine.self, PostgresLine.self, ForgedKernelLine.self,
  ]

  private static let byIdentifier: [[UInt8]: any Recognizer.Type] = {
    var table: [[UInt8]: any Recognizer.Type] = [:]
    for recognizer in all {
      for identifier in recognizer.identifiers { table[Array(identifier.utf8)] = recognizer }
    }
    return table
  }()

  /// Every identifier worth asking the journal for.
  package static var identifiers: [String] { all.flatMap { $0.identifiers } }

  /// The recogniser that knows the tool of this name.
  package static func recognizer(_ identifier: [UInt8]) -> (any Recognizer.Type)? {
    byIdentifier[identifier]
  }

  /// The tool that the entry calls itself, and what its line says; nil when it is none of ours, tells
  /// of no access or has no message.
  package static func recognize(
    _ fields: JournalFields
  ) -> (tool: [UInt8], recognition: Recognition)? {
    guard fields.message != nil else { return nil }
    for given in fields.identifiers {
      // Syslog ends an identifier at a control byte; only journald's own interface lets one in.
      let identifier = Array(given.prefix { $0 >= 0x20 })
      guard var recognition = byIdentifier[identifier]?.recognize(fields) else { continue }
      if identifier.count < given.count {
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
