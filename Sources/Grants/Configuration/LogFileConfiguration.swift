/// What the lines of a log file look like.
package enum LogFileFormat: String, Sendable, CaseIterable {
  /// Events of audit.k8s.io/v1, one a line.
  case kubernetesAudit = "kubernetes-audit"
  /// Any JSON object a line, read as the section says.
  case json
}

/// What a line of a log file may tell.
package enum ToldType: String, Sendable, CaseIterable {
  case grant, revoke, use, denied
}

/// One `[LogFile NAME]`: a file of JSON lines that tells of access elsewhere.
package struct LogFileConfiguration: Equatable, Sendable {
  package var name: String
  /// Absolute path; the file may come later.
  package var path = ""
  package var format = LogFileFormat.json
  /// JSON pointers (RFC 6901), each with a glob on the value; all must match.
  package var match: [String] = []
  /// JSON pointer to the time, RFC 3339; empty for when the line is read.
  package var time = ""
  package var type = ToldType.grant
  package var kind: GrantKind?
  /// Texts with JSON pointers in braces: `user:{/auth/name}`.
  package var subject = ""
  package var object = ""
  package var right = ""
  package var actor = ""

  package init(name: String) { self.name = name }
}

/// The keys of `[LogFile NAME]`.
let logFileSettings: [Setting<LogFileConfiguration>] = [
  Setting("Path") { (file, value) throws(BadValue) in file.path = try value.path() ?? "" },
  Setting("Format") { (file, value) throws(BadValue) in
    file.format = try value.choice(default: .json)
  },
  Setting("Match") { (file, value) throws(BadValue) in
    file.match = try value.list(file.match) { (word) throws(BadValue) in
      guard word.hasPrefix("/"), word.contains("=") else {
        throw BadValue(message: "bad value '\(word)' for Match=: /POINTER=GLOB expected")
      }
      return word
    }
  },
  Setting("Time") { (file, value) throws(BadValue) in
    let text = value.entry.value
    guard text.isEmpty || text.hasPrefix("/") else {
      throw BadValue(
        message: "bad value '\(text)' for Time=: a JSON pointer such as /time expected")
    }
    file.time = text
  },
  Setting("Type") { (file, value) throws(BadValue) in
    file.type = try value.choice(default: .grant)
  },
  Setting("Kind") { (file, value) throws(BadValue) in
    let text = value.entry.value
    guard let kind = GrantKind(rawValue: text), text.hasPrefix("connector:") else {
      throw BadValue(
        message: "bad value '\(text)' for Kind=: connector: and a name expected, such as "
          + "connector:vault")
    }
    file.kind = kind
  },
  Setting("Subject") { (file, value) throws(BadValue) in file.subject = try template(value) },
  Setting("Object") { (file, value) throws(BadValue) in file.object = try template(value) },
  Setting("Right") { (file, value) throws(BadValue) in file.right = try template(value) },
  Setting("Actor") { (file, value) throws(BadValue) in file.actor = try template(value) },
]

/// Text with JSON pointers in braces.
private func template(_ value: SettingValue) throws(BadValue) -> String {
  let text = value.entry.value
  for piece in text.split(separator: "{", omittingEmptySubsequences: false).dropFirst() {
    guard piece.hasPrefix("/"), piece.contains("}") else {
      throw BadValue(
        message: "bad value '\(text)' for \(value.entry.key)=: {/POINTER} expected in braces")
    }
  }
  return text
}
