import ByteText

/// What is wrong with a configuration file, and where: printed as `file:line: message`.
package struct ConfigurationFinding: Equatable, Sendable, CustomStringConvertible {
  package var file: String
  /// Counted from 1.
  package var line: Int
  /// False for a warning: the rest of the file is used.
  package var isError: Bool
  package var message: String

  package init(file: String, line: Int, isError: Bool, message: String) {
    self.file = file
    self.line = line
    self.isError = isError
    self.message = message
  }

  package var description: String { "\(file):\(line): \(message)" }
}

/// One `Key=Value` with its place.
package struct INIEntry: Equatable, Sendable {
  package var key: String
  package var value: String
  package var file: String
  package var line: Int

  /// The value as a list: words between blanks.
  package var words: [String] {
    value.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
  }

  /// A finding at this entry's place.
  package func finding(error: Bool, _ message: String) -> ConfigurationFinding {
    ConfigurationFinding(file: file, line: line, isError: error, message: message)
  }
}

/// One `[Name]` or `[Name argument]` with what stands below it.
package struct INISection: Equatable, Sendable {
  package var name: String
  /// `agents` of `[Rule agents]`; nil when there is none.
  package var argument: String?
  package var file: String
  package var line: Int
  package var entries: [INIEntry]

  package func finding(error: Bool, _ message: String) -> ConfigurationFinding {
    ConfigurationFinding(file: file, line: line, isError: error, message: message)
  }
}

/// Configuration text in systemd's manner (systemd.syntax(7)): sections, `Key=Value`, comment lines
/// that begin with `#` or `;`, lines continued by a backslash at their end.
package struct INIFile: Sendable {
  package var sections: [INISection] = []
  package var findings: [ConfigurationFinding] = []

  /// Longest file that is read, in bytes.
  package static let longest = 1 << 20

  /// Reads `bytes`; `file` is the name for findings. Never fails: what cannot be read is a finding.
  package init(_ bytes: [UInt8], file: String) {
    guard bytes.count <= Self.longest else {
      findings.append(
        ConfigurationFinding(
          file: file, line: 1, isError: true,
          message: "file is longer than \(Self.longest) bytes"))
      return
    }
    var number = 0
    var pending = ""
    var pendingLine = 0
    for raw in split(bytes[...], at: 0x0a) {
      number += 1
      guard let text = String(validating: raw, as: UTF8.self) else {
        findings.append(
          ConfigurationFinding(
            file: file, line: number, isError: true, message: "line is not UTF-8"))
        continue
      }
      var line = trimmed(text)
      if pending.isEmpty, line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
      if pending.isEmpty { pendingLine = number }
      if line.hasSuffix("\\") {
        line.removeLast()
        pending += line + " "
        continue
      }
      take(pending + line, file: file, line: pendingLine)
      pending = ""
    }
    if !pending.isEmpty { take(trimmed(pending), file: file, line: pendingLine) }
  }

  private mutating func take(_ text: String, file: String, line: Int) {
    func error(_ message: String) -> ConfigurationFinding {
      ConfigurationFinding(file: file, line: line, isError: true, message: message)
    }
    if text.hasPrefix("[") {
      guard text.hasSuffix("]") else {
        findings.append(error("section header does not end with ']'"))
        return
      }
      let words = text.dropFirst().dropLast().split(separator: " ", maxSplits: 1)
      guard let name = words.first else {
        findings.append(error("section header has no name"))
        return
      }
      sections.append(
        INISection(
          name: String(name), argument: words.count > 1 ? trimmed(String(words[1])) : nil,
          file: file, line: line, entries: []))
      return
    }
    guard let equals = text.firstIndex(of: "=") else {
      findings.append(error("'Key=Value' or a section header expected"))
      return
    }
    guard !sections.isEmpty else {
      findings.append(error("a key stands before the first section header"))
      return
    }
    sections[sections.count - 1].entries.append(
      INIEntry(
        key: trimmed(String(text[..<equals])),
        value: trimmed(String(text[text.index(after: equals)...])), file: file, line: line))
  }
}

/// `text` without the blanks at its ends.
package func trimmed(_ text: String) -> String {
  var bytes = text.utf8[...]
  while let first = bytes.first, isBlank(first) { bytes = bytes.dropFirst() }
  while let last = bytes.last, isBlank(last) { bytes = bytes.dropLast() }
  return String(bytes) ?? ""
}
