import ByteText
package import Grants

extension AgentSignatures {
  /// Where the files lie that came with Grantwatch.
  package static let vendorFolder = "/usr/lib/grantwatch/agents.d"

  /// Reads the files of agents.d. A later file replaces an earlier one of the same name, an empty
  /// one removes it; what is wrong comes back as findings, and the rest is used. A file of the
  /// administrator's that only says `Provisioned=yes` adds to the other of the same agent.
  ///
  /// - Parameter vendor: the folder of files that came with Grantwatch.
  package static func read(
    _ files: [(path: String, bytes: [UInt8])], vendor: String = vendorFolder
  ) -> (signatures: AgentSignatures, findings: [ConfigurationFinding]) {
    var last: [String: Int] = [:]
    for (index, file) in files.enumerated() { last[baseName(file.path)] = index }
    var found: [AgentSignature] = []
    var declarations: [AgentSignature] = []
    var findings: [ConfigurationFinding] = []
    for index in last.values.sorted() {
      let file = INIFile(files[index].bytes, file: files[index].path)
      findings += file.findings
      guard !file.sections.isEmpty else { continue }
      let isAdmins = !files[index].path.hasPrefix(vendor + "/")
      guard let signature = signature(of: file, files[index].path, isAdmins, &findings) else {
        continue
      }
      if signature.isProvisioned, signature.matchesNothing {
        declarations.append(signature)
        continue
      }
      if let earlier = found.firstIndex(where: { $0.name == signature.name }) {
        findings.append(
          ConfigurationFinding(
            file: files[index].path, line: 1, isError: false,
            message: "agent '\(signature.name)' was described by another file; this one counts"))
        found.remove(at: earlier)
      }
      found.append(signature)
    }
    for declaration in declarations {
      guard let place = found.firstIndex(where: { $0.name == declaration.name }) else {
        findings.append(
          ConfigurationFinding(
            file: declaration.file, line: 1, isError: false,
            message:
              "no other file describes agent '\(declaration.name)', and this one has no [Match]"))
        continue
      }
      found[place].isProvisioned = true
    }
    return (AgentSignatures(found), findings)
  }

  private static let keys: [String: [String]] = [
    "Agent": ["Name", "Vendor", "Type", "Provisioned"],
    "Match": [
      "Executable", "Argument", "Command", "Environment", "Hint", "Together", "Package", "Unit",
      "Cgroup", "User",
    ],
    "Session": ["Environment"],
    "Risk": ["SkipPermissions"],
    "Model": ["Name", "Source", "Revision", "Environment", "HuggingFace", "Local"],
  ]

  private static func signature(
    of file: INIFile, _ path: String, _ isAdmins: Bool, _ findings: inout [ConfigurationFinding]
  ) -> AgentSignature? {
    var signature = AgentSignature(name: "")
    signature.file = path
    signature.isAdmins = isAdmins
    for section in file.sections {
      guard let known = keys[section.name] else {
        findings.append(
          section.finding(
            error: false,
            unknown("section", "[\(section.name)]", nearest(to: section.name, among: keys.keys))))
        continue
      }
      for entry in section.entries {
        guard known.contains(entry.key) else {
          findings.append(
            entry.finding(
              error: false,
              unknown("key", "'\(entry.key)'", nearest(to: entry.key, among: known))))
          continue
        }
        take(entry, of: section.name, into: &signature, &findings)
      }
    }
    func fault(_ message: String, error: Bool) {
      findings.append(
        ConfigurationFinding(file: path, line: 1, isError: error, message: message))
    }
    guard !signature.name.isEmpty else {
      fault("section [Agent] has no 'Name='", error: true)
      return nil
    }
    if signature.isProvisioned, !isAdmins {
      signature.isProvisioned = false
      fault("'Provisioned=' is the administrator's to say: ignored here", error: false)
    }
    if signature.matchesNothing, !signature.isProvisioned {
      fault("section [Match] is missing or empty: the agent is never found", error: false)
    }
    return signature
  }

  private static func take(
    _ entry: INIEntry, of section: String, into signature: inout AgentSignature,
    _ findings: inout [ConfigurationFinding]
  ) {
    switch (section, entry.key) {
    case ("Agent", "Name"):
      guard isName(entry.value) else {
        findings.append(
          entry.finding(
            error: true, "'Name=' wants letters, digits, '-', '_' and '.', at most 64 of them"))
        return
      }
      signature.name = entry.value
    case ("Agent", "Vendor"): signature.vendor = entry.value
    case ("Agent", "Type"):
      guard ["agent", "model-runner"].contains(entry.value) else {
        findings.append(entry.finding(error: true, "'Type=' is agent or model-runner"))
        return
      }
      signature.isRunner = entry.value == "model-runner"
    case ("Agent", _): take(entry, into: &signature.isProvisioned, &findings)
    case ("Match", "Executable"): signature.executables += entry.words
    case ("Match", "Argument"): signature.arguments += entry.words
    case ("Match", "Command"): signature.commands += entry.words
    case ("Match", "Unit"): signature.units += entry.words
    case ("Match", "User"): signature.users += entry.words
    case ("Match", "Cgroup"): signature.controlGroups += entry.words
    case ("Match", "Package"):
      signature.packages += entry.words.map { PythonEnvironment.normal(Array($0.utf8)) }
    case ("Match", "Together"):
      let markers = entry.words.compactMap(marker)
      guard markers.count >= 2, markers.count == entry.words.count else {
        findings.append(
          entry.finding(error: true, "'Together=' wants two or more of NAME or NAME=PATTERN"))
        return
      }
      signature.together.append(markers)
    case ("Match", let key):
      for word in entry.words {
        guard let marker = marker(word) else {
          findings.append(
            entry.finding(error: true, "'\(word)' is not NAME or NAME=PATTERN"))
          continue
        }
        if key == "Hint" {
          signature.hints.append(marker)
        } else {
          signature.environment.append(marker)
        }
      }
    case ("Session", _): signature.sessionVariables += entry.words
    case ("Model", "Name"): signature.model.names += entry.words.map { Array($0.utf8) }
    case ("Model", "Source"): signature.model.sources += entry.words.map { Array($0.utf8) }
    case ("Model", "Revision"): signature.model.revisions += entry.words.map { Array($0.utf8) }
    case ("Model", "Environment"): signature.model.environment += entry.words
    case ("Model", "HuggingFace"): take(entry, into: &signature.model.isHuggingFace, &findings)
    case ("Model", _): take(entry, into: &signature.model.mayBeLocal, &findings)
    default: signature.skipPermissions += entry.words
    }
  }

  private static func take(
    _ entry: INIEntry, into value: inout Bool, _ findings: inout [ConfigurationFinding]
  ) {
    switch entry.value {
    case "yes": value = true
    case "no": value = false
    default: findings.append(entry.finding(error: true, "'\(entry.key)=' is yes or no"))
    }
  }

  private static func marker(_ word: String) -> AgentSignature.Marker? {
    let bytes = Array(word.utf8)
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
      return AgentSignature.Marker(name: bytes, pattern: [UInt8(ascii: "*")])
    }
    guard equals > 0 else { return nil }
    return AgentSignature.Marker(
      name: Array(bytes[..<equals]), pattern: Array(bytes[(equals + 1)...]))
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 64
      && text.utf8.allSatisfy {
        isDigit($0) || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e
      }
  }

  private static func unknown(_ what: String, _ name: String, _ near: String?) -> String {
    "unknown \(what) \(name), ignored" + (near.map { "; did you mean '\($0)'?" } ?? "")
  }

  private static func baseName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
