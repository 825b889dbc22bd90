internal import ByteText

/// What a line of sudoers gives: a rule, or a `Defaults` that loosens.
enum SudoGift: Hashable, Sendable {
  case rule(SudoRule)
  case loosening(SudoLoosening)

  var subject: String {
    switch self {
    case .rule(let rule): rule.subject
    case .loosening(let loosening): loosening.subject
    }
  }

  /// False for a rule that only takes commands back.
  var gives: Bool {
    if case .rule(let rule) = self { rule.gives } else { true }
  }

  /// The line that a file would hold for it, escaped.
  var line: String {
    switch self {
    case .rule(let rule): rule.line
    case .loosening(let loosening): loosening.line
    }
  }

  /// As the file writes it; nil for one without an end.
  var notAfter: String? {
    if case .rule(let rule) = self { rule.notAfter } else { nil }
  }

  /// True when its end has come.
  func isOver(_ now: Timestamp) -> Bool {
    guard case .rule(let rule) = self, let end = rule.notAfter.flatMap(SudoTime.moment) else {
      return false
    }
    return end <= now
  }

  /// Of the entry that it is in this file.
  func key(in path: [UInt8]) -> AccessEntry.Key {
    let value =
      switch self {
      case .rule(let rule): rule.value
      case .loosening(let loosening): loosening.line
      }
    return AccessEntry.Key(
      subject: subject, object: "sudoers:" + escaped(path), value: Self.bounded(value))
  }

  func entry(in path: [UInt8]) -> AccessEntry {
    let object = "sudoers:" + escaped(path)
    switch self {
    case .rule(let rule):
      return AccessEntry(
        subject: rule.subject, object: object, right: Self.bounded(rule.right),
        value: Self.bounded(rule.value), detail: SudoRuleDetail.text(rule))
    case .loosening(let loosening):
      return AccessEntry(
        subject: loosening.subject, object: object, right: Self.bounded(loosening.right),
        value: Self.bounded(loosening.line),
        detail: loosening.line.utf8.count > 4096 ? SudoRuleDetail.text(line: loosening.line) : "")
    }
  }

  /// A text beyond 4,096 bytes is cut, and told apart by its hash.
  private static func bounded(_ text: String) -> String {
    guard text.utf8.count > 4096 else { return text }
    let head = String(decoding: Array(text.utf8.prefix(4000)), as: UTF8.self)
    return head + "... sha256:" + hexadecimal(SHA256.digest(Array(text.utf8)))
  }
}

/// Moments as NOTBEFORE and NOTAFTER write them, in UTC.
enum SudoTime {
  /// `20261126120000Z`.
  static func text(_ moment: Timestamp) -> String {
    String(moment.rfc3339.prefix(19).filter { $0 >= "0" && $0 <= "9" }) + "Z"
  }

  static func moment(_ text: String) -> Timestamp? {
    let digits = Array(text.utf8)
    guard digits.count == 15, digits.last == UInt8(ascii: "Z"),
      digits.dropLast().allSatisfy(isDigit)
    else { return nil }
    func part(_ range: Range<Int>) -> String { String(decoding: digits[range], as: UTF8.self) }
    return Timestamp(
      rfc3339: "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T"
        + "\(part(8..<10)):\(part(10..<12)):\(part(12..<14))Z")
  }
}

/// A rule in its parts, as JSON, for an entry's detail: so two rules can be compared, and one put
/// back, without the file they came from.
enum SudoRuleDetail {
  private static let longest = 64 << 10

  static func text(_ rule: SudoRule) -> String {
    var json = JSONWriter()
    json.beginObject()
    json.member("line", rule.line)
    json.member("subject", rule.subject)
    json.member("users", rule.users)
    json.member("hosts", rule.hosts)
    if let runas = rule.runas { json.member("runas", runas) }
    if let groups = rule.groups { json.member("groups", groups) }
    json.member("options", rule.options)
    json.member("notBefore", rule.notBefore)
    json.member("notAfter", rule.notAfter)
    json.member("set", SudoRule.tagWords.map(\.name).filter { rule.tags[$0] == true })
    json.member("unset", SudoRule.tagWords.map(\.name).filter { rule.tags[$0] == false })
    json.member("commands", rule.commands)
    json.endObject()
    return json.bytes.count <= longest ? String(decoding: json.bytes, as: UTF8.self) : ""
  }

  static func text(line: String) -> String {
    var json = JSONWriter()
    json.beginObject()
    json.member("line", line)
    json.endObject()
    return json.bytes.count <= longest ? String(decoding: json.bytes, as: UTF8.self) : ""
  }

  /// The rule that an entry is; nil for a `Defaults`, and where the detail was too long.
  static func rule(_ entry: AccessEntry) -> SudoRule? {
    guard let json = parsed(entry), let subject = json["subject"].text else { return nil }
    func list(_ name: String) -> [String] { json[name].elements.compactMap(\.text) }
    var rule = SudoRule(
      subject: subject, users: list("users"), hosts: list("hosts"),
      runas: json["runas"].isNull ? nil : list("runas"),
      groups: json["groups"].isNull ? nil : list("groups"), options: list("options"),
      notBefore: json["notBefore"].text, notAfter: json["notAfter"].text,
      commands: list("commands"))
    for name in list("set") { rule.tags[name] = true }
    for name in list("unset") { rule.tags[name] = false }
    return rule
  }

  /// The entry with the number of lines of its file that give it; nothing but that is changed.
  static func counted(_ entry: AccessEntry, copies: Int) -> AccessEntry {
    let whole = parsed(entry)
    // One that was too long to be kept is not begun anew.
    if whole == nil, entry.value.utf8.count >= 4000 { return entry }
    var members = whole?.members ?? [JSONMember("line", .string(entry.value))]
    members.append(JSONMember("copies", .integer(Int64(copies))))
    var json = JSONWriter()
    json.value(.object(members))
    guard json.bytes.count <= longest else { return entry }
    var counted = entry
    counted.detail = String(decoding: json.bytes, as: UTF8.self)
    return counted
  }

  static func copies(_ entry: AccessEntry) -> Int {
    Int(clamping: parsed(entry)?["copies"].integer ?? 1)
  }

  /// The line to put back, escaped; nil when nobody knows it whole. An end that has come is left out.
  static func line(_ entry: AccessEntry, now: Timestamp) -> String? {
    if var rule = rule(entry) {
      if SudoGift.rule(rule).isOver(now) { rule.notAfter = nil }
      return rule.line
    }
    if let line = parsed(entry)?["line"].text { return line }
    return entry.value.utf8.count < 4000 ? entry.value : nil
  }

  private static func parsed(_ entry: AccessEntry) -> JSON? {
    guard !entry.detail.isEmpty else { return nil }
    do throws(JSONError) { return try JSON.parse(Array(entry.detail.utf8)) } catch { return nil }
  }
}
