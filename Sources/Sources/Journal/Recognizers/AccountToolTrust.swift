internal import ByteText
internal import Grants

/// What is known beyond its text of a line of an account tool.
enum AccountToolTrust {
  /// Programs that become an account tool while journald still remembers them by their pid.
  private static let carriers = ["pkexec", "sudo", "su", "runuser", "doas"].map { Array($0.utf8) }

  /// Fills in what sender and command line say; a line that root did not send is a spoof.
  ///
  /// The tools log as root, whoever called them. A refusal (`denied`) is the exception: it comes
  /// from the caller, and is believed when it comes from the tool's own program.
  static func judge(
    _ recognition: consuming Recognition?, _ fields: JournalFields, tools: [[UInt8]]
  ) -> Recognition? {
    let program = fields.program
    func isOne(of names: [[UInt8]]) -> Bool {
      program.map { program in names.contains { $0[...] == program } } ?? false
    }
    let isTool = isOne(of: tools)
    let isSystems = fields.exe.map { isSystemPath($0[...]) } ?? true
    guard fields.uid == 0 else {
      if var denied = recognition, denied.type == .denied, isTool, isSystems {
        denied.trusted = true
        return denied
      }
      // Over before its program was looked up: anybody's, and it changed nothing.
      if let denied = recognition, denied.type == .denied, program == nil { return denied }
      return spoof(recognition)
    }
    if program != nil, !isTool, !isOne(of: carriers) { return spoof(recognition) }
    guard var recognition else { return nil }
    let isReadOneWay = recognition.subject != nil || recognition.object != nil
    recognition.trusted = isSystems && isReadOneWay
    recognition.root = tree(fields.commandLine, isGpasswd: tools == GpasswdLine.tools)
    for index in recognition.further.indices {
      recognition.further[index].trusted = recognition.trusted
    }
    return recognition
  }

  /// True for the tools that may be told to work on another tree.
  static func knowsTree(_ tool: [UInt8]) -> Bool { treeTools.contains(tool) }

  private static let treeTools = UsermodLine.tools + GpasswdLine.tools + GroupToolLine.tools

  private static func spoof(_ recognition: Recognition?) -> Recognition {
    var spoof = recognition ?? Recognition(.spoof)
    spoof.type = .spoof
    spoof.echo = nil
    spoof.isSilent = false
    spoof.further = []
    spoof.trusted = false
    return spoof
  }

  private static func isSystemPath(_ path: ArraySlice<UInt8>) -> Bool {
    rest(of: path, after: "/usr/") != nil || rest(of: path, after: "/bin/") != nil
      || rest(of: path, after: "/sbin/") != nil
  }

  /// The tree of `-P DIR`, `--prefix DIR`, `-R DIR` or `--root DIR`, escaped; gpasswd has `-Q` for
  /// it, and `-R` for something else. Bundles such as `-rP` are not told from arguments.
  private static func tree(_ commandLine: [UInt8]?, isGpasswd: Bool) -> String? {
    guard let commandLine else { return nil }
    let short: [StaticString] = isGpasswd ? gpasswdShort : otherShort
    let long: [StaticString] = isGpasswd ? gpasswdLong : otherLong
    for at in places(of: " -", in: commandLine[...]).all {
      let option = commandLine[(at + 1)...]
      let word = option.prefix { $0 != UInt8(ascii: " ") }
      if isEqual(word, "--") { return nil }
      if short.contains(where: { isEqual(word, $0) }) || long.contains(where: { isEqual(word, $0) })
      {
        return treeName(option.dropFirst(word.count + 1).prefix { $0 != UInt8(ascii: " ") })
      }
      let value = word.dropFirst(2)
      if value.first == UInt8(ascii: "/"), short.contains(where: { isEqual(word.prefix(2), $0) }) {
        return treeName(value)
      }
      if let equals = word.firstIndex(of: UInt8(ascii: "=")),
        long.contains(where: { isEqual(word[..<equals], $0) })
      {
        return treeName(word[(equals + 1)...])
      }
    }
    return nil
  }

  private static let gpasswdShort: [StaticString] = ["-Q"]
  private static let gpasswdLong: [StaticString] = ["--root"]
  private static let otherShort: [StaticString] = ["-P", "-R"]
  private static let otherLong: [StaticString] = ["--prefix", "--root"]

  private static func isEqual(_ word: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
    word.count == text.utf8CodeUnitCount && rest(of: word, after: text) != nil
  }

  private static func treeName(_ path: ArraySlice<UInt8>) -> String? {
    var path = path
    while path.last == UInt8(ascii: "/") { path.removeLast() }
    return path.isEmpty ? nil : escaped(path)
  }
}
