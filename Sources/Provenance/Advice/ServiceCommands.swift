import ByteText
import Grants
import Sources

// MARK: Databases

private let psqlOptions = CommandOptions(
  "cdfhpULoPTvFR",
  long: [
    "command": "c", "dbname": "d", "file": "f", "host": "h", "port": "p", "username": "U",
  ], valuedLong: ["set", "output", "log-file"])
private let createuserOptions = CommandOptions(
  "cghpU",
  long: [
    "superuser": "s", "createdb": "d", "createrole": "r", "no-login": "L", "replication": "x",
    "role": "g", "member-of": "g", "bypassrls": "b", "host": "h", "port": "p", "username": "U",
  ], valuedLong: ["valid-until", "with-member", "with-admin", "member"])

extension FoundCommand {
  var databaseGrants: CommandReading {
    let parsed = psqlOptions.parse(arguments)
    let named = parsed.last("d") ?? parsed.operands.first
    let isPlain = named.map { word in
      word.exact && word.bytes.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "-") }
    }
    var texts = parsed.options.filter { $0.name == "c" }.compactMap(\.value)
    if texts.isEmpty, !parsed.has("f"), let input { texts = [input] }
    let database = isPlain == true ? named.map { escaped($0.bytes) } : nil
    let effects = texts.flatMap { sqlEffects($0.bytes[...], database: database, exact: $0.exact) }
    return .effects(Array(effects.prefix(ChangeGrammar.mostChanges)))
  }

  var databaseRole: CommandReading {
    let parsed = createuserOptions.parse(arguments)
    guard let name = parsed.operands.first, !parsed.has("interactive") else {
      return .notUnderstood
    }
    let role = escaped(name.bytes)
    var rights = parsed.has("L") ? [] : ["LOGIN"]
    for (option, right) in [
      ("s", "SUPERUSER"), ("d", "CREATEDB"), ("r", "CREATEROLE"), ("replication", "REPLICATION"),
      ("x", "REPLICATION"), ("b", "BYPASSRLS"),
    ] where parsed.has(option) {
      rights.append(right)
    }
    func effect(_ object: String, _ right: String, _ exact: Bool) -> CommandEffect {
      CommandEffect(
        kind: .postgresql, subject: "role:" + role, object: "postgresql:role/" + object,
        right: right, exact: exact)
    }
    var effects = [
      effect(role, rights.isEmpty ? "role" : rights.joined(separator: " "), name.exact)
    ]
    for other in parsed.options where other.name == "g" {
      guard let group = other.value else { continue }
      effects.append(effect(escaped(group.bytes), "member", name.exact && group.exact))
    }
    return .effects(effects)
  }

  /// SQL of a dialect that is not read.
  var namesGrant: Bool {
    (arguments + [input].compactMap { $0 }).contains { word in
      word.bytes.split { !isLetter($0) }.contains { part in
        part.count == 5 && String(decoding: part, as: UTF8.self).lowercased() == "grant"
      }
    }
  }
}

/// The grants in SQL text; where the database is not known, only what belongs to none is exact.
func sqlEffects(
  _ text: ArraySlice<UInt8>, database: String?, exact: Bool
) -> [CommandEffect] {
  SQLChange.all(in: text, database: database ?? "?").map { change in
    let isKnown = database != nil || change.object.hasPrefix("postgresql:role/")
    let isOpen = change.subject.utf8.contains(UInt8(ascii: "$"))
    return CommandEffect(
      kind: .postgresql, subject: change.subject, object: change.object, right: change.right,
      exact: exact && isKnown && !isOpen)
  }
}

// MARK: Kubernetes

private let kubectlOptions = CommandOptions(
  "nfoklL",
  long: ["namespace": "n", "filename": "f"],
  valuedLong: [
    "clusterrole", "role", "user", "group", "serviceaccount", "context", "cluster", "kubeconfig",
    "as", "as-group", "dry-run", "type", "patch", "server", "token",
  ])

