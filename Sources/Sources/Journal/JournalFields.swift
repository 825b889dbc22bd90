internal import ByteText
internal import Glibc
internal import LinuxKit

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
  /// _MACHINE_ID: the host it was written on.
  package var machine: [UInt8] = []
  package var loginUID: UInt32?
  package var session: UInt32?
  /// _SYSTEMD_UNIT and _SYSTEMD_USER_UNIT.
  package var unit: [UInt8]?
  package var userUnit: [UInt8]?
  /// _SOURCE_REALTIME_TIMESTAMP, microseconds since 1970.
  package var sourceTime: Int64?

  package init() {}

  /// Takes what the journal's current entry has. Not an initializer: what a closure fills there is
  /// copied once more.
  mutating func read(_ journal: Journal, _ values: inout SharedValues) {
    journal.fields { take($0, &values) }
  }

  /// Takes one field; of a field with several values the first counts.
  package mutating func take(_ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
    (name + [UInt8(ascii: "=")] + value).withUnsafeBytes { take($0) }
  }

  /// Takes one field, `NAME=value`.
  package mutating func take(_ field: UnsafeRawBufferPointer) {
    var values = SharedValues(places: 0)
    take(field, &values)
  }

  /// Takes one field as sd_journal_enumerate_data(3) gives it: `NAME=value`.
  mutating func take(_ field: UnsafeRawBufferPointer, _ values: inout SharedValues) {
    guard let base = field.baseAddress, field.count > 2 else { return }
    /// The value, if the field's name is this one; with its `=`.
    @inline(__always) func value(_ name: StaticString) -> UnsafeRawBufferPointer? {
      let length = name.utf8CodeUnitCount
      guard field.count >= length, memcmp(base, name.utf8Start, length) == 0 else { return nil }
      return UnsafeRawBufferPointer(rebasing: field[length...])
    }
    // By the second letter first: most names are told apart by it, or are none of these.
    switch field[1] {
    case UInt8(ascii: "U"):
      if let value = value("_UID=") { uid = Self.number(value).flatMap { UInt32(exactly: $0) } }
    case UInt8(ascii: "P"):
      if let value = value("_PID=") { pid = Self.number(value).flatMap { Int32(exactly: $0) } }
    case UInt8(ascii: "E"):
      if let value = value("_EXE=") {
        exe = values[value]
      } else if message == nil, let value = value("MESSAGE=") {
        message = Array(value)
      } else if messageID == nil, let value = value("MESSAGE_ID=") {
        messageID = Array(value)
      }
    case UInt8(ascii: "C"):
      if let value = value("_COMM=") {
        comm = values[value]
      } else if let value = value("_CMDLINE=") {
        commandLine = Array(value)
      } else if let value = value("_CAP_EFFECTIVE=") {
        isPrivileged = value.contains { $0 != UInt8(ascii: "0") }
      }
    case UInt8(ascii: "B"): if let value = value("_BOOT_ID=") { boot = values[value] }
    case UInt8(ascii: "T"): if let value = value("_TRANSPORT=") { transport = values[value] }
    case UInt8(ascii: "M"): if let value = value("_MACHINE_ID=") { machine = values[value] }
    case UInt8(ascii: "A"):
      if let value = value("_AUDIT_SESSION=") {
        session = Self.auditNumber(value)
      } else if let value = value("_AUDIT_LOGINUID=") {
        loginUID = Self.auditNumber(value)
      }
    case UInt8(ascii: "S"):
      if let value = value("_SYSTEMD_UNIT=") {
        unit = values[value]
      } else if let value = value("_SYSTEMD_USER_UNIT=") {
        userUnit = values[value]
      } else if let value = value("_SOURCE_REALTIME_TIMESTAMP=") {
        sourceTime = Self.number(value)
      }
    case UInt8(ascii: "Y"):
      if identifiers.count < 8, let value = value("SYSLOG_IDENTIFIER=") {
        identifiers = identifiers.isEmpty ? values.alone(value) : identifiers + [Array(value)]
      }
    default: break
    }
  }

  private static func number(_ value: UnsafeRawBufferPointer) -> Int64? {
    guard !value.isEmpty, value.count <= 19 else { return nil }
    var number: Int64 = 0
    for byte in value {
      guard isDigit(byte) else { return nil }
      let (product, over) = number.multipliedReportingOverflow(by: 10)
      let (sum, more) = product.addingReportingOverflow(Int64(byte &- 0x30))
      guard !over, !more else { return nil }
      number = sum
    }
    return number
  }

  /// The last part of the program's path; where that was lost, the name of the process.
  var program: ArraySlice<UInt8>? {
    guard let exe else { return comm.map { $0[...] } }
    return exe[((exe.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...]
  }

  /// The kernel writes 4294967295 for "not set".
  private static func auditNumber(_ value: UnsafeRawBufferPointer) -> UInt32? {
    guard let number = number(value).flatMap({ UInt32(exactly: $0) }), number != .max else {
      return nil
    }
    return number
  }
}
