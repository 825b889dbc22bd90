import ByteText

/// The short codes that leave by webhook and come back as proof that a human saw the alert.
///
/// Of a code that was delivered only its salted hash is kept; the text itself lives in memory until
/// then. Each is good once, for one target, for five tries.
package struct ApprovalCodes {
  package static let triesAllowed = 5
  private static let rounds = 4_000
  private static let alphabet = Array("23456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  /// What the ledger keeps of a code.
  package struct Kept: Equatable {
    package var salt: [UInt8]
    package var hash: [UInt8]
    package var wrongTries = 0
    /// Somebody outside has it: it is never replaced.
    package var delivered = false
  }

  /// What came of a code that somebody typed in.
  package enum Outcome: Equatable {
    case right
    case wrong(left: Int)
    /// No code was issued, it was used, or too many wrong ones were tried.
    case none
  }

  package private(set) var kept: [String: Kept] = [:]
  private var clear: [String: String] = [:]

  package init() {}

  /// The code to send with an event about `target`; nil when one is out there already, and its text
  /// is forgotten. See `code(for:)`.
  package mutating func handOut(for target: String) -> (text: String, isNew: Bool)? {
    if clear[target] == nil, kept[target]?.delivered == true { return nil }
    return code(for: target)
  }

  /// The code of `target`: the one that is on its way, else a new one, with the wrong tries that
  /// were made before it. `isNew` says that `kept` has changed and must be durable before the code
  /// leaves.
  package mutating func code(for target: String) -> (text: String, isNew: Bool) {
    if let text = clear[target] { return (text, false) }
    var text: [UInt8] = []
    for index in 0..<6 {
      if index == 3 { text.append(UInt8(ascii: "-")) }
      text.append(Self.alphabet[Int.random(in: 0..<Self.alphabet.count)])
    }
    let code = String(decoding: text, as: UTF8.self)
    let salt = (0..<16).map { _ in UInt8.random(in: 0...255) }
    clear[target] = code
    kept[target] = Kept(
      salt: salt, hash: Self.hash(code, salt: salt, target: target),
      wrongTries: kept[target]?.wrongTries ?? 0)
    return (code, true)
  }

  /// An endpoint has it. Returns false when that was known.
  package mutating func delivered(_ target: String) -> Bool {
    guard kept[target]?.delivered == false else { return false }
    kept[target]?.delivered = true
    return true
  }

  /// No endpoint waits for it any more.
  package mutating func forgetText(of target: String) { clear[target] = nil }

  /// Takes back what the ledger kept.
  package mutating func restore(_ target: String, _ value: Kept?) { kept[target] = value }

  /// Nothing can be approved with this target's code any more.
  package mutating func void(_ target: String) {
    kept[target] = nil
    clear[target] = nil
  }

  /// Compares what somebody typed with the target's code; a right one is used up by `void`.
  package mutating func check(_ typed: String, for target: String) -> Outcome {
    guard var entry = kept[target], entry.wrongTries < Self.triesAllowed else { return .none }
    var plain = typed.uppercased().filter { $0 != "-" && $0 != " " }
    guard plain.utf8.count == 6 else {
      plain = ""
      return miss(target, &entry)
    }
    let middle = plain.index(plain.startIndex, offsetBy: 3)
    let code = plain[..<middle] + "-" + plain[middle...]
    let hash = Self.hash(String(code), salt: entry.salt, target: target)
    var difference: UInt8 = 0
    for (left, right) in zip(hash, entry.hash) { difference |= left ^ right }
    return difference == 0 && hash.count == entry.hash.count ? .right : miss(target, &entry)
  }

  private mutating func miss(_ target: String, _ entry: inout Kept) -> Outcome {
    entry.wrongTries += 1
    kept[target] = entry
    let left = Self.triesAllowed - entry.wrongTries
    if left == 0 { clear[target] = nil }
    return .wrong(left: left)
  }

  private static func hash(_ code: String, salt: [UInt8], target: String) -> [UInt8] {
    pbkdf2SHA256(
      password: Array(code.utf8), salt: salt + Array(target.utf8), rounds: rounds)
  }
}
