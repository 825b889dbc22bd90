internal import ByteText

/// One rule of sudoers with its aliases resolved: one user, group or netgroup, and the commands that
/// stand together under one list of hosts, runas and tags. All texts are escaped.
package struct SudoRule: Hashable, Sendable {
  package var subject: String
  /// The one that it gives to, then those of the list that take it back from some: `ALL`, `!carol`.
  var users: [String]
  var hosts: [String]
  /// Nil where the rule names none: root, or with groups alone the caller.
  var runas: [String]?
  var groups: [String]?
  /// Without the times: `CWD=/tmp`, in sudo's order.
  var options: [String] = []
  /// `YYYYMMDDHHMMSSZ`.
  var notBefore: String?
  var notAfter: String?
  /// As cvtsudoers names them: `authenticate`, `setenv`.
  var tags: [String: Bool] = [:]
  /// In their order, `!` before those that are taken back.
  var commands: [String]

  /// sudo's tags: the name in JSON, the word for true, the word for false; in the order in which
  /// they are written.
  package static let tagWords: [(name: String, set: String, unset: String)] = [
    ("authenticate", "PASSWD", "NOPASSWD"), ("setenv", "SETENV", "NOSETENV"),
    ("noexec", "NOEXEC", "EXEC"), ("intercept", "INTERCEPT", "NOINTERCEPT"),
    ("log_input", "LOG_INPUT", "NOLOG_INPUT"), ("log_output", "LOG_OUTPUT", "NOLOG_OUTPUT"),
    ("send_mail", "MAIL", "NOMAIL"), ("sudoedit_follow", "FOLLOW", "NOFOLLOW"),
  ]

  /// A rule of which nothing but its right matters.
  package init(
    subject: String, runas: [String]?, groups: [String]?, tags: [String: Bool], commands: [String]
  ) {
    self.init(
      subject: subject, users: [], hosts: [], runas: runas, groups: groups, options: [],
      notBefore: nil, notAfter: nil, tags: tags, commands: commands)
  }

  init(
    subject: String, users: [String], hosts: [String], runas: [String]?, groups: [String]?,
    options: [String] = [], notBefore: String? = nil, notAfter: String? = nil,
    tags: [String: Bool] = [:], commands: [String]
  ) {
    self.subject = subject
    self.users = users
    self.hosts = hosts
    self.runas = runas
    self.groups = groups
    self.options = options
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.tags = tags
    self.commands = commands
  }

  /// True when some command is given, not only taken back.
  var gives: Bool { commands.contains { !Self.isNegated($0) } }

  var givesAll: Bool { commands.contains("ALL") }

  static func isNegated(_ item: String) -> Bool {
    var item = item[...]
    while item.hasPrefix("sha"), let blank = item.firstIndex(of: " ") {
      item = item[item.index(after: blank)...]
    }
    return item.hasPrefix("!")
  }

  /// `bob ALL=(ALL:ALL) NOPASSWD: ALL`, without times.
  package var value: String { text(times: false) }

  /// As `value`, with its times: the line that a file would hold.
  package var line: String { text(times: true) }

  /// What is given, as sudoers writes it behind the `=`; a runas that means root is left out.
  package var right: String {
    let isRoot =
      (runas == nil || runas == ["root"] || runas == ["ALL"])
      && (groups == nil || groups == ["ALL"]) && !(runas == nil && groups != nil)
    var words = tagTexts.filter { $0 != "PASSWD:" }
    if !isRoot { words.insert(runasText, at: 0) }
    return (words + [commands.joined(separator: ", ")]).joined(separator: " ")
  }

  private func text(times: Bool) -> String {
    var words = runas == nil && groups == nil ? [] : [runasText]
    words += options
    if times, let notBefore { words.append("NOTBEFORE=" + notBefore) }
    if times, let notAfter { words.append("NOTAFTER=" + notAfter) }
    words += tagTexts
    words.append(commands.joined(separator: ", "))
    return users.joined(separator: ", ") + " " + hosts.joined(separator: ", ") + "="
      + words.joined(separator: " ")
  }

  private var runasText: String {
    let users = runas?.joined(separator: ", ") ?? ""
    guard let groups else { return "(\(users))" }
    return "(\(users):\(groups.joined(separator: ", ")))"
  }

  private var tagTexts: [String] {
    Self.tagWords.compactMap { tag in
      tags[tag.name].map { ($0 ? tag.set : tag.unset) + ":" }
    }
  }
}
