internal import ByteText

/// Whether a line comes from the program in whose name it is written.
///
/// The kernel gives the sender's uid; what program it was journald read from /proc afterwards, and
/// may have missed.
struct SenderTrust {
  /// Who may write the line.
  enum Sender {
    /// The program as root only.
    case root
    /// The program as anybody: it is setuid, and the uid is its caller's.
    case anybody
    /// The program as anybody: it is setgid, which no field shows, and the uid is its caller's.
    case anybodySetgid
  }

  /// Absolute paths of the program.
  private let programs: [[UInt8]]
  /// Their last parts, as the kernel keeps the name of a process: cut at 15 bytes.
  private let names: [[UInt8]]
  private let sender: Sender

  init(programs: [String], sender: Sender) {
    self.programs = programs.map { Array($0.utf8) }
    names = self.programs.map { path in
      Array(path[((path.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...].prefix(15))
    }
    self.sender = sender
  }

  /// `recognition` as trusted, as untrusted, or as a spoof.
  func judge(_ recognition: consuming Recognition, _ fields: JournalFields) -> Recognition {
    if sender == .root, let uid = fields.uid, uid != 0 { return spoof(recognition) }
    if isProgram(fields) == true { return recognition }
    // A refusal, or a tool without powers, is over before its program is looked up.
    let mayBeIt =
      isProgram(fields) == nil && (recognition.type == .denied || recognition.type == .set)
    guard fields.uid == 0 || mayBeIt else { return spoof(recognition) }
    recognition.trusted = false
    return recognition
  }

  /// The same for a program that has become the command it tells of by the time journald looks.
  func judgeBeforeCommand(_ recognition: Recognition, _ fields: JournalFields) -> Recognition {
    guard recognition.type == .use, Self.isCommand(recognition.command, fields) else {
      return judge(recognition, fields)
    }
    var told = recognition
    // As another than root it may be anybody who has that uid.
    if fields.uid != 0 || recognition.object != "account:root" { told.trusted = false }
    return told
  }

  /// True when the sender is the very command that the line says was run.
  private static func isCommand(_ command: String?, _ fields: JournalFields) -> Bool {
    guard let word = command?.split(separator: " ").first,
      let name = word.split(separator: "/").last.map({ Array($0.utf8) })
    else { return false }
    return fields.comm.map { $0.elementsEqual(name.prefix(15)) } ?? false
      || fields.program.map { $0.elementsEqual(name) } ?? false
  }

  private func spoof(_ recognition: Recognition) -> Recognition {
    var spoof = recognition
    spoof.type = .spoof
    spoof.trusted = false
    spoof.echo = nil
    spoof.isSilent = false
    spoof.further = []
    return spoof
  }

  /// Nil where what journald found does not say.
  private func isProgram(_ fields: JournalFields) -> Bool? {
    if let exe = fields.exe { return programs.contains(exe) }
    guard let comm = fields.comm else { return nil }
    guard names.contains(comm) else { return false }
    // A name can be anybody's, powers cannot.
    if fields.isPrivileged == true { return true }
    return sender == .anybodySetgid ? nil : false
  }
}
