/// What a row of LABELS.tsv lets expect of the recognisers.
struct CorpusExpectation {
  /// Globs on an event in short; empty where nothing can be told.
  var patterns: [String]
  /// The journal tells it whole.
  var isRequired: Bool

  /// `label`: kind, grant type, principal, resource, whether the journal tells, number.
  init(_ label: [String], in name: String) {
    let (kind, grantType, principal, resource) = (label[0], label[1], label[2], label[3])
    patterns = Self.patterns(kind, grantType, principal, resource)
    isRequired =
      label[4] == "yes" && kind != "none" && !Self.byAuditOnly.contains("\(name) \(label[5])")
  }

  private static func patterns(
    _ kind: String, _ grantType: String, _ principal: String, _ resource: String
  ) -> [String] {
    let last = resource.split(separator: " ").last.map(String.init) ?? "?"
    let types = ["grant": "grant", "revoke": "revoke", "use": "use", "attempt-denied": "denied"]
    if kind == "spoof" {
      // A line feed in the identifier: nobody's.
      return ["spoof *"]
    }
    guard let type = types[kind] else { return none(grantType, principal) }
    switch grantType {
    case "group-member":
      // The number of a group, a set, or a refusal without names stand for it where that is all.
      return [
        "\(type) group-member user:\(principal) group:\(last)", "set group-member - group:\(last)",
        "denied group-member - -", "set - - file:/etc/group",
      ].filter { $0.hasPrefix(type) || $0.hasPrefix("set") }
    case "primary-group":
      let number = resource.split(separator: " ").last?.filter(\.isNumber) ?? ""
      return ["\(type) group-member user:\(principal) group:\(number.isEmpty ? "*" : number)"]
    case "group-admin": return ["set group-member - group:\(last)"]
    case "group-password": return ["\(type) group-member everyone group:\(last)"]
    case "group-switch": return ["\(type) group-member user:\(principal) group:\(last)"]
    case "gid0-group": return ["grant group-member - group:rootclone"]
    case "account-create", "account-delete", "uid0-account":
      return [
        "\(type) account user:\(principal) account:\(principal)", "set - - file:/etc/passwd",
      ]
    case "login-shell":
      if type == "denied" { return ["denied account *"] }
      return ["\(type) account user:\(principal) account:\(principal)"]
    case "password-lock", "password-unlock", "password-set", "password-expire", "account-expire":
      return [
        "\(type) account user:\(principal) account:\(principal)",
        "set account user:\(principal) account:\(principal)",
        "grant connector:postgresql role:\(principal) *",
      ]
    case "sudo-exec", "sudo-edit", "sudo-list":
      return ["\(type) sudo-rule user:\(principal) *", "\(type) sudo-rule - account:root"]
    case "su-exec", "runuser": return ["\(type) account * account:*"]
    case "doas-exec": return ["denied account user:\(principal) *"]
    case "pkexec-exec":
      return ["\(type) polkit-rule user:\(principal) *"]
    case "polkit-action": return ["\(type) polkit-rule user:\(principal) action:*"]
    case "polkit-rule": return ["set polkit-rule - -"]
    case "ssh-login":
      let account = principal.split(separator: " ").first.map(String.init) ?? "?"
      return [
        "\(type) ssh-key key:* account:\(account)", "\(type) account user:\(account) account:*",
      ]
    case "db-privilege", "db-superuser", "db-role", "db-role-attr", "db-role-member",
      "db-default-privilege", "db-owner":
      let subject = principal == "PUBLIC" ? "everyone" : "role:\(principal)"
      return ["\(type) connector:postgresql \(subject) *"]
    default: return []
    }
  }

  /// What may be told, though it is no change of access.
  private static func none(_ grantType: String, _ principal: String) -> [String] {
    switch grantType {
    case "gshadow-edit", "shadow-edit": return ["set - - file:/etc/*"]
    case "group-create", "group-delete": return ["set group-member - group:*"]
    case "login-shell": return ["set account user:\(principal) account:\(principal)"]
    case "password-expire", "account-expire":
      return ["set account user:\(principal) account:\(principal)"]
    case "cron-job": return ["set - user:\(principal) crontab:\(principal)"]
    case "group-member": return ["grant group-member user:\(principal) group:*"]
    default: return []
    }
  }

  /// Rows that only audit's own records in the journal tell of.
  private static let byAuditOnly: Set<String> = ["aud-accounts 5", "aud-spoof 3"]

  /// Events that are true though no row has them: logins and PAM sessions that the recordings were
  /// made through, jobs that ran, both sides of a change of the primary group.
  static func alsoTrue(_ name: String) -> [String] {
    switch name {
    case "acct-usermod-uid-gid", "aud-accounts":
      ["revoke group-member user:* group:*", "grant group-member user:* group:*"]
    case "adv-size": ["spoof - - -"]
    case "agent-cron": ["use - user:alice crontab:alice"]
    case "pg-inject":
      ["use account - account:postgres", "* connector:postgresql role:x*"]
    case "pg-grant-syslog", "pg-grant-stderr": ["use account - account:postgres"]
    case "pkexec-password-fails":
      ["use ssh-key key:* account:admin", "denied polkit-rule user:admin *"]
    default: []
    }
  }
}
