internal import ByteText
internal import Grants

/// Lines of sudo(8), 1.9, in its own log format, with the user's name right-aligned in 8 columns:
/// `   alice : TTY=pts/1 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id`, and refusals such as
/// ` mallory : user NOT in sudoers ; PWD=…`.
///
/// The working directory and the arguments are the caller's, and neither is quoted in a way that
/// keeps ` ; COMMAND=` out: where a line can be read in several ways, the signal holds the last
/// reading and is not trusted. The sender's uid is the caller's, so the program must be sudo.
package enum SudoLine: Recognizer {
  package static let identifiers = ["sudo"]

  package static func recognize(_ fields: JournalFields) -> Recognition? {
    guard var recognition = fields.message.flatMap({ read($0[...], fields) }) else { return nil }
    if let exe = fields.exe {
      if programs.contains(exe) { return recognition }
    } else if fields.comm == Array("sudo".utf8), fields.isPrivileged == true {
      // A refusal is over before its program is looked up; its name and its powers were not.
      return recognition
    } else if fields.comm == nil, recognition.type == .denied {
      recognition.trusted = false
      return recognition
    }
    recognition.trusted = false
    // Root needs no forgery to run a command.
    if fields.uid != 0 { recognition.type = .spoof }
    return recognition
  }

  private static let programs = [
    "/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo", "/usr/bin/sudo-rs", "/usr/bin/sudoedit",
  ].map { Array($0.utf8) }

  /// Bytes of a line's message that sudo does not go beyond (MAXSYSLOGLEN, and room for the name).
  private static let longestPart = 962

  /// A long command goes on in lines of its own: `   alice : (command continued) …`.
  package static func part(_ fields: JournalFields) -> LinePart? {
    guard let message = fields.message, message.first != UInt8(ascii: "@") else { return nil }
    let line = message[...].drop { $0 == UInt8(ascii: " ") }
    guard !PAMSession.isModuleLine(line) else { return nil }
    guard let mark = places(of: " : ", in: line.prefix(300)).first,
      let more = rest(of: line[(mark + 3)...], after: "(command continued) ")
    else { return LinePart(continuation: nil) }
    return LinePart(continuation: Array(more), blankBelow: longestPart)
  }

  private static func read(_ message: ArraySlice<UInt8>, _ fields: JournalFields) -> Recognition? {
    if message.first == UInt8(ascii: "@") { return SudoJSONLine.read(message) }
    if PAMSession.isModuleLine(message) {
      return PAMSession.opened(message).map { session($0, fields) }
    }
    return read(line: message.drop { $0 == UInt8(ascii: " ") })
  }

  /// The session that PAM opens for the command: the event itself where sudo does not log.
  private static func session(_ session: PAMSession, _ fields: JournalFields) -> Recognition {
    var recognition = Recognition(.use, kind: .sudoRule, object: named("account:", session.user))
    if !session.caller.isEmpty {
      recognition.subject = named("user:", session.caller)
      recognition.actorUser = escaped(session.caller)
    }
    recognition.trusted = true
    recognition.echo = Echo(.process, "run")
    return recognition
  }

  private static func read(line: ArraySlice<UInt8>) -> Recognition? {
    guard let mark = places(of: " : ", in: line).first, mark > line.startIndex else { return nil }
    let caller = line[..<mark]
    let text = line[(mark + 3)...]
    var recognition = Recognition(.use, kind: .sudoRule, subject: named("user:", caller))
    recognition.actorUser = escaped(caller)
    if let more = rest(of: text, after: "(command continued) ") {
      recognition.command = command(more)
      return recognition
    }
    if let reason = reason(text) {
      // Words about the policy's own files are no refusal.
      guard reason.first != UInt8(ascii: "/") else { return nil }
      recognition.type = .denied
    }
    let commands = commands(text)
    guard let chosen = commands.last else {
      // `unknown user nosuch`: refused before there was a command.
      return recognition.type == .denied ? recognition : nil
    }
    var words = text[chosen...].dropFirst(" ; COMMAND=".utf8.count)
    if let end = endReport(words) {
      words = words[..<end]
      recognition.isEndReport = true
    } else if recognition.type == .use {
      // Later commands of the same sudo (`log_subcmds`), and the session of PAM.
      recognition.echo = Echo(.process, "run")
    }
    recognition.command = command(words)
    let users = users(text[..<chosen])
    if let user = users.last { recognition.object = named("account:", user) }
    recognition.trusted = commands.count == 1 && users.count == 1
    return recognition
  }

  /// What stands before the first field, where it is none itself.
  private static func reason(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let end = places(of: " ; ", in: text).first ?? text.endIndex
    let first = text[..<end]
    for field in [
      "HOST=", "TTY=", "CHROOT=", "PWD=", "USER=", "GROUP=", "ENV=", "TSID=", "COMMAND=",
    ] as [StaticString]
    where rest(of: first, after: field) != nil { return nil }
    return first
  }

  /// Where ` ; COMMAND=` stands outside quotes; those inside only if there is no other.
  private static func commands(_ text: ArraySlice<UInt8>) -> [Int] {
    let all = places(of: " ; COMMAND=", in: text).all
    guard all.count > 1, all.count <= mostReadings else { return all }
    let open = all.filter { isBalanced(text[$0...].dropFirst(" ; COMMAND=".utf8.count)) }
    return open.isEmpty ? all : open
  }

  /// A line with more readings than this is not worth the time: none of them would be trusted.
  private static let mostReadings = 8

  /// The target users that the fields before the command name.
  private static func users(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    places(of: " ; USER=", in: text).all.suffix(mostReadings).map { at in
      let value = text[at...].dropFirst(" ; USER=".utf8.count)
      return value[..<(places(of: " ; ", in: value).first ?? value.endIndex)]
    }
  }

  /// True when every quote in `words` is closed; sudo quotes arguments with blanks in `'…'` and
  /// writes a quote as `\'`.
  private static func isBalanced(_ words: ArraySlice<UInt8>) -> Bool {
    var quoted = false
    var escaped = false
    for byte in words {
      if escaped {
        escaped = false
      } else if byte == UInt8(ascii: "\\") {
        escaped = true
      } else if byte == UInt8(ascii: "'") {
        quoted.toggle()
      }
    }
    return !quoted
  }

  /// Where ` ; EXIT=0` begins at the end of a line that `log_exit_status` adds.
  private static func endReport(_ words: ArraySlice<UInt8>) -> Int? {
    guard let at = places(of: " ; EXIT=", in: words).last,
      decimal(words[at...].dropFirst(" ; EXIT=".utf8.count)) != nil
    else { return nil }
    return at
  }

  private static func command(_ words: ArraySlice<UInt8>) -> String { escaped(words.prefix(4096)) }
}
