internal import Grants

/// Why access is not put back, in words that go on after the object's name and a colon.
package struct PutBackObstacle: Error, Equatable {
  package var reason: String

  init(_ reason: String) { self.reason = reason }
}

/// Giving again what a revocation took back. All here is pure, as taking back is.
extension FileGain {
  /// The access with what this gave; `access` itself where nothing of it is missing.
  ///
  /// Only from a state as the revocation left it: what is put back gives nothing more, to nobody
  /// else than `others` give it too, and taking it back again leads to the same state. A narrowing
  /// of the same entry, another owner or another mask is somebody's decision that came after, and
  /// stays. What one mask gave to several is put back where all of them are among `others`.
  package func putBack(
    into access: FileAccess, keeping others: [FileGain]
  ) throws(PutBackObstacle) -> FileAccess {
    let wanted: FileAccess
    switch self {
    case .owner(let gain): wanted = try gain.given(to: access)
    case .list(let gain): wanted = try gain.given(to: access)
    case .capabilities(let gain): wanted = try gain.given(to: access)
    }
    if wanted == access { return access }
    for gain in FileGain.gains(from: access, to: wanted)
    where !covers(gain) && !gain.isGiven(by: others) {
      throw PutBackObstacle("it would give more now than was taken back, or others as well")
    }
    let standing = others.compactMap { $0.left(in: access) }
    guard takenBack(from: wanted, keeping: standing) == access else {
      throw PutBackObstacle("\(name) changed since it was taken back")
    }
    return wanted
  }

  private var name: String {
    switch self {
    case .owner: "its owner"
    case .list: "its access list"
    case .capabilities: "what it has of capabilities"
    }
  }

  /// True when `other` gives nothing that this did not give.
  private func covers(_ other: FileGain) -> Bool {
    guard other.who == who else { return false }
    switch (self, other) {
    // Who owns a file may set the owner's bits.
    case (.owner(let own), .owner(let gain)):
      return !own.isGroup || own.rights.contains(gain.rights)
    case (.list(let own), .list(let gain)):
      return gain.access?.isWithin(own.access) ?? true
        && gain.defaults?.isWithin(own.defaults) ?? true
    case (.capabilities(let own), .capabilities(let gain)):
      return own.gained.gives(atLeast: gain.gained)
    default: return false
    }
  }
}

extension OwnerGain {
  fileprivate func given(to access: FileAccess) throws(PutBackObstacle) -> FileAccess {
    let holder = isGroup ? access.gid : access.uid
    if holder == after { return access }
    guard holder == before else {
      let word = isGroup ? "group" : "owner"
      throw PutBackObstacle(
        "its \(word) is \(holder) now, and was \(before) when it was taken back")
    }
    guard access.isDirectory || (access.mode & 0o6000 == 0 && access.capabilities == nil) else {
      throw PutBackObstacle(
        "it has setuid, setgid or capabilities now, which another owner would take off")
    }
    var access = access
    if isGroup { access.gid = after } else { access.uid = after }
    return access
  }
}

extension ListGain {
  fileprivate func given(to present: FileAccess) throws(PutBackObstacle) -> FileAccess {
    var access = present
    if let part = self.access { try give(part, to: &access) }
    if let part = defaults {
      guard present.isDirectory else { throw PutBackObstacle("it is no folder") }
      giveDefault(part, to: &access)
    }
    return access
  }

  private func give(_ part: Part, to access: inout FileAccess) throws(PutBackObstacle) {
    if access.list == nil, who == .owningGroup {
      // No name is left, and so no list: the group's bits are the mode's.
      access.mode |= UInt16(part.gained) << 3
      return
    }
    var list = access.list ?? .ofMode(access, owningGroup: access.groupClass)
    if let after = part.after {
      list[who] = (list[who] ?? 0) | after
    } else if let now = list[who] {
      // The entry had given less than everybody has.
      guard now == part.before else { throw PutBackObstacle("its entry changed since") }
      list[who] = nil
    }
    let mask = access.groupClass | part.added
    list.mask = mask
    access.mode = access.mode & ~0o070 | UInt16(mask) << 3
    access.list = list
  }

  private func giveDefault(_ part: Part, to access: inout FileAccess) {
    var list = access.defaults ?? .ofMode(access, owningGroup: access.owningGroup)
    list[who] = (list[who] ?? 0) | (part.after ?? 0)
    if list.mask != nil || list.namesAnybody {
      list.mask = (list.mask ?? list.owningGroup) | (who == .everyone ? 0 : part.added)
    }
    access.defaults = list
  }
}

extension ListGain.Part {
  /// The bits that the mask needs for it.
  fileprivate var added: UInt8 { gained | (maskAfter & ~(maskBefore ?? 0)) }

  fileprivate func isWithin(_ other: Self?) -> Bool { gained & ~(other?.gained ?? 0) == 0 }
}

extension AccessList {
  /// A list without names that says what the file's mode does.
  fileprivate static func ofMode(_ access: FileAccess, owningGroup: UInt8) -> AccessList {
    AccessList(
      owner: UInt8(access.mode >> 6 & 7), owningGroup: owningGroup, other: access.other)
  }
}

extension CapabilityGain {
  fileprivate func given(to access: FileAccess) throws(PutBackObstacle) -> FileAccess {
    let now = access.capabilities
    var wanted = FileCapabilities(rootUID: after.rootUID)
    if let now, now.rootUID == after.rootUID {
      if now.gives(atLeast: after) { return access }
      wanted = now
    }
    // What it had before is there again, in whatever namespace it counts.
    let isAsLeft =
      before.map { before in
        now?.rootUID == before.rootUID && now?.gives(atLeast: before) == true
      } ?? (now == nil || now?.rootUID == after.rootUID)
    guard isAsLeft else {
      throw PutBackObstacle("its capabilities changed since it was taken back")
    }
    wanted.permitted |= gained.permitted
    wanted.inheritable |= gained.inheritable
    wanted.effective = wanted.effective || gained.effective
    var access = access
    access.capabilities = wanted
    return access
  }
}
