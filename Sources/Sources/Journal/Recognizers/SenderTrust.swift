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
  }

  /// Absolute paths of the program.
  let programs: [String]
  let sender: Sender

  /// `recognition` as trusted, as untrusted, or as a spoof.
  func judge(_ recognition: Recognition, _ fields: JournalFields) -> Recognition {
    if sender == .root, let uid = fields.uid, uid != 0 { return spoof(recognition) }
    if isProgram(fields) == true { return recognition }
    var doubtful = recognition
    doubtful.trusted = false
    // A refusal, or a tool without powers, is over before its program is looked up.
    let mayBeIt =
      isProgram(fields) == nil && (recognition.type == .denied || recognition.type == .set)
    return fields.uid == 0 || mayBeIt ? doubtful : spoof(recognition)
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

  /// Nil where journald found neither program nor name.
  private func isProgram(_ fields: JournalFields) -> Bool? {
    if let exe = fields.exe { return programs.contains { exe.elementsEqual($0.utf8) } }
    guard let comm = fields.comm else { return nil }
    // A name can be anybody's, powers cannot.
    return fields.isPrivileged == true
      && programs.contains { program in
        let name = program.utf8.lastIndex(of: UInt8(ascii: "/")).map {
          program.utf8[program.utf8.index(after: $0)...]
        }
        return name.map { comm.elementsEqual($0.prefix(15)) } ?? false
      }
  }
}
