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
  /// What is shown in place of the line's own text, where that holds secrets; escaped.
  package var message: String?
  package var trusted = false
  package var root: String?
  /// For a line on an account's shell: whether the new one lets in. What a line leaves open is
  /// then told by an earlier one.
  package var shell: Bool?
  /// A second line of sudo on the end of a command (`log_exit_status`): the same event again.
  package var isEndReport = false
  /// What makes two lines tell of the same event; nil for a line that always tells of its own.
  package var echo: Echo?
  /// The line is no event by itself: it only keeps a later echo of it silent.
  package var isSilent = false
  /// More events that the same line tells of.
  package var further: [Recognition] = []

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

/// The mark of an event that may be told of again: the first line tells it, the rest are silent.
package struct Echo: Sendable, Equatable {
  package enum Scope: Sendable, Equatable {
    /// Lines of the same process (boot and pid).
    case process
    /// Lines of any process within five seconds.
    case host
  }

  package var scope: Scope
  package var event: String

  package init(_ scope: Scope, _ event: String) {
    self.scope = scope
    self.event = event
  }
}

/// An entry of a line that a tool writes in several.
package struct LinePart: Sendable, Equatable {
  /// The tool's own number of the line; 0 where it does not count.
  package var number: Int64
  /// For what continues an earlier entry, the text to append to that one's message; nil for a
  /// first entry that others may continue.
  package var continuation: [UInt8]?
  /// An earlier entry with a shorter message than this ended at a blank, which was left out.
  package var blankBelow: Int

  package init(number: Int64 = 0, continuation: [UInt8]?, blankBelow: Int = 0) {
    self.number = number
    self.continuation = continuation
    self.blankBelow = blankBelow
  }
}

/// Reads the lines of one family of tools; pure.
package protocol Recognizer: SendableMetatype {
  /// The SYSLOG_IDENTIFIER values it knows.
  static var identifiers: [String] { get }
  /// Nil when the line tells of no access. `fields` has the whole message, joined of its parts.
  static func recognize(_ fields: JournalFields) -> Recognition?
  /// Nil for a line that is always whole.
  static func part(_ fields: JournalFields) -> LinePart?
}

extension Recognizer {
  package static func part(_ fields: JournalFields) -> LinePart? { nil }
}
