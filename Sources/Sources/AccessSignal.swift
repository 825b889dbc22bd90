package import ByteText
package import Grants

/// What a source says about access.
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

/// A journal entry, an audit event or a line of a log file that tells of access. Texts are escaped.
package struct AccessSignal: Sendable, Equatable {
  /// `journal`, `audit`, or the name of a log file's section.
  package var source = "journal"
  /// Where the source goes on after it: the journal's cursor, an audit serial, a file's offset.
  package var cursor: String
  /// When it was received, not when it was read.
  package var time: Timestamp
  /// The boot it was written in: 32 hexadecimal digits; empty where the source does not say.
  package var boot: String
  /// The machine id of the host it was written on; empty where the source does not say.
  package var machine = ""
  /// Of the sender, as the kernel says; 0 where the entry names none.
  package var pid: Int32
  /// `UInt32.max` where the entry names none.
  package var uid: UInt32
  package var loginUID: UInt32?
  /// The audit session.
  package var session: UInt32?
  /// The unit of the system's or the user's own manager that the sender ran in, as journald read it
  /// from its control group.
  package var unit: String?
  package var userUnit: String?
  /// The tool as it calls itself: `usermod`.
  package var tool: String
  package var type: SignalType
  package var kind: GrantKind?
  /// `user:bob`, `key:SHA256:…`
  package var subject: String?
  /// `group:docker`, `account:root`, `file:/srv/data`
  package var object: String?
  /// `member`, `administrator`, `login`
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

  package init(
    cursor: String, time: Timestamp, tool: String, type: SignalType, message: String,
    trusted: Bool
  ) {
    self.cursor = cursor
    self.time = time
    self.tool = tool
    self.type = type
    self.message = message
    self.trusted = trusted
    boot = ""
    pid = 0
    uid = .max
  }
}
