/// Whom an entry of an access control list means.
package enum AccessWho: Hashable, Sendable {
  case user(UInt32)
  case group(UInt32)
  /// The file's own group.
  case owningGroup
  /// All others.
  case everyone
}

/// An access control list, acl(5), as the kernel stores it: linux/posix_acl_xattr.h, version 2.
package struct AccessList: Hashable, Sendable {
  /// The bits of an entry: read 4, write 2, execute 1.
  package var owner: UInt8
  package var owningGroup: UInt8
  package var other: UInt8
  /// Nil only where no user or group is named.
  package var mask: UInt8?
  /// By uid, ascending; so the groups.
  package var users: [Named]
  package var groups: [Named]

  package struct Named: Hashable, Sendable {
    package var id: UInt32
    package var bits: UInt8
  }

  private static let header: [UInt8] = [2, 0, 0, 0]
  private enum Tag {
    static let owner = 0x01
    static let user = 0x02
    static let owningGroup = 0x04
    static let group = 0x08
    static let mask = 0x10
    static let other = 0x20
  }

  package init(owner: UInt8, owningGroup: UInt8, other: UInt8) {
    self.owner = owner
    self.owningGroup = owningGroup
    self.other = other
    users = []
    groups = []
  }

  /// Nil for bytes that are no list; the kernel writes none, other file systems may.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count >= 4, bytes.count % 8 == 4, bytes.starts(with: Self.header) else {
      return nil
    }
    self.init(owner: 0, owningGroup: 0, other: 0)
    var seen = 0
    for at in stride(from: 4, to: bytes.count, by: 8) {
      let tag = Int(bytes[at]) | Int(bytes[at + 1]) << 8
      guard bytes[at + 2] <= 7, bytes[at + 3] == 0 else { return nil }
      let bits = bytes[at + 2]
      let id = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 4 + $1]) << (8 * $1) }
      switch tag {
      case Tag.owner: owner = bits
      case Tag.owningGroup: owningGroup = bits
      case Tag.other: other = bits
      case Tag.mask: mask = bits
      case Tag.user:
        users.append(Named(id: id, bits: bits))
        continue
      case Tag.group:
        groups.append(Named(id: id, bits: bits))
        continue
      default: return nil
      }
      guard seen & tag == 0 else { return nil }
      seen |= tag
    }
    let base = Tag.owner | Tag.owningGroup | Tag.other
    guard seen & base == base, mask != nil || (users.isEmpty && groups.isEmpty) else { return nil }
    users.sort { $0.id < $1.id }
    groups.sort { $0.id < $1.id }
  }

  package var bytes: [UInt8] {
    var bytes = Self.header
    func put(_ tag: Int, _ bits: UInt8, _ id: UInt32 = .max) {
      bytes += [UInt8(tag), 0, bits, 0]
      for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: id >> (8 * UInt32(shift)))) }
    }
    put(Tag.owner, owner)
    for user in users { put(Tag.user, user.bits, user.id) }
    put(Tag.owningGroup, owningGroup)
    for group in groups { put(Tag.group, group.bits, group.id) }
    if let mask { put(Tag.mask, mask) }
    put(Tag.other, other)
    return bytes
  }

  /// True when a user or group is named, or a mask set: when it says more than a mode does.
  package var isExtended: Bool { mask != nil || !users.isEmpty || !groups.isEmpty }

  /// True when a user or group is named.
  package var namesAnybody: Bool { !users.isEmpty || !groups.isEmpty }

  /// The bits of an entry as they are written, before the mask; nil when there is no such entry.
  package subscript(who: AccessWho) -> UInt8? {
    get {
      switch who {
      case .user(let id): users.first { $0.id == id }?.bits
      case .group(let id): groups.first { $0.id == id }?.bits
      case .owningGroup: owningGroup
      case .everyone: other
      }
    }
    set {
      switch who {
      case .user(let id): Self.set(&users, id, newValue)
      case .group(let id): Self.set(&groups, id, newValue)
      case .owningGroup: owningGroup = newValue ?? 0
      case .everyone: other = newValue ?? 0
      }
    }
  }

  private static func set(_ list: inout [Named], _ id: UInt32, _ bits: UInt8?) {
    list.removeAll { $0.id == id }
    guard let bits else { return }
    list.insert(
      Named(id: id, bits: bits), at: list.firstIndex { $0.id > id } ?? list.endIndex)
  }

  /// What an entry gives behind the mask; nil when there is no such entry.
  package func effective(_ who: AccessWho) -> UInt8? {
    self[who].map { who == .everyone ? $0 : $0 & (mask ?? 7) }
  }

  /// What one who is named by no entry has at least, a member of the file's group or not.
  package var unnamed: UInt8 { other & owningGroup & (mask ?? 7) }

  /// The users and groups that are named.
  package var named: [AccessWho] {
    users.map { AccessWho.user($0.id) } + groups.map { AccessWho.group($0.id) }
  }
}
