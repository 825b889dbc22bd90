internal import ByteText

/// One member of a list in sudoers, aliases resolved: a user, a host, a runas user, a command.
struct SudoersMember: Equatable, Sendable {
  /// As sudoers writes it, without `!`, escaped: `bob`, `%wheel`, `/usr/bin/id -u`.
  var text: String
  var negated: Bool
  /// Whom it means, where it is one of users: `user:bob`, `everyone`.
  var subject: String
  /// A plain name, which denies nobody else.
  var isName: Bool

  /// With its `!`; digests stand before it.
  var written: String {
    guard negated else { return text }
    guard text.hasPrefix("sha"), let blank = text.lastIndexOfDigests else { return "!" + text }
    return text[..<blank] + "!" + text[blank...]
  }
}

extension String {
  /// Where the command begins behind its digests.
  fileprivate var lastIndexOfDigests: String.Index? {
    var at = startIndex
    while self[at...].hasPrefix("sha"), let blank = self[at...].firstIndex(of: " ") {
      at = index(after: blank)
    }
    return at > startIndex ? at : nil
  }
}

/// How cvtsudoers' JSON names the members of lists.
struct SudoersMemberReader {
  /// Names of accounts and groups of the root whose rules are read.
  var user: (UInt32) -> String?
  var group: (UInt32) -> String?

  /// The member that `json` stands for; nil for an alias or what nobody knows.
  func member(_ json: JSON) -> SudoersMember? {
    let negated = json["negated"].bool ?? false
    var digests = ""
    var found: SudoersMember?
    func put(_ text: String, _ subject: String, isName: Bool = false) {
      found = SudoersMember(text: text, negated: negated, subject: subject, isName: isName)
    }
    for member in json.members {
      let bytes = Self.bytes(member.value)
      let name = escaped(bytes)
      switch member.name {
      case "username" where bytes == Array("ALL".utf8): put("ALL", "everyone")
      case "username": put(Self.word(bytes), "user:" + name, isName: true)
      case "userid": put("#" + name, "user:" + (number(bytes).flatMap(user) ?? "#" + name))
      case "usergroup" where bytes == Array("ALL".utf8): put("ALL", "everyone")
      case "usergroup": put(Self.word(bytes, mark: "%"), "group:" + name)
      case "usergid": put("%#" + name, "group:" + (number(bytes).flatMap(group) ?? "#" + name))
      case "nonunixgroup": put(Self.word(bytes, mark: "%:"), "group:" + name)
      case "nonunixgid": put("%:#" + name, "group:#" + name)
      case "netgroup": put(Self.word(bytes, mark: "+"), "netgroup:" + name)
      case "hostname": put(Self.word(bytes), "")
      case "networkaddr": put(name, "")
      case "command": put(Self.command(bytes), "")
      case "sha224", "sha256", "sha384", "sha512":
        digests += (digests.isEmpty ? "" : ", ") + member.name + ":" + name
      default: break
      }
    }
    if !digests.isEmpty, let command = found?.text { found?.text = digests + " " + command }
    return found
  }

  /// Groups of a runas list are written without `%`, and a number is told as a name: `#7`.
  func runasGroup(_ json: JSON) -> SudoersMember? {
    guard var member = member(json) else { return nil }
    if member.text.hasPrefix("%\\\\#") { member.text.removeFirst(3) }
    if member.text.hasPrefix("\"%") {
      member.text.replaceSubrange(
        ..<member.text.index(member.text.startIndex, offsetBy: 2), with: "\"")
    }
    if member.text.hasPrefix("%") { member.text.removeFirst() }
    return member
  }

  private static func bytes(_ value: JSON) -> [UInt8] {
    if let number = value.integer { return Array(String(number).utf8) }
    return CvtsudoersJSON.bytes(of: value.text ?? "")
  }

  private func number(_ bytes: [UInt8]) -> UInt32? {
    decimal(bytes).flatMap { UInt32(exactly: $0) }
  }

  /// A name as sudoers(5) reads it back: in quotes where it holds a blank, else with backslashes.
  static func word(_ bytes: [UInt8], mark: String = "") -> String {
    let plain = { (byte: UInt8) in
      isAlphanumeric(byte) || byte >= 0x80 || "._-*?[]/$@+".utf8.contains(byte)
    }
    if bytes.contains(0x20), bytes.allSatisfy({ plain($0) || $0 == 0x20 }) {
      return escaped(Array("\"\(mark)".utf8) + bytes + Array("\"".utf8))
    }
    var text = Array(mark.utf8)
    for byte in bytes {
      if !plain(byte) { text.append(UInt8(ascii: "\\")) }
      text.append(byte)
    }
    return escaped(text)
  }

  /// A command and its arguments: sudoers' own characters get a backslash, but not in a regular
  /// expression.
  private static func command(_ bytes: [UInt8]) -> String {
    let blank = bytes.firstIndex(of: 0x20) ?? bytes.count
    let path = bytes[..<blank]
    let arguments = bytes[min(blank + 1, bytes.count)...]
    func quoted(_ part: ArraySlice<UInt8>) -> [UInt8] {
      if part.first == UInt8(ascii: "^") || part.elementsEqual("\"\"".utf8) { return Array(part) }
      return part.flatMap { byte -> [UInt8] in
        ":\\,=#".utf8.contains(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
      }
    }
    let text = quoted(path)
    return escaped(arguments.isEmpty ? text : text + [0x20] + quoted(arguments))
  }
}
