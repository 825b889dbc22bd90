internal import ByteText

/// The options before a key, as sshd(8) reads them under AUTHORIZED_KEYS FILE FORMAT.
package struct KeyOptions: Equatable {
  package struct Option: Equatable {
    /// In small letters.
    var name: String
    /// Without the quotes.
    var value: [UInt8]?
  }

  package private(set) var options: [Option] = []

  static let expiry = "expiry-time"

  package init() {}

  /// Nil for what sshd refuses, and with it the whole line. A name that is not known here is taken:
  /// another sshd may know it.
  init?(_ bytes: ArraySlice<UInt8>) {
    let quote = UInt8(ascii: "\"")
    var rest = bytes
    while true {
      let name = rest.prefix { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
      guard !name.isEmpty else { return nil }
      rest = rest[name.endIndex...]
      var value: [UInt8]?
      if rest.first == UInt8(ascii: "=") {
        rest = rest.dropFirst()
        guard rest.first == quote else { return nil }
        rest = rest.dropFirst()
        var text: [UInt8] = []
        while var byte = rest.first, byte != quote {
          rest = rest.dropFirst()
          if byte == UInt8(ascii: "\\"), rest.first == quote {
            rest = rest.dropFirst()
            byte = quote
          }
          text.append(byte)
        }
        guard rest.first == quote else { return nil }
        rest = rest.dropFirst()
        value = text
      }
      options.append(Option(name: String(decoding: name, as: UTF8.self).lowercased(), value: value))
      if rest.isEmpty { return }
      guard rest.first == UInt8(ascii: ",") else { return nil }
      rest = rest.dropFirst()
    }
  }

  /// Where options that begin `text` end: at the first blank outside quotes. Nil when a quote stays
  /// open.
  static func end(in text: ArraySlice<UInt8>) -> Int? {
    var isQuoted = false
    var at = text.startIndex
    while at < text.endIndex, isQuoted || !AuthorizedKey.isSpace(text[at]) {
      if text[at] == UInt8(ascii: "\\"), at + 1 < text.endIndex,
        text[at + 1] == UInt8(ascii: "\"")
      {
        at += 1
      } else if text[at] == UInt8(ascii: "\"") {
        isQuoted.toggle()
      }
      at += 1
    }
    return isQuoted ? nil : at
  }

  /// All but a native expiry, in their order, as a file would have them; escaped.
  package var text: String {
    var bytes: [UInt8] = []
    for option in options where option.name != Self.expiry {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
      bytes += option.name.utf8
      guard let value = option.value else { continue }
      bytes += "=\"".utf8
      for byte in value {
        if byte == UInt8(ascii: "\"") { bytes.append(UInt8(ascii: "\\")) }
        bytes.append(byte)
      }
      bytes.append(UInt8(ascii: "\""))
    }
    return escaped(bytes)
  }

  /// When sshd stops to take the key, in microseconds since 1970; nil for never. Of several ends the
  /// first counts. An end that cannot be read is none here; sshd refuses the line then.
  package var expiry: Int64? {
    options.compactMap { option in
      option.name == Self.expiry ? option.value.flatMap(KeyExpiry.moment) : nil
    }.min()
  }

  func has(_ name: String) -> Bool { options.contains { $0.name == name } }

  private func values(_ name: String) -> [[UInt8]] {
    options.compactMap { $0.name == name ? $0.value ?? [] : nil }
  }

  /// True when these options give for certain all that `other` gives.
  package func gives(atLeast other: KeyOptions) -> Bool {
    let mine = permits
    return other.permits.isSubset(of: mine)
      && isNoNarrower("from", than: other, parts: true)
      && values("principals").isEmpty == other.values("principals").isEmpty
      && isNoNarrower("principals", than: other, parts: true)
      && isNoNarrower("permitopen", than: other, parts: false)
      && isNoNarrower("permitlisten", than: other, parts: false)
      && (values("command").isEmpty || values("command") == other.values("command"))
      && Self.alike.allSatisfy { values($0) == other.values($0) }
      && unknown == other.unknown
  }

  /// Options that give or take something else in each form.
  private static let alike = ["cert-authority", "environment", "tunnel"]
  private static let switches = [
    "agent-forwarding", "port-forwarding", "pty", "user-rc", "x11-forwarding",
  ]
  private static let others: Set<String> = [
    expiry, "restrict", "command", "from", "principals", "permitopen", "permitlisten",
    "touch-required", "no-touch-required", "verify-required", "no-verify-required",
  ]

  private var unknown: [Option] {
    options.filter { option in
      !Self.others.contains(option.name) && !Self.alike.contains(option.name)
        && !Self.switches.contains(option.name)
        && !Self.switches.contains { option.name == "no-\($0)" }
    }
  }

  /// What may be done, each option applied in turn.
  private var permits: Set<String> {
    var permits = Set(Self.switches + ["without-verification"])
    for option in options {
      switch option.name {
      case "restrict": permits.subtract(Self.switches)
      case "no-touch-required": permits.insert("without-touch")
      case "touch-required": permits.remove("without-touch")
      case "verify-required": permits.remove("without-verification")
      case "no-verify-required": permits.insert("without-verification")
      case let name where Self.switches.contains(name): permits.insert(name)
      case let name where name.hasPrefix("no-"): permits.remove(String(name.dropFirst(3)))
      default: break
      }
    }
    return permits
  }

  /// True when the limits of this name let at least as much through as those of `other`: none at
  /// all, the same ones, or all of theirs. With `parts` the values are lists, whose negations
  /// (`!10.0.0.1`) cannot be compared.
  private func isNoNarrower(_ name: String, than other: KeyOptions, parts: Bool) -> Bool {
    let (mine, theirs) = (values(name), other.values(name))
    if mine.isEmpty || mine == theirs { return true }
    if theirs.isEmpty { return false }
    guard parts else { return Set(theirs).isSubset(of: Set(mine)) }
    func pieces(_ values: [[UInt8]]) -> Set<ArraySlice<UInt8>> {
      Set(values.flatMap { split($0[...], at: UInt8(ascii: ",")) })
    }
    let (my, their) = (pieces(mine), pieces(theirs))
    let hasNegations = my.union(their).contains { $0.first == UInt8(ascii: "!") }
    return !hasNegations && mine.count == 1 && theirs.count == 1 && their.isSubset(of: my)
  }
}
