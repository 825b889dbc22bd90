import ByteText

/// Why a file could not be read.
package struct ConfigurationReadFailure: Error, Equatable, Sendable {
  /// As strerror(3) says it.
  package var reason: String

  package init(reason: String) { self.reason = reason }
}

extension Configuration {
  /// Reads the file at `path`, then `grantwatch.conf.d/*.conf` beside it in byte order, then
  /// `webhooks.d/*.conf` and `connectors.d/*.conf`.
  ///
  /// A later file overrides single keys; a list is added to, and an empty value empties it. A rule
  /// of a drop-in that has the name of an earlier file's rule changes that rule's keys where it
  /// stands; a new one comes after those read before. `list` gives the names in a folder, nothing
  /// when there is none. The configuration is nil when a finding is an error.
  package static func load(
    _ path: String, read: (String) -> Result<[UInt8], ConfigurationReadFailure>,
    list: (String) -> [String]
  ) -> (configuration: Configuration?, findings: [ConfigurationFinding]) {
    var loader = ConfigurationLoader()
    let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
    func files(in name: String) -> [String] {
      list(folder + name).filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(folder)\(name)/\($0)" }
    }
    for file in [path] + files(in: "grantwatch.conf.d") {
      loader.main(file: file, read(file))
    }
    for file in files(in: "webhooks.d") { loader.webhook(file: file, read(file)) }
    for file in files(in: "connectors.d") { loader.connector(file: file, read(file)) }
    loader.check()
    let failed = loader.findings.contains { $0.isError }
    return (failed ? nil : loader.configuration, loader.findings)
  }
}

private struct ConfigurationLoader {
  var configuration = Configuration()
  var findings: [ConfigurationFinding] = []
  /// Keys that a file gave, as `Section.Key`.
  var given: Set<String> = []
  /// Where each rule's name stands first.
  var places: [String: INISection] = [:]

  mutating func sections(
    of file: String, _ result: Result<[UInt8], ConfigurationReadFailure>
  ) -> [INISection] {
    switch result {
    case .success(let bytes):
      let parsed = INIFile(bytes, file: file)
      findings += parsed.findings
      return parsed.sections
    case .failure(let failure):
      findings.append(
        ConfigurationFinding(
          file: file, line: 1, isError: true, message: "cannot be read: \(failure.reason)"))
      return []
    }
  }

  mutating func main(file: String, _ result: Result<[UInt8], ConfigurationReadFailure>) {
    var namesHere: Set<String> = []
    for section in sections(of: file, result) {
      if section.name == "Rule" {
        rule(section, namesHere: &namesHere)
      } else if section.name == "LogFile" {
        logFile(section)
      } else if let settings = configurationSettings[section.name], section.argument == nil {
        var changed = configuration
        apply(settings, section, scope: section.name, to: &changed)
        configuration = changed
      } else {
        unknown(section, among: configurationSettings.keys.sorted() + ["Rule", "LogFile"])
      }
    }
  }

  /// A section of a later file changes the keys of the one with its name.
  mutating func logFile(_ section: INISection) {
    guard let name = section.argument, !name.isEmpty,
      name.utf8.allSatisfy({ isAlphanumeric($0) || "-_.".utf8.contains($0) }),
      !["journal", "audit", "fanotify", "state", "daemon"].contains(name)
    else {
      findings.append(
        section.finding(
          error: true, "'[LogFile NAME]' expected: letters, digits, '-', '_' and '.'"))
      return
    }
    let index = configuration.logFiles.firstIndex { $0.name == name }
    var file = index.map { configuration.logFiles[$0] } ?? LogFileConfiguration(name: name)
    apply(logFileSettings, section, scope: "LogFile \(name)", to: &file)
    if file.path.isEmpty {
      findings.append(section.finding(error: true, "section [LogFile \(name)] has no 'Path='"))
    }
    if file.format == .json, file.kind == nil || file.subject.isEmpty || file.object.isEmpty {
      findings.append(
        section.finding(
          error: true,
          "section [LogFile \(name)]: Format=json wants 'Kind=', 'Subject=' and 'Object='"))
    }
    if let index {
      configuration.logFiles[index] = file
    } else {
      configuration.logFiles.append(file)
    }
  }

