internal import ByteText
internal import Grants

/// Records that programs write, and the kernel's on login uids: each is an event of its own. It
/// takes CAP_AUDIT_WRITE to write one, so that only root can forge them.
enum AuditUserRecord {
  static func signal(_ record: AuditRecord) -> AccessSignal? {
    switch record.type {
    case AuditType.userCommand, AuditType.login, AuditType.user: break
    default: guard AuditType.accounts[record.type] != nil else { return nil }
    }
    var facts = Facts()
    record.forEachField { facts.take($0, $1) }
    switch record.type {
    case AuditType.userCommand: return command(record, facts)
    case AuditType.login: return loginUID(record, facts)
    case AuditType.user: return message(record, facts)
    default: return account(record, facts)
    }
  }

  private struct Facts {
    var subject = AuditSubject()
    var operation: [UInt8] = []
    var account: [UInt8]?
    var command: [UInt8]?
    var folder: [UInt8]?
    var formerLoginUID: UInt32?
    var succeeded = true
    /// The first uid and auid are the kernel's, later ones the sender's words.
    private var isSender = true

    init() {}

    mutating func take(
      _ name: Slice<UnsafeRawBufferPointer>, _ value: Slice<UnsafeRawBufferPointer>
    ) {
      if name.elementsEqual("op".utf8) {
        operation = Array(value)
        isSender = false
      } else if name.elementsEqual("cwd".utf8) {
        folder = auditValue(value)
        isSender = false
      } else if name.elementsEqual("acct".utf8) {
        account = auditValue(value)
      } else if name.elementsEqual("cmd".utf8) {
        command = auditValue(value)
      } else if name.elementsEqual("old-auid".utf8) {
        formerLoginUID = decimal(value).flatMap { UInt32(exactly: $0) }
      } else if name.elementsEqual("res".utf8) {
        succeeded = value.elementsEqual("success".utf8) || value.elementsEqual("1".utf8)
      } else if isSender || name.elementsEqual("exe".utf8) {
        subject.take(name, value)
      }
    }

    var program: ArraySlice<UInt8> {
      split(subject.program[...], at: UInt8(ascii: "/")).last ?? []
    }
  }

  private static func command(_ record: AuditRecord, _ facts: Facts) -> AccessSignal? {
    let text = escaped((facts.command ?? []).prefix(4096))
    var signal = facts.subject.signal(
      facts.succeeded ? .use : .denied, tool: escaped(facts.program), serial: record.serial,
      time: record.time, message: "\(facts.succeeded ? "ran" : "was refused") \(text)")
    signal.kind = .sudoRule
    signal.command = text
    return signal
  }

  /// A login uid that was set already was set anew: only root can, and what comes after carries it.
  private static func loginUID(_ record: AuditRecord, _ facts: Facts) -> AccessSignal? {
    guard facts.succeeded, let former = facts.formerLoginUID, former != .max,
      facts.subject.loginUID != former
    else { return nil }
    let now = facts.subject.loginUID.map(String.init) ?? "none"
    var signal = facts.subject.signal(
      .set, tool: "loginuid", serial: record.serial, time: record.time,
      message: "changed its login uid from \(former) to \(now)")
    signal.object = "login-uid:\(former)"
    return signal
  }

  /// `auditctl -m`: anything root writes.
  private static func message(_ record: AuditRecord, _ facts: Facts) -> AccessSignal? {
    guard facts.account != nil || !facts.operation.isEmpty else { return nil }
    var signal = facts.subject.signal(
      .spoof, tool: escaped(facts.program), serial: record.serial, time: record.time,
      message: "wrote by hand: " + escaped(Array(record.body.prefix(512))[...]))
    signal.trusted = false
    return signal
  }

  private static func account(_ record: AuditRecord, _ facts: Facts) -> AccessSignal? {
    guard facts.succeeded, !facts.operation.isEmpty,
      !facts.operation.starts(with: "PAM:".utf8)
    else { return nil }
    // gpasswd writes the text of its journal line.
    var line = JournalFields()
    line.identifiers = [Array(facts.program)]
    line.message = facts.operation
    line.uid = facts.subject.uid
    line.exe = facts.subject.program
    let told = Recognizers.recognize(line)?.recognition
    let text = escaped(facts.operation.prefix(512))
    let account = facts.account.map { escaped($0.prefix(256)) }
    let isGroup = !places(of: "group", in: facts.operation[...]).isEmpty
    var signal = facts.subject.signal(
      told?.type == .spoof ? .set : told?.type ?? .set, tool: escaped(facts.program),
      serial: record.serial, time: record.time,
      message: "\(AuditType.accounts[record.type] ?? "") \(text) \(account ?? "")")
    signal.kind = told?.kind ?? (isGroup ? .groupMember : .account)
    signal.subject = told?.subject ?? account.map { "user:" + $0 }
    signal.object = told?.object ?? (isGroup ? nil : account.map { "account:" + $0 })
    signal.right = told?.right
    signal.members = told?.members
    signal.trusted = facts.subject.uid == 0
    return signal
  }
}