extension FoundCommand {
  var roleBindings: CommandReading {
    let parsed = kubectlOptions.parse(arguments)
    var words = parsed.operands[...]
    guard let verb = words.popFirst()?.text else { return .effects([]) }
    let isApplied = ["apply", "create", "replace"].contains(verb)
    if isApplied, let text = input, words.isEmpty { return namesBinding(text) }
    guard let kind = words.popFirst()?.text else {
      return parsed.has("f")
        && parsed.options.contains { option in
          option.value.map { Self.namesRoleBinding($0.bytes) } ?? false
        } ? .notUnderstood : .effects([])
    }
    let isCluster = kind.hasPrefix("clusterrolebinding")
    guard isCluster || kind.hasPrefix("rolebinding") else { return .effects([]) }
    switch verb {
    case "create": break
    case "get", "describe", "delete", "label", "annotate", "explain": return .effects([])
    default: return .notUnderstood
    }
    guard let name = words.first else { return .notUnderstood }
    let right: String
    var isKnown = name.exact
    if let role = parsed.last("clusterrole") {
      right = "ClusterRole/" + escaped(role.bytes)
      isKnown = isKnown && role.exact
    } else if let role = parsed.last("role") {
      right = "Role/" + escaped(role.bytes)
      isKnown = isKnown && role.exact
    } else {
      return .notUnderstood
    }
    let space = parsed.last("n")
    var object = "kubernetes:clusterrolebinding/" + escaped(name.bytes)
    if !isCluster {
      object =
        "kubernetes:rolebinding/\(space.map { escaped($0.bytes) } ?? "?")/\(escaped(name.bytes))"
      isKnown = isKnown && space?.exact == true
    }
    var effects: [CommandEffect] = []
    for option in parsed.options where ["user", "group", "serviceaccount"].contains(option.name) {
      guard let value = option.value else { continue }
      for part in split(value.bytes[...], at: UInt8(ascii: ",")).prefix(64) {
        var who = escaped(part)
        if option.name == "serviceaccount" {
          who = who.replacing(":", with: "/", maxReplacements: 1)
        }
        effects.append(
          CommandEffect(
            kind: .kubernetes, subject: option.name + ":" + who, object: object, right: right,
            exact: isKnown && value.exact))
      }
    }
    return effects.isEmpty ? .notUnderstood : .effects(effects)
  }

  private func namesBinding(_ text: ShellWord) -> CommandReading {
    Self.namesRoleBinding(text.bytes) ? .notUnderstood : .effects([])
  }

  private static func namesRoleBinding(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes.prefix(65_536), as: UTF8.self).lowercased().contains("rolebinding")
  }
}

// MARK: Containers

extension FoundCommand {
  /// True for a container that is given the host: its root folder, its processes, all devices, or
  /// the socket of the one who runs containers as root.
  var reachesHost: Bool {
    var isRun = false
    for (at, word) in arguments.enumerated().prefix(256) {
      let text = word.text
      if text == "run" || text == "create" { isRun = true }
      guard isRun else { continue }
      if ["--privileged", "--pid=host", "--userns=host", "--cap-add=ALL"].contains(text) {
        return true
      }
      if text.contains("docker.sock") || text.contains("source=/,") { return true }
      let previous = at > 0 ? arguments[at - 1].text : ""
      let mount: Substring? =
        ["-v", "--volume"].contains(previous)
        ? text[...]
        : text.hasPrefix("--volume=")
          ? text.dropFirst(9) : text.hasPrefix("-v") && text.count > 2 ? text.dropFirst(2) : nil
      if let source = mount?.split(separator: ":").first,
        ["/", "/etc", "/root", "/home", "/var/run", "/run", "/proc", "/sys", "/dev"]
          .contains(String(source))
      {
        return true
      }
      if previous == "--pid", text == "host" { return true }
    }
    return false
  }
}
