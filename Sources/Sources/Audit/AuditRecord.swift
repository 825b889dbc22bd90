package import ByteText

/// The types of records that matter here: linux/audit.h, and libaudit.h for those of user space.
enum AuditType {
  static let user: UInt16 = 1005
  static let login: UInt16 = 1006
  static let userCommand: UInt16 = 1123
  static let syscall: UInt16 = 1300
  static let path: UInt16 = 1302
  static let configChange: UInt16 = 1305
  static let cwd: UInt16 = 1307
  static let endOfEvent: UInt16 = 1320
  static let proctitle: UInt16 = 1327

  /// Records of user space on accounts and groups.
  static let accounts: [UInt16: String] = [
    1101: "USER_ACCT", 1102: "USER_MGMT", 1108: "USER_CHAUTHTOK", 1114: "ADD_USER",
    1115: "DEL_USER", 1116: "ADD_GROUP", 1117: "DEL_GROUP", 1119: "CHGRP_ID", 1125: "CHUSER_ID",
    1132: "GRP_MGMT", 1133: "GRP_CHAUTHTOK", 1135: "ACCT_LOCK", 1136: "ACCT_UNLOCK",
    2300: "USER_ROLE_CHANGE", 2301: "ROLE_ASSIGN", 2302: "ROLE_REMOVE",
  ]

  /// Names in log files; others come as `UNKNOWN[N]`.
  static let byName: [[UInt8]: UInt16] = {
    var names: [[UInt8]: UInt16] = [
      Array("USER".utf8): user, Array("LOGIN".utf8): login, Array("USER_CMD".utf8): userCommand,
      Array("SYSCALL".utf8): syscall, Array("PATH".utf8): path, Array("CWD".utf8): cwd,
      Array("CONFIG_CHANGE".utf8): configChange, Array("EOE".utf8): endOfEvent,
      Array("PROCTITLE".utf8): proctitle,
    ]
    for (type, name) in accounts { names[Array(name.utf8)] = type }
    return names
  }()
}

/// One record: its type, its event, and `name=value` fields (auditd(8), "audit message format").
package struct AuditRecord {
  package var type: UInt16
  /// Microseconds since 1970; the kernel stamps in milliseconds, by a tick of four.
  package var time: Timestamp
  /// The number of the event that the record is part of.
  package var serial: UInt64
  /// Behind `audit(…): `.
  var body: UnsafeRawBufferPointer

  /// Reads what the kernel sends: `audit(1795376449.326:249): pid=…`. Nil for anything else.
  package init?(type: UInt16, _ text: UnsafeRawBufferPointer) {
    var text = text
    // The kernel counts a byte of end with some records.
    while let last = text.last, last == 0 || last == 0x0a {
      text = UnsafeRawBufferPointer(rebasing: text.dropLast())
    }
    guard text.count > 20, text.starts(with: "audit(".utf8) else { return nil }
    var at = 6
    func number() -> UInt64? {
      var value: UInt64 = 0
      let start = at
      while at < text.count, text[at] &- 0x30 < 10, at - start < 18 {
        value = value &* 10 &+ UInt64(text[at] &- 0x30)
        at += 1
      }
      return at > start ? value : nil
    }
    func skip(_ byte: UInt8) -> Bool {
      guard at < text.count, text[at] == byte else { return false }
      at += 1
      return true
    }
    guard let seconds = number(), seconds < 1 << 36, skip(UInt8(ascii: ".")),
      let millis = number(), millis < 1000, skip(UInt8(ascii: ":")), let serial = number(),
      skip(UInt8(ascii: ")")), skip(UInt8(ascii: ":"))
    else { return nil }
    self.type = type
    time = Timestamp(microseconds: Int64(seconds) * 1_000_000 + Int64(millis) * 1000)
    self.serial = serial
    body = UnsafeRawBufferPointer(rebasing: text[at...])
  }

  /// Reads a line of audit.log(5): `type=SYSCALL msg=audit(…): …`, with what auditd adds behind a
  /// group separator (ENRICHED) left out.
  package init?(line: UnsafeRawBufferPointer) {
    guard line.count > 16, line.starts(with: "type=".utf8),
      let blank = line[5..<min(line.count, 64)].firstIndex(of: 0x20),
      line[(blank + 1)...].starts(with: "msg=".utf8)
    else { return nil }
    let name = line[5..<blank]
    let end = line.firstIndex(of: 0x1d) ?? line.endIndex
    guard end > blank + 5, let type = Self.type(name) else { return nil }
    self.init(type: type, UnsafeRawBufferPointer(rebasing: line[(blank + 5)..<end]))
  }

  private static func type(_ name: Slice<UnsafeRawBufferPointer>) -> UInt16? {
    if let type = AuditType.byName[Array(name)] { return type }
    guard name.starts(with: "UNKNOWN[".utf8) else { return 0 }
    return decimal(name.dropFirst(8).dropLast()).flatMap { UInt16(exactly: $0) }
  }

  /// Every field in order. Of `msg='…'`, what stands within the quotes is told as fields too.
  func forEachField(
    _ body: (_ name: Slice<UnsafeRawBufferPointer>, _ value: Slice<UnsafeRawBufferPointer>) -> Void
  ) {
    var at = 0
    let text = self.body
    let end = text.count
    while at < end {
      while at < end, text[at] == 0x20 || text[at] == 0x27 || text[at] == 0x2c { at += 1 }
      let start = at
      while at < end, text[at] != 0x3d, text[at] != 0x20 { at += 1 }
      guard at < end, text[at] == 0x3d else { continue }
      let name = text[start..<at]
      at += 1
      guard at < end else { return body(name, text[at..<at]) }
      // `msg='op=…'`: the quote is passed over, and the fields behind it come next.
      if text[at] == 0x27 { continue }
      let valueStart = at
      if text[at] == 0x22 {
        at += 1
        while at < end, text[at] != 0x22 { at += 1 }
        at = min(at + 1, end)
      } else if name.elementsEqual("op".utf8) {
        // The one value with blanks: it lasts until the next field.
        at = endOfOperation(from: at)
      } else {
        while at < end, text[at] != 0x20, text[at] != 0x27 { at += 1 }
      }
      body(name, text[valueStart..<at])
    }
  }

  private func endOfOperation(from start: Int) -> Int {
    var at = start
    var wordStart = start
    while at < body.count {
      if body[at] == 0x20 { wordStart = at + 1 }
      if body[at] == 0x3d, wordStart > start { return wordStart - 1 }
      if body[at] == 0x27 { return at }
      at += 1
    }
    return at
  }
}

/// A value as it was before audit encoded it: in quotes, or in hexadecimal where it has blanks,
/// quotes or odd bytes. `(null)` and `?` are nothing.
func auditValue(_ value: some BidirectionalCollection<UInt8>) -> [UInt8]? {
  if value.first == 0x22 { return Array(value.dropFirst().prefix { $0 != 0x22 }) }
  if value.elementsEqual("(null)".utf8) || value.elementsEqual("?".utf8) || value.isEmpty {
    return nil
  }
  guard value.count % 2 == 0 else { return Array(value) }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(value.count / 2)
  var high: UInt8?
  for byte in value {
    guard let digit = hexadecimalValue(byte) else { return Array(value) }
    if let first = high {
      bytes.append(first << 4 | digit)
      high = nil
    } else {
      high = digit
    }
  }
  return bytes
}
