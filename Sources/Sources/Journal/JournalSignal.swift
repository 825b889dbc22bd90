package import ByteText
package import Grants

/// What a line of the journal says about access.
package enum SignalType: String, Sendable, CaseIterable {
  case grant, revoke
  /// A whole set is given; what came and what went only the state knows.
  case set
  /// Access that was there already was used.
  case use
  case denied
  /// A line that pretends to come from a tool.
  case spoof
}

/// An entry of the journal that tells of access. Texts are escaped.
package struct JournalSignal: Sendable, Equatable {
  package var cursor: String
  /// When journald received the line.
  package var time: Timestamp
  /// The boot it was written in: 32 hexadecimal digits.
  package var boot: String
  /// Of the sender, as the kernel says; 0 where the entry names none.
  package var pid: Int32
  package var uid: UInt32
  package var loginUID: UInt32?
  /// The audit session.
  package var session: UInt32?
  /// The tool as it calls itself: `usermod`.
  package var tool: String
  package var type: SignalType
  package var kind: GrantKind?
  /// `user:bob`
  package var subject: String?
  /// `group:docker`, `account:root`
  package var object: String?
  /// `member`, `administrator`
  package var right: String?
  /// Who did it in the tool's own words.
  package var actorUser: String?
  /// The command that sudo ran or refused.
  package var command: String?
  /// The whole set of a `set`; nil when the line does not tell it.
  package var members: [String]?
  /// At most 4,096 bytes of it.
  package var message: String
  /// The kernel's credentials and what is known of the program agree with the line, and the line
  /// can be read in one way only.
  package var trusted: Bool
  /// The tree the tool worked on, where it was told one (`usermod --prefix`); nil for the host's.
  package var root: String?
}
