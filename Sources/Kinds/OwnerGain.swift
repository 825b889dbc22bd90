package import Grants

/// A file that was given to another owner, or to another group.
///
/// Root gains nothing by owning a file, and members of group 0 are as good as root: giving a file
/// to uid 0 or gid 0 is no grant. A new owner always is one: who owns a file can change its mode. A
/// new group is one where the group's bits, or setgid, give more than everybody else has.
package struct OwnerGain: Sendable, Hashable {
  /// The group changed, not the owner.
  package var isGroup: Bool
  /// The number before, to which it goes back.
  package var before: UInt32
  package var after: UInt32
  /// What the owner's or the group's bits give; write for an owner without any, who may set them.
  package var rights: FileRights

  package var who: AccessWho { isGroup ? .group(after) : .user(after) }

  static func gains(from before: FileAccess, to after: FileAccess) -> [OwnerGain] {
    // Whose it was is not known: see `AccessTable.none`.
    guard before.uid != .max else { return [] }
    var gains: [OwnerGain] = []
    if after.uid != before.uid, after.uid != 0 {
      var rights = FileRights(bits: UInt8(after.mode >> 6 & 7))
      if after.mode & 0o4000 != 0, !after.isDirectory { rights.insert(.setuid) }
      if rights.isEmpty { rights = .write }
      gains.append(
        OwnerGain(isGroup: false, before: before.uid, after: after.uid, rights: rights))
    }
    if after.gid != before.gid, after.gid != 0 {
      var rights = FileRights(bits: after.owningGroup & ~after.other)
      if after.mode & 0o2010 == 0o2010, !after.isDirectory { rights.insert(.setgid) }
      if !rights.isEmpty {
        gains.append(
          OwnerGain(isGroup: true, before: before.gid, after: after.gid, rights: rights))
      }
    }
    return gains
  }

  private func holder(of access: FileAccess) -> UInt32 { isGroup ? access.gid : access.uid }

  func left(in access: FileAccess) -> OwnerGain? { holder(of: access) == after ? self : nil }

  func isGiven(by others: [FileGain]) -> Bool {
    others.contains {
      if case .owner(let other) = $0 {
        other.isGroup == isGroup && other.after == after
      } else {
        false
      }
    }
  }

  /// The kernel takes setuid, setgid and capabilities off when the owner changes, and they are not
  /// set again: what was set under one owner was not meant for a program of another, and whoever
  /// could write the file meanwhile would choose what runs with it.
  func takenBack(from access: FileAccess, keeping others: [FileGain]) -> FileAccess {
    guard holder(of: access) == after, !isGiven(by: others) else { return access }
    var access = access
    if isGroup { access.gid = before } else { access.uid = before }
    return access
  }

  /// `u0>1001rw`: owner or group, before, after, and the rights' letters.
  package var detail: String {
    let letters: [(FileRights, String)] = [
      (.read, "r"), (.write, "w"), (.execute, "x"), (.setuid, "s"), (.setgid, "t"),
    ]
    return "\(isGroup ? "g" : "u")\(before)>\(after)"
      + letters.filter { rights.contains($0.0) }.map(\.1).joined()
  }

  init(isGroup: Bool, before: UInt32, after: UInt32, rights: FileRights) {
    self.isGroup = isGroup
    self.before = before
    self.after = after
    self.rights = rights
  }

  init?(detail: String) {
    var rest = detail[...]
    guard let letter = rest.popFirst(), letter == "u" || letter == "g",
      let before = UInt32.leading(&rest), rest.popFirst() == ">",
      let after = UInt32.leading(&rest)
    else { return nil }
    var rights: FileRights = []
    for letter in rest {
      switch letter {
      case "r": rights.insert(.read)
      case "w": rights.insert(.write)
      case "x": rights.insert(.execute)
      case "s": rights.insert(.setuid)
      case "t": rights.insert(.setgid)
      default: return nil
      }
    }
    self.init(isGroup: letter == "g", before: before, after: after, rights: rights)
  }
}
