package import Grants

/// What a change of a file's owner, access control list or capabilities gave to one subject.
///
/// Permission bits are compared by `ModeGain`. All here is pure: a gain knows what it added, and
/// can be taken out of whatever a file gives later.
package enum FileGain: Sendable, Hashable {
  case owner(OwnerGain)
  case list(ListGain)
  case capabilities(CapabilityGain)

  package var kind: GrantKind {
    switch self {
    case .owner: .fileOwner
    case .list: .fileACL
    case .capabilities: .fileCapability
    }
  }

  /// Whom it gives access; `owningGroup` means the group that the file has.
  package var who: AccessWho {
    switch self {
    case .owner(let gain): gain.who
    case .list(let gain): gain.who
    case .capabilities(let gain): gain.runnableBy
    }
  }

  /// The right as a grant has it: words of `FileRights`, or capabilities as getcap(8) prints them.
  package var right: String {
    switch self {
    case .owner(let gain): gain.rights.text
    case .list(let gain): gain.rights.text
    case .capabilities(let gain): gain.right
    }
  }

  /// Everything that going from `before` to `after` gives; `before` is nil for a file that was not
  /// there, which counts for its capabilities only.
  package static func gains(from before: FileAccess?, to after: FileAccess) -> [FileGain] {
    if before == after { return [] }
    var gains: [FileGain] = []
    if let before {
      gains += OwnerGain.gains(from: before, to: after).map(FileGain.owner)
      gains += ListGain.gains(from: before, to: after).map(FileGain.list)
    }
    if let gain = CapabilityGain(from: before, to: after) { gains.append(.capabilities(gain)) }
    return gains
  }

  // MARK: Later

  /// What of it a file still gives; nil when nothing is left of it.
  package func left(in access: FileAccess) -> FileGain? {
    switch self {
    case .owner(let gain): gain.left(in: access).map(FileGain.owner)
    case .list(let gain): gain.left(in: access).map(FileGain.list)
    case .capabilities(let gain): gain.left(in: access).map(FileGain.capabilities)
    }
  }

  /// The access without what this gave, but with what `others` gave and keep.
  package func takenBack(from access: FileAccess, keeping others: [FileGain]) -> FileAccess {
    switch self {
    case .owner(let gain): gain.takenBack(from: access, keeping: others)
    case .list(let gain): gain.takenBack(from: access, keeping: others)
    case .capabilities(let gain): gain.takenBack(from: access, keeping: others)
    }
  }

  /// Both as one, where the same subject gained more of the same kind; nil where they are two.
  package func followed(by later: FileGain) -> FileGain? {
    switch (self, later) {
    case (.list(let first), .list(let second)) where first.who == second.who:
      .list(first.followed(by: second))
    case (.capabilities(let first), .capabilities(let second))
    where first.runnableBy == second.runnableBy:
      .capabilities(
        CapabilityGain(before: first.before, after: second.after, runnableBy: first.runnableBy))
    default: nil
    }
  }

  /// True when all that it gives is given by `others` too.
  package func isGiven(by others: [FileGain]) -> Bool {
    switch self {
    case .owner(let gain): gain.isGiven(by: others)
    case .list(let gain): gain.isGiven(by: others)
    case .capabilities(let gain): gain.isGiven(by: others)
    }
  }

  /// As two gains, what lies within `rights` and what goes beyond: taken back alone, each leaves the
  /// other. Nil where all or nothing lies within, and for what such rights say nothing of: owners,
  /// capabilities.
  package func parted(by rights: FileRights) -> (within: FileGain, beyond: FileGain)? {
    guard case .list(let gain) = self else { return nil }
    return gain.parted(by: rights.bits).map { (.list($0), .list($1)) }
  }

  /// The same for capabilities; either is nil where there is nothing of it.
  package func parted(by capabilities: FileCapabilities) -> (within: FileGain?, beyond: FileGain?) {
    guard case .capabilities(let gain) = self else { return (nil, self) }
    let (within, beyond) = gain.parted(by: capabilities)
    return (within.map(FileGain.capabilities), beyond.map(FileGain.capabilities))
  }

  // MARK: On record

  /// For `GrantItem.gain`: what is needed to take it back, in numbers, since names change.
  package var detail: String {
    switch self {
    case .owner(let gain): gain.detail
    case .list(let gain): gain.detail
    case .capabilities(let gain): gain.detail
    }
  }

  /// Reads what `detail` wrote; nil for other text.
  package init?(_ kind: GrantKind, detail: String) {
    switch kind {
    case .fileOwner:
      guard let gain = OwnerGain(detail: detail) else { return nil }
      self = .owner(gain)
    case .fileACL:
      guard let gain = ListGain(detail: detail) else { return nil }
      self = .list(gain)
    case .fileCapability:
      guard let gain = CapabilityGain(detail: detail) else { return nil }
      self = .capabilities(gain)
    default: return nil
    }
  }
}

extension AccessWho {
  /// `u1001`, `g50`, `o` for the owning group, `e` for everyone.
  var letter: String {
    switch self {
    case .user(let id): "u\(id)"
    case .group(let id): "g\(id)"
    case .owningGroup: "o"
    case .everyone: "e"
    }
  }

  /// Takes what `letter` wrote off the front of `text`.
  init?(_ text: inout Substring) {
    switch text.popFirst() {
    case "o": self = .owningGroup
    case "e": self = .everyone
    case "u":
      guard let id = UInt32.leading(&text) else { return nil }
      self = .user(id)
    case "g":
      guard let id = UInt32.leading(&text) else { return nil }
      self = .group(id)
    default: return nil
    }
  }
}

extension UInt32 {
  /// Takes the decimal number off the front of `text`.
  static func leading(_ text: inout Substring) -> UInt32? {
    let digits = text.prefix { "0" <= $0 && $0 <= "9" }
    text = text.dropFirst(digits.count)
    return UInt32(digits)
  }
}

extension FileRights {
  /// Read 4, write 2, execute 1.
  var bits: UInt8 {
    (contains(.read) ? 4 : 0) | (contains(.write) ? 2 : 0) | (contains(.execute) ? 1 : 0)
  }

  /// The words for bits of a mode or an entry: read 4, write 2, execute 1.
  init(bits: UInt8) {
    self = []
    if bits & 4 != 0 { insert(.read) }
    if bits & 2 != 0 { insert(.write) }
    if bits & 1 != 0 { insert(.execute) }
  }
}
