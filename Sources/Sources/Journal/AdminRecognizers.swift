internal import ByteText
package import Grants

/// The recognisers of recognizers.d, ready for use.
package struct AdminRecognizers: Sendable {
  /// Where the vendor's recognisers lie; files of the same name beside the configuration take their
  /// place.
  package static let vendorFolder = "/usr/lib/grantwatch/recognizers.d"

  private var byIdentifier: [[UInt8]: [AdminRecognizer]] = [:]

  package init() {}

  /// Every identifier worth asking the journal for.
  package var identifiers: [String] {
    byIdentifier.keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  /// The tool that the entry calls itself, and what its line says.
  package func recognize(_ fields: JournalFields) -> (tool: [UInt8], recognition: Recognition)? {
    for identifier in fields.identifiers {
      for recognizer in byIdentifier[identifier] ?? [] {
        guard var recognition = recognizer.recognize(fields) else { continue }
        if fields.identifiers.count > 1 { recognition.trusted = false }
        return (identifier, recognition)
      }
    }
    return nil
  }

  /// Reads the files of recognizers.d. A later file replaces an earlier one of the same name, an
  /// empty one removes it; what is wrong comes back as findings, and the rest is used.
  package static func read(
    _ files: [(path: String, bytes: [UInt8])]
  ) -> (recognizers: AdminRecognizers, findings: [ConfigurationFinding]) {
    var last: [String: Int] = [:]
    for (index, file) in files.enumerated() {
      last[file.path.split(separator: "/").last.map(String.init) ?? file.path] = index
    }
    var recognizers = AdminRecognizers()
    var findings: [ConfigurationFinding] = []
    for index in last.values.sorted() {
      let file = INIFile(files[index].bytes, file: files[index].path)
      findings += file.findings
      guard !file.sections.isEmpty else { continue }
      var reader = AdminRecognizerReader(file: file, path: files[index].path)
      if let recognizer = reader.read() {
        for identifier in recognizer.identifiers {
          recognizers.byIdentifier[Array(identifier.utf8), default: []].append(recognizer)
        }
      }
      findings += reader.findings
    }
    return (recognizers, findings)
  }
}

/// Reads one file of recognizers.d.
private struct AdminRecognizerReader {
  let file: INIFile
  let path: String
  var findings: [ConfigurationFinding] = []

  private static let senderKeys = ["Name", "Identifier", "UID", "Executable", "Unit", "Transport"]
  private static let lineKeys = [
    "Pattern", "Type", "Kind", "Subject", "Object", "Right", "Actor", "Command",
  ]

  init(file: INIFile, path: String) {
    self.file = file
    self.path = path
  }

  mutating func read() -> AdminRecognizer? {
    var recognizer = AdminRecognizer(name: "")
    for section in file.sections {
      switch section.name {
      case "Recognizer": sender(section, &recognizer)
      case "Line": if let line = line(section) { recognizer.lines.append(line) }
      default:
        findings.append(
          section.finding(
            error: false,
            unknown("section", "[\(section.name)]", section.name, ["Recognizer", "Line"])))
      }
    }
    if recognizer.name.isEmpty { fault("section [Recognizer] has no 'Name='") }
    if recognizer.identifiers.isEmpty {
      fault("section [Recognizer] has no 'Identifier=': the journal cannot be asked for its lines")
    }
    if recognizer.uids.isEmpty, recognizer.executables.isEmpty, recognizer.units.isEmpty {
      fault("'UID=', 'Executable=' or 'Unit=' is missing: anybody could write such lines")
    }
    if !file.sections.contains(where: { $0.name == "Line" }) { fault("there is no [Line]") }
    return findings.contains(where: \.isError) ? nil : recognizer
  }

  private mutating func fault(_ message: String) {
    findings.append(
      ConfigurationFinding(file: path, line: 1, isError: true, message: message))
  }

  private func unknown(_ what: String, _ shown: String, _ word: String, _ known: [String]) -> String
  {
    "unknown \(what) \(shown), ignored"
      + (nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? "")
  }

  private mutating func sender(_ section: INISection, _ recognizer: inout AdminRecognizer) {
    for entry in section.entries {
      switch entry.key {
      case "Name": recognizer.name = entry.value
      case "Identifier":
        for word in entry.words where Recognizers.recognizer(Array(word.utf8)) != nil {
          findings.append(
            entry.finding(error: true, "'\(word)' has a recogniser of Grantwatch's own"))
        }
        recognizer.identifiers += entry.words
      case "UID":
        for word in entry.words {
          if let uid = UInt32(word) {
            recognizer.uids.append(uid)
          } else {
            findings.append(entry.finding(error: true, "'\(word)' is no uid: a number expected"))
          }
        }
      case "Executable": recognizer.executables += entry.words
      case "Unit": recognizer.units += entry.words
      case "Transport": recognizer.transports += entry.words
      default:
        findings.append(
          entry.finding(
            error: false, unknown("key", "'\(entry.key)'", entry.key, Self.senderKeys)))
      }
    }
  }

  private mutating func line(_ section: INISection) -> AdminRecognizer.Line? {
    var values: [String: INIEntry] = [:]
    for entry in section.entries {
      if Self.lineKeys.contains(entry.key) {
        values[entry.key] = entry
      } else {
        findings.append(
          entry.finding(error: false, unknown("key", "'\(entry.key)'", entry.key, Self.lineKeys)))
      }
    }
    guard let given = values["Pattern"] else {
      findings.append(section.finding(error: true, "section [Line] has no 'Pattern='"))
      return nil
    }
    do throws(BadPattern) {
      let pattern = try LinePattern(given.value)
      var line = AdminRecognizer.Line(pattern: pattern, type: .use)
      if let type = word(values["Type"], SignalType.allCases.filter { $0 != .spoof }) {
        line.type = type
      } else if values["Type"] == nil {
        findings.append(section.finding(error: true, "section [Line] has no 'Type='"))
      }
      line.kind = kind(values["Kind"])
      line.subject = template(values["Subject"], pattern)
      line.object = template(values["Object"], pattern)
      line.right = template(values["Right"], pattern)
      line.actor = template(values["Actor"], pattern)
      line.command = template(values["Command"], pattern)
      return line
    } catch {
      findings.append(given.finding(error: true, "bad pattern: \(error.reason)"))
      return nil
    }
  }

  private mutating func template(_ entry: INIEntry?, _ pattern: LinePattern) -> LineTemplate? {
    guard let entry else { return nil }
    do throws(BadPattern) {
      return try LineTemplate(entry.value, parts: pattern.names)
    } catch {
      findings.append(entry.finding(error: true, "\(entry.key)=: \(error.reason)"))
      return nil
    }
  }

  private mutating func kind(_ entry: INIEntry?) -> GrantKind? {
    guard let entry else { return nil }
    if let kind = GrantKind(rawValue: entry.value) { return kind }
    let near = nearest(to: entry.value, among: GrantKind.wellKnown.map(\.rawValue))
    findings.append(
      entry.finding(
        error: true,
        "no kind of grant is named '\(entry.value)'"
          + (near.map { "; did you mean '\($0)'?" } ?? "")
      ))
    return nil
  }

  private mutating func word(_ entry: INIEntry?, _ known: [SignalType]) -> SignalType? {
    guard let entry else { return nil }
    if let type = known.first(where: { $0.rawValue == entry.value }) { return type }
    findings.append(
      entry.finding(
        error: true,
        "bad value '\(entry.value)' for Type=: one of "
          + known.map(\.rawValue).joined(separator: ", ") + " expected"))
    return nil
  }
}
