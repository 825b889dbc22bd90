internal import ByteText

extension FileCapabilities {
  /// Reads the text form of cap_from_text(3): `cap_net_raw,cap_net_admin=ep`, `=p cap_kill-p`, also
  /// as getcap(8) prints it. Nil for what setcap(8) refuses.
  package init?(text: String) {
    self.init()
    var effectives: UInt64 = 0
    var isEmpty = true
    for clause in text.split(separator: " ", omittingEmptySubsequences: true).prefix(64) {
      isEmpty = false
      guard let sign = clause.firstIndex(where: { "=+-".contains($0) }) else { return nil }
      var chosen: UInt64 = 0
      for name in clause[..<sign].lowercased().split(separator: ",") {
        guard let bits = Self.bits(name) else { return nil }
        chosen |= bits
      }
      if clause[..<sign].isEmpty {
        guard clause[sign] == "=" else { return nil }
        chosen = Self.all
      }
      guard change(clause[sign...], chosen, &effectives) else { return nil }
    }
    if isEmpty { return nil }
    effective = effectives != 0
  }

  private static var all: UInt64 { (1 << UInt64(names.count)) - 1 }

  private static func bits(_ name: Substring) -> UInt64? {
    if name == "all" { return all }
    if let number = names.firstIndex(where: { $0 == name }) { return 1 << UInt64(number) }
    return UInt8(name).flatMap { $0 < 64 ? 1 << UInt64($0) : nil }
  }

  /// One or more of `=ep`, `+i`, `-p` behind the names that they are about.
  private mutating func change(
    _ text: Substring, _ chosen: UInt64, _ effectives: inout UInt64
  ) -> Bool {
    var sign: Character = "="
    for letter in text {
      switch letter {
      case "=":
        sign = letter
        permitted &= ~chosen
        inheritable &= ~chosen
        effectives &= ~chosen
      case "+", "-": sign = letter
      case "e": effectives = sign == "-" ? effectives & ~chosen : effectives | chosen
      case "p": permitted = sign == "-" ? permitted & ~chosen : permitted | chosen
      case "i": inheritable = sign == "-" ? inheritable & ~chosen : inheritable | chosen
      default: return false
      }
    }
    return true
  }

  /// True when it gives everything that `other` does.
  package func gives(atLeast other: FileCapabilities) -> Bool {
    permitted & other.permitted == other.permitted
      && inheritable & other.inheritable == other.inheritable && (effective || !other.effective)
  }

  /// Adds what `other` gives.
  package mutating func formUnion(_ other: FileCapabilities) {
    permitted |= other.permitted
    inheritable |= other.inheritable
    effective = effective || other.effective
  }

  /// True when the two have a capability in common.
  package func overlaps(_ other: FileCapabilities) -> Bool {
    (permitted | inheritable) & (other.permitted | other.inheritable) != 0
  }
}
