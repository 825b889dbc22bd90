package import ByteText

/// Puts the records of one event together and tells it as a signal. Pure, bounded.
///
/// Records of several events come interleaved; an event is whole with its end record, or when
/// nothing came for it for a while. A gap in the numbers alone is no loss.
package struct AuditEvents {
  /// Events that wait for their end at the most; the oldest is told as it is.
  private static let mostOpen = 256
  /// PATH records that are kept of one event.
  private static let mostPaths = 8

  struct Path {
    var name: [UInt8]
    /// `NORMAL`, `PARENT`, `CREATE`, `DELETE`.
    var nameType: [UInt8]
  }

  /// A system call that counts, with what its records tell.
  struct Call {
    var serial: UInt64
    var time: Timestamp
    var call: AuditCall
    var subject = AuditSubject()
    var folder: [UInt8] = []
    var paths: [Path] = []
    var title: [UInt8] = []
  }

  private var open: [Call] = []
  /// Why the audit system itself is not what it was: rules or switches changed.
  package private(set) var changes: [String] = []

  /// The path of `--root`, without a slash at its end; empty for the host's own.
  private let root: [UInt8]

  package init(root: [UInt8] = []) { self.root = root }

  /// Takes one record in.
  package mutating func take(_ record: AuditRecord, _ body: (AccessSignal) -> Void) {
    switch record.type {
    case AuditType.syscall: begin(record, body)
    case AuditType.path, AuditType.cwd, AuditType.proctitle: add(record)
    case AuditType.endOfEvent:
      if let index = place(of: record.serial) { tell(open.remove(at: index), body) }
    case AuditType.configChange: configured(record)
    default:
      if let signal = AuditUserRecord.signal(record) { body(signal) }
    }
  }

  /// Tells the events whose end did not come before `limit`; all of them for nil.
  package mutating func release(before limit: Timestamp?, _ body: (AccessSignal) -> Void) {
    while let first = open.first, limit.map({ first.time < $0 }) ?? true {
      tell(open.removeFirst(), body)
    }
  }

  /// Gives the changes of the audit system since the last call.
  package mutating func takeChanges() -> [String] {
    defer { changes = [] }
    return changes
  }

  private func place(of serial: UInt64) -> Int? { open.firstIndex { $0.serial == serial } }

  private mutating func begin(_ record: AuditRecord, _ body: (AccessSignal) -> Void) {
    // `arch=c000003e syscall=268 success=yes` stand first: most calls are none of ours.
    var arch: UInt64?
    var call: AuditCall?
    var succeeded = false
    var subject = AuditSubject()
    var isOver = false
    record.forEachField { name, value in
      if isOver { return }
      if arch == nil {
        guard name.elementsEqual("arch".utf8) else { return isOver = true }
        arch = Self.hexadecimal(value)
      } else if call == nil {
        guard name.elementsEqual("syscall".utf8), let number = decimal(value) else { return }
        call = AuditCall.named(arch: arch ?? 0, number: UInt64(clamping: number))
        if call == nil { isOver = true }
      } else if name.elementsEqual("success".utf8) {
        succeeded = value.elementsEqual("yes".utf8)
        if !succeeded { isOver = true }
      } else {
        subject.take(name, value)
      }
    }
    guard let call, succeeded else { return }
    if open.count >= Self.mostOpen { tell(open.removeFirst(), body) }
    open.append(Call(serial: record.serial, time: record.time, call: call, subject: subject))
  }

  private static func hexadecimal(_ value: some Sequence<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for (index, byte) in value.enumerated() {
      guard index < 16, let digit = hexadecimalValue(byte) else { return nil }
      number = number << 4 | UInt64(digit)
    }
    return number
  }

  private mutating func add(_ record: AuditRecord) {
    guard let index = place(of: record.serial) else { return }
    var name: [UInt8]?
    var nameType: [UInt8] = []
    record.forEachField { field, value in
      if record.type == AuditType.cwd, field.elementsEqual("cwd".utf8) {
        open[index].folder = auditValue(value) ?? []
      } else if record.type == AuditType.proctitle, field.elementsEqual("proctitle".utf8) {
        open[index].title = auditValue(value) ?? []
      } else if record.type == AuditType.path {
        if field.elementsEqual("name".utf8) { name = auditValue(value) }
        if field.elementsEqual("nametype".utf8) { nameType = Array(value) }
      }
    }
    if record.type == AuditType.path, let name, open[index].paths.count < Self.mostPaths {
      open[index].paths.append(Path(name: name, nameType: nameType))
    }
  }

  private mutating func configured(_ record: AuditRecord) {
    guard changes.count < 16 else { return }
    changes.append(escaped(Array(record.body.prefix(256))[...]))
  }

  private func tell(_ call: Call, _ body: (AccessSignal) -> Void) {
    for signal in AuditCallSignals.signals(call, root: root) { body(signal) }
  }
}

/// Who a record speaks of, as the kernel says.
struct AuditSubject {
  var pid: Int32 = 0
  var uid: UInt32 = .max
  var loginUID: UInt32?
  var session: UInt32?
  var program: [UInt8] = []
  var name: [UInt8] = []

  mutating func take(_ field: some Collection<UInt8>, _ value: Slice<UnsafeRawBufferPointer>) {
    func number() -> UInt32? { decimal(value).flatMap { UInt32(exactly: $0) } }
    if field.elementsEqual("pid".utf8) {
      pid = decimal(value).flatMap { Int32(exactly: $0) } ?? 0
    } else if field.elementsEqual("uid".utf8) {
      uid = number() ?? .max
    } else if field.elementsEqual("auid".utf8) {
      loginUID = number().flatMap { $0 == .max ? nil : $0 }
    } else if field.elementsEqual("ses".utf8) {
      session = number().flatMap { $0 == .max ? nil : $0 }
    } else if field.elementsEqual("exe".utf8) {
      program = auditValue(value) ?? []
    } else if field.elementsEqual("comm".utf8) {
      name = auditValue(value) ?? []
    }
  }

  /// A signal of this process.
  func signal(
    _ type: SignalType, tool: String, serial: UInt64, time: Timestamp, message: String
  ) -> AccessSignal {
    let seconds = time.microseconds / 1_000_000
    let millis = time.microseconds / 1000 % 1000
    var signal = AccessSignal(
      cursor: "\(seconds).\(millis):\(serial)", time: time, tool: tool, type: type,
      message: message, trusted: true)
    signal.source = "audit"
    signal.pid = pid
    signal.uid = uid
    signal.loginUID = loginUID
    signal.session = session
    return signal
  }
}
