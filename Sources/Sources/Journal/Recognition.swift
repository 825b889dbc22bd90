package import Grants

/// What a recogniser makes of a line: the part of a signal that its text holds.
package struct Recognition: Sendable, Equatable {
  package var type: SignalType
  package var kind: GrantKind?
  package var subject: String?
  package var object: String?
  package var right: String?
  package var actorUser: String?
  package var command: String?
  package var members: [String]?
  package var trusted = false
  package var root: String?
  /// A second line of sudo on the end of a command (`log_exit_status`): the same event again.
  package var isEndReport = false

  package init(
    _ type: SignalType, kind: GrantKind? = nil, subject: String? = nil, object: String? = nil,
    right: String? = nil
  ) {
    self.type = type
    self.kind = kind
    self.subject = subject
    self.object = object
    self.right = right
  }
}

/// Reads the lines of one family of tools; pure.
package protocol Recognizer: SendableMetatype {
  /// The SYSLOG_IDENTIFIER values it knows.
  static var identifiers: [String] { get }
  /// Nil when the line tells of no access.
  static func recognize(_ fields: JournalFields) -> Recognition?
}

/// All recognisers there are.
package enum Recognizers {
  package static let all: [any Recognizer.Type] = [
    SudoLine.self, UsermodLine.self, GpasswdLine.self, GroupToolLine.self,
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

  /// The tool that the entry calls itself, and what its line says; nil when it is none of ours, tells
  /// of no access or has no message.
  package static func recognize(
    _ fields: JournalFields
  ) -> (tool: [UInt8], recognition: Recognition)? {
    guard fields.message != nil else { return nil }
    for identifier in fields.identifiers {
      guard var recognition = byIdentifier[identifier]?.recognize(fields) else { continue }
      // No tool sends two; journald's own interface lets anybody.
      if fields.identifiers.count > 1 { recognition.trusted = false }
      return (identifier, recognition)
    }
    return nil
  }
}
