import Grants

/// The right of a grant whose items give several.
enum EntryRight {
  /// Strongest first; an account's grant has one word.
  private static let accounts = ["root", "login", "shell"]
  /// Bytes of a right that are shown.
  private static let longest = 240

  static func union(_ left: String, _ right: String, _ kind: GrantKind) -> String {
    if left == right { return left }
    if kind == .account {
      return accounts.first { $0 == left || $0 == right } ?? left
    }
    let parts = left.split(separator: ";").map { $0.drop { $0 == " " } }
    if parts.contains(where: { $0 == right }) { return left }
    if left.hasSuffix("…") { return left }
    let joined = "\(left); \(right)"
    return joined.utf8.count <= longest ? joined : left + "; …"
  }
}
