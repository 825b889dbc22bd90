import ByteText

/// A file whose text decides who may do what.
struct AccessFile {
  enum Role: Equatable {
    case sudoers, polkit, passwords, shadow, groups
    /// An authorized_keys of this account; nil where the text does not tell whose it is.
    case keys(account: [UInt8]?)
    /// Lines for cron(8), with or without the user that they run as.
    case cron(hasUser: Bool)
    /// It decides on access, but the grammar does not read it.
    case other
  }

  var role: Role
  /// Normalised, as far as the text tells.
  var path: [UInt8]
  /// The path is absolute and nothing in it is left open.
  var exact: Bool

  /// Nil for any other file.
  init?(_ word: ShellWord, in directory: ShellWord) {
    let whole = joined(word, to: directory)
    guard whole.bytes.count > 4, whole.bytes.count <= 4096 else { return nil }
    path = normalised(whole.bytes, exact: whole.exact)
    exact = whole.exact && path.first == UInt8(ascii: "/")
    guard let role = Self.role(String(decoding: path, as: UTF8.self)) else { return nil }
    self.role = role
  }

  private static func role(_ path: String) -> Role? {
    switch path {
    case "/etc/passwd": return .passwords
    case "/etc/shadow": return .shadow
    case "/etc/group": return .groups
    case "/etc/gshadow", "/etc/doas.conf", "/etc/subuid", "/etc/security/access.conf": return .other
    case "/etc/crontab": return .cron(hasUser: true)
    default: break
    }
    if path.hasSuffix("/etc/sudoers") || path.contains("/etc/sudoers.d/") { return .sudoers }
    if path.hasPrefix("/etc/cron.d/") { return .cron(hasUser: true) }
    if path.hasPrefix("/var/spool/cron/") { return .cron(hasUser: false) }
    if path.contains("/polkit-1/"),
      [".rules", ".pkla", ".policy"].contains(where: { path.hasSuffix($0) })
    {
      return .polkit
    }
    if path.hasSuffix(".ssh/authorized_keys") || path.hasSuffix(".ssh/authorized_keys2") {
      return .keys(account: account(path))
    }
    if path.hasPrefix("/etc/ssh/authorized_keys/") {
      return .keys(account: path.utf8.split(separator: UInt8(ascii: "/")).last.map { Array($0) })
    }
    return nil
  }

  /// Whose home a path begins with.
  private static func account(_ path: String) -> [UInt8]? {
    let parts = path.utf8.split(separator: UInt8(ascii: "/"))
    guard parts.count >= 3 else { return nil }
    let above = Array(parts[parts.count - 3])
    if path.hasPrefix("/root/") { return Array("root".utf8) }
    if above.first == UInt8(ascii: "~") { return above.count > 1 ? Array(above[1...]) : nil }
    return isUnresolved(above) ? nil : above
  }
}
