internal import ByteText

/// What recognisers look at in an entry of the journal; see systemd.journal-fields(7).
///
/// Only `uid`, `pid` and `transport` come from the kernel and journald; `exe`, `comm` and
/// `commandLine` were read from /proc afterwards, may be missing or another program's; the rest is
/// what the sender wrote.
package struct JournalFields: Sendable, Equatable {
  package var message: [UInt8]?
  /// Every SYSLOG_IDENTIFIER: a native sender may give several.
  package var identifiers: [[UInt8]] = []
  package var messageID: [UInt8]?
  package var uid: UInt32?
  package var pid: Int32?
  package var transport: [UInt8]?
  package var exe: [UInt8]?
  package var comm: [UInt8]?
  package var commandLine: [UInt8]?
  /// _CAP_EFFECTIVE was not zero; nil when the entry does not have it.
  package var isPrivileged: Bool?
  package var boot: [UInt8] = []
  package var loginUID: UInt32?
  package var session: UInt32?
  /// _SYSTEMD_UNIT and _SYSTEMD_USER_UNIT.
  package var unit: [UInt8]?
  package var userUnit: [UInt8]?
  /// _SOURCE_REALTIME_TIMESTAMP, microseconds since 1970.
  package var sourceTime: Int64?

  package init() {}

  /// Takes one field; of a field with several values the first counts.
  package mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
    switch String(decoding: name, as: UTF8.self) {
    case "MESSAGE": if message == nil { message = Array(value) }
    case "SYSLOG_IDENTIFIER": if identifiers.count < 8 { identifiers.append(Array(value)) }
    case "MESSAGE_ID": if messageID == nil { messageID = Array(value) }
    case "_UID": uid = decimal(value).flatMap { UInt32(exactly: $0) }
    case "_PID": pid = decimal(value).flatMap { Int32(exactly: $0) }
    case "_TRANSPORT": transport = Array(value)
    case "_EXE": exe = Array(value)
    case "_COMM": comm = Array(value)
    case "_CMDLINE": commandLine = Array(value)
    case "_CAP_EFFECTIVE": isPrivileged = value.contains { $0 != UInt8(ascii: "0") }
    case "_BOOT_ID": boot = Array(value)
    case "_AUDIT_LOGINUID": loginUID = Self.auditNumber(value)
    case "_AUDIT_SESSION": session = Self.auditNumber(value)
    case "_SYSTEMD_UNIT": unit = Array(value)
    case "_SYSTEMD_USER_UNIT": userUnit = Array(value)
    case "_SOURCE_REALTIME_TIMESTAMP": sourceTime = decimal(value)
    default: break
    }
  }

  /// The last part of the program's path; where that was lost, the name of the process.
  var program: [UInt8]? {
    guard let exe else { return comm }
    return Array(split(exe[...], at: UInt8(ascii: "/")).last ?? [])
  }

  /// The kernel writes 4294967295 for "not set".
  private static func auditNumber(_ value: ArraySlice<UInt8>) -> UInt32? {
    guard let number = decimal(value).flatMap({ UInt32(exactly: $0) }), number != .max else {
      return nil
    }
    return number
  }
}
