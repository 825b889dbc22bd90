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
    guard Self.mayMatter(word.bytes) else { return nil }
    let whole = joined(word, to: directory)
    guard whole.bytes.count > 4, whole.bytes.count <= 4096 else { return nil }
    path = normalised(whole.bytes, exact: whole.exact)
    exact = whole.exact && path.first == UInt8(ascii: "/")
    guard let role = Self.role(path) else { return nil }
    self.role = role
  }

  /// False for an absolute path that is none of those, whatever it turns out to be.
  private static func mayMatter(_ path: [UInt8]) -> Bool {
    guard path.first == UInt8(ascii: "/") else { return true }
    return names.contains { path.ends(with: $0) } || folders.contains { path.holds($0) }
  }

  private static let names: [StaticString] = [
    "passwd", "shadow", "group", "doas.conf", "subuid", "access.conf", "sudoers", "authorized_keys",
    "authorized_keys2", ".", "/",
  ]
  private static let folders: [StaticString] = [
    "/sudoers.d/", "/cron", "/polkit-1/", "/authorized_keys/",
  ]

  private static func role(_ path: [UInt8]) -> Role? {
    if path.begins(with: "/etc/") {
      if path.isText("/etc/passwd") { return .passwords }
      if path.isText("/etc/shadow") { return .shadow }
      if path.isText("/etc/group") { return .groups }
      if path.isText("/etc/gshadow") || path.isText("/etc/doas.conf")
        || path.isText("/etc/subuid") || path.isText("/etc/security/access.conf")
      {
        return .other
      }
      if path.isText("/etc/crontab") { return .cron(hasUser: true) }
    }
    if path.ends(with: "/etc/sudoers") || path.holds("/etc/sudoers.d/") { return .sudoers }
    if path.begins(with: "/etc/cron.d/") { return .cron(hasUser: true) }
    if path.begins(with: "/var/spool/cron/") { return .cron(hasUser: false) }
    if path.holds("/polkit-1/"),
      path.ends(with: ".rules") || path.ends(with: ".pkla") || path.ends(with: ".policy")
    {
      return .polkit
    }
    if path.ends(with: ".ssh/authorized_keys") || path.ends(with: ".ssh/authorized_keys2") {
      return .keys(account: account(path))
    }
    if path.begins(with: "/etc/ssh/authorized_keys/") {
      return .keys(account: path.split(separator: UInt8(ascii: "/")).last.map { Array($0) })
    }
    return nil
  }

  /// Whose home a path begins with.
  private static func account(_ path: [UInt8]) -> [UInt8]? {
    let parts = path.split(separator: UInt8(ascii: "/"))
    guard parts.count >= 3 else { return nil }
    let above = Array(parts[parts.count - 3])
    if path.starts(with: "/root/".utf8) { return Array("root".utf8) }
    if above.first == UInt8(ascii: "~") { return above.count > 1 ? Array(above[1...]) : nil }
    return isUnresolved(above) ? nil : above
  }
}

extension [UInt8] {
  func isText(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && begins(with: text)
  }

  func begins(with text: StaticString) -> Bool { has(text, at: 0) }

  func ends(with text: StaticString) -> Bool { has(text, at: count - text.utf8CodeUnitCount) }

  func holds(_ text: StaticString) -> Bool {
    let last = count - text.utf8CodeUnitCount
    guard last >= 0 else { return false }
    let first = text.utf8Start[0]
    return withUnsafeBufferPointer { bytes in
      (0...last).contains { bytes[$0] == first && has(text, at: $0) }
    }
  }

  private func has(_ text: StaticString, at start: Int) -> Bool {
    guard start >= 0, count - start >= text.utf8CodeUnitCount else { return false }
    return withUnsafeBufferPointer { bytes in
      text.withUTF8Buffer { text in
        for at in text.indices where text[at] != bytes[start + at] { return false }
        return true
      }
    }
  }
}