  mutating func rule(_ section: INISection, namesHere: inout Set<String>) {
    guard let name = section.argument, !name.isEmpty else {
      findings.append(section.finding(error: true, "rule has no name: '[Rule NAME]' expected"))
      return
    }
    guard name.utf8.allSatisfy({ isAlphanumeric($0) || "-_.".utf8.contains($0) }) else {
      findings.append(
        section.finding(
          error: true, "bad rule name '\(name)': letters, digits, '-', '_' and '.' expected"))
      return
    }
    guard namesHere.insert(name).inserted else {
      let first = places[name].map { " (first in line \($0.line))" } ?? ""
      findings.append(section.finding(error: true, "duplicate rule '\(name)'\(first)"))
      return
    }
    places[name] = section
    let index = configuration.rules.firstIndex { $0.name == name }
    var rule = index.map { configuration.rules[$0] } ?? Rule(name: name)
    apply(ruleSettings, section, scope: "Rule \(name)", to: &rule)
    if let index { configuration.rules[index] = rule } else { configuration.rules.append(rule) }
    for entry in section.entries where entry.key == "Kind" { checkKinds(entry) }
  }

  /// A kind that this version does not know matches nothing: worth a word.
  mutating func checkKinds(_ entry: INIEntry) {
    for word in entry.words
    where GrantKind(rawValue: word) == nil
      && !GrantKind.wellKnown.contains(where: { matches($0, word) })
    {
      let hint = nearest(to: word, among: GrantKind.wellKnown.map(\.rawValue))
      findings.append(
        entry.finding(
          error: false, "no kind of grant is named '\(word)'" + Self.question(hint)))
    }
    func matches(_ kind: GrantKind, _ pattern: String) -> Bool {
      glob(pattern, matches: kind.rawValue)
    }
  }

  /// The name of what a file of its own describes: `NAME.conf`.
  static func name(of file: String) -> String {
    let start = file.utf8.lastIndex(of: UInt8(ascii: "/")).map(file.utf8.index(after:))
    return String(file[(start ?? file.startIndex)...].dropLast(".conf".count))
  }

  mutating func connector(file: String, _ result: Result<[UInt8], ConfigurationReadFailure>) {
    var connector = ConnectorConfiguration(name: Self.name(of: file))
    let before = findings.count
    var last = 1
    for section in sections(of: file, result) {
      if section.name == "Connector", section.argument == nil {
        last = section.line
        apply(connectorSettings, section, scope: "Connector \(connector.name)", to: &connector)
      } else {
        unknown(section, among: ["Connector"])
      }
    }
    func refuse(_ message: String) {
      guard !findings[before...].contains(where: { $0.isError }) else { return }
      findings.append(
        ConfigurationFinding(file: file, line: last, isError: true, message: message))
    }
    if connector.kind == nil {
      refuse("a connector's name has letters, digits and '-', at most 64 of them")
    }
    if connector.user.isEmpty { refuse("User= is missing") }
    configuration.connectors.append(connector)
  }

  mutating func webhook(file: String, _ result: Result<[UInt8], ConfigurationReadFailure>) {
    let name = Self.name(of: file)
    var webhook = WebhookConfiguration(name: name)
    let before = findings.count
    var last = 1
    for section in sections(of: file, result) {
      if section.name == "Webhook", section.argument == nil {
        last = section.line
        apply(webhookSettings, section, scope: "Webhook \(name)", to: &webhook)
      } else {
        unknown(section, among: ["Webhook"])
      }
    }
    if webhook.url.isEmpty, !findings[before...].contains(where: { $0.isError }) {
      findings.append(
        ConfigurationFinding(file: file, line: last, isError: true, message: "URL= is missing"))
    }
    configuration.webhooks.append(webhook)
  }

  /// What only shows when every file is read.
  mutating func check() {
    for rule in configuration.rules where rule.onDeadline == .revoke && rule.ttl == nil {
      guard let place = places[rule.name] else { continue }
      findings.append(
        place.finding(
          error: false, "rule '\(rule.name)' has OnDeadline=revoke but no TTL=: it revokes nothing"
        ))
    }
  }

  mutating func apply<Target>(
    _ settings: [Setting<Target>], _ section: INISection, scope: String, to target: inout Target
  ) {
    for entry in section.entries {
      guard let setting = settings.first(where: { $0.key == entry.key }) else {
        let hint = nearest(to: entry.key, among: settings.map(\.key))
        findings.append(
          entry.finding(
            error: false,
            "unknown key '\(entry.key)' in [\(section.title)]" + Self.question(hint)))
        continue
      }
      let isFirst = given.insert("\(scope).\(entry.key)").inserted
      do throws(BadValue) {
        try setting.set(&target, SettingValue(entry: entry, isFirst: isFirst))
      } catch {
        findings.append(entry.finding(error: true, error.message))
      }
    }
  }

  mutating func unknown(_ section: INISection, among names: [String]) {
    let hint = nearest(to: section.name, among: names)
    findings.append(
      section.finding(
        error: false, "unknown section [\(section.title)]" + Self.question(hint)))
  }

  static func question(_ hint: String?) -> String { hint.map { "; did you mean '\($0)'?" } ?? "" }
}

extension INISection {
  fileprivate var title: String { argument.map { "\(name) \($0)" } ?? name }
}
