package import Grants

/// What a change of access control lists gave to one user or group, behind the mask: of the file's
/// own list, of a folder's default list, or of both.
///
/// Counted are entries that are new or wider, a wider mask, and an entry taken away that had given
/// less than everybody has. Who is named by no entry is taken to have what the file's group and
/// all others both have. The owner's entry and one for root are none.
package struct ListGain: Sendable, Hashable {
  package var who: AccessWho
  package var access: Part?
  package var defaults: Part?

  /// What changed in one of the lists.
  package struct Part: Sendable, Hashable {
    /// The entry's bits as written; nil where there was none, or is none.
    package var before: UInt8?
    package var after: UInt8?
    /// What it gives more, behind the mask.
    package var gained: UInt8
    /// The mask, or the mode's group bits where there was no list; nil for a default list that was
    /// not there.
    package var maskBefore: UInt8?
    package var maskAfter: UInt8
  }

  package var rights: FileRights {
    FileRights(bits: (access?.gained ?? 0) | (defaults?.gained ?? 0))
  }

  // MARK: Comparing

  static func gains(from before: FileAccess, to after: FileAccess) -> [ListGain] {
    if before.list == after.list, before.mode & 0o077 == after.mode & 0o077,
      before.defaults == after.defaults
    {
      return []
    }
    var order: [AccessWho] = []
    var found: [AccessWho: ListGain] = [:]
    func add(_ who: AccessWho, _ part: Part, _ place: WritableKeyPath<ListGain, Part?>) {
      guard part.gained != 0, who != .user(0) else { return }
      if found[who] == nil { order.append(who) }
      found[who, default: ListGain(who: who)][keyPath: place] = part
    }
    for (who, part) in accessParts(before, after) where who != .user(after.uid) {
      add(who, part, \.access)
    }
    if after.isDirectory, after.defaults != before.defaults {
      for (who, part) in defaultParts(before, after) { add(who, part, \.defaults) }
    }
    return order.compactMap { found[$0] }
  }

  private static func accessParts(
    _ before: FileAccess, _ after: FileAccess
  ) -> [(AccessWho, Part)] {
    let (old, new) = (before.list, after.list)
    if old == nil, new == nil { return [] }
    var named = new?.named ?? []
    named += (old?.named ?? []).filter { !named.contains($0) }
    // Without a list the group's bits are the mode's, and belong to the kind `file-mode`.
    if new != nil { named.append(.owningGroup) }
    return named.map { who in
      let had: UInt8
      let has: UInt8
      if who == .owningGroup {
        (had, has) = (before.owningGroup, after.owningGroup)
      } else {
        had = old?.effective(who) ?? before.unnamed
        has = new?.effective(who) ?? after.unnamed
      }
      let wasWritten = who == .owningGroup ? old?.owningGroup ?? before.groupClass : old?[who]
      return (
        who,
        Part(
          before: wasWritten, after: new?[who], gained: has & ~had,
          maskBefore: before.groupClass, maskAfter: after.groupClass)
      )
    }
  }

  private static func defaultParts(
    _ before: FileAccess, _ after: FileAccess
  ) -> [(AccessWho, Part)] {
    guard let new = after.defaults else { return [] }
    let old = before.defaults
    return (new.named + [.owningGroup, .everyone]).map { who in
      let had: UInt8
      switch who {
      case .everyone: had = old?.other ?? before.other
      case .owningGroup: had = old?.effective(.owningGroup) ?? before.owningGroup
      case .user, .group: had = old?.effective(who) ?? old?.unnamed ?? before.unnamed
      }
      return (
        who,
        Part(
          before: old?[who], after: new[who], gained: (new.effective(who) ?? 0) & ~had,
          maskBefore: old.map { $0.mask ?? $0.owningGroup },
          maskAfter: new.mask ?? new.owningGroup)
      )
    }
  }

  // MARK: Later

  func left(in access: FileAccess) -> ListGain? {
    var rest = self
    rest.access = self.access.flatMap { part in
      let has: UInt8
      if who == .owningGroup {
        has = access.owningGroup
      } else if let effective = access.list?.effective(who) {
        has = part.after == nil ? 0 : effective
      } else {
        has = part.after == nil ? access.unnamed : 0
      }
      return part.limited(
        to: has, written: access.list?[who] ?? (who == .owningGroup ? access.groupClass : nil),
        mask: access.groupClass)
    }
    rest.defaults = defaults.flatMap { part in
      guard let list = access.defaults, let has = list.effective(who) else { return nil }
      return part.limited(to: has, written: list[who], mask: list.mask ?? list.owningGroup)
    }
    return rest.access == nil && rest.defaults == nil ? nil : rest
  }

  func followed(by later: ListGain) -> ListGain {
    func both(_ first: Part?, _ second: Part?) -> Part? {
      guard var whole = first, let second else { return first ?? second }
      whole.after = second.after
      whole.gained |= second.gained
      whole.maskAfter = second.maskAfter
      return whole
    }
    return ListGain(
      who: who, access: both(access, later.access), defaults: both(defaults, later.defaults))
  }

  private static func kept(
    _ others: [FileGain], _ part: KeyPath<ListGain, Part?>, by who: AccessWho?
  ) -> UInt8 {
    others.reduce(0) { bits, other in
      guard case .list(let gain) = other, who == nil || gain.who == who else { return bits }
      return bits | (gain[keyPath: part]?.gained ?? 0)
    }
  }

  /// What gives no more than `bits`, and what gives the rest; nil where one of them is nothing.
  ///
  /// The rest keeps the entry as it was written: what the other one gave and keeps is left when this
  /// is taken back.
  func parted(by bits: UInt8) -> (ListGain, ListGain)? {
    func within(_ part: Part) -> Part? {
      guard part.gained & bits != 0 else { return nil }
      var within = part
      within.gained &= bits
      within.after = part.after.map { $0 & ((part.before ?? 0) | bits) }
      within.maskAfter &= (part.maskBefore ?? 0) | bits
      return within
    }
    func beyond(_ part: Part) -> Part? {
      var beyond = part
      beyond.gained &= ~bits
      return beyond.gained == 0 ? nil : beyond
    }
    let first = ListGain(
      who: who, access: access.flatMap(within), defaults: defaults.flatMap(within))
    let second = ListGain(
      who: who, access: access.flatMap(beyond), defaults: defaults.flatMap(beyond))
    guard first.access != nil || first.defaults != nil,
      second.access != nil || second.defaults != nil
    else { return nil }
    return (first, second)
  }

  func isGiven(by others: [FileGain]) -> Bool {
    (access?.gained ?? 0) & ~Self.kept(others, \.access, by: who) == 0
      && (defaults?.gained ?? 0) & ~Self.kept(others, \.defaults, by: who) == 0
  }

  func takenBack(from present: FileAccess, keeping others: [FileGain]) -> FileAccess {
    var access = present
    if let part = self.access, left(in: present)?.access != nil || isWritten(part, present.list) {
      takeBack(part, from: &access, others)
    }
    if let part = defaults, var list = access.defaults,
      left(in: present)?.defaults != nil || isWritten(part, list)
    {
      list[who] = part.entry(
        now: list[who], keeping: Self.kept(others, \.defaults, by: who), unnamed: list.unnamed,
        isNamed: isNamed, formerly: part.before ?? (part.maskBefore == nil ? baseBits(present) : 0))
      if let mask = list.mask {
        list.mask = part.mask(now: mask, keeping: Self.kept(others, \.defaults, by: nil))
      }
      if !list.namesAnybody, let mask = list.mask {
        list.owningGroup &= mask
        list.mask = nil
      }
      // A list of the folder's own bits came with the first name, whoever's it was.
      let isCopy =
        list.owningGroup == present.owningGroup && list.other == present.other
        && list.owner == UInt8(present.mode >> 6 & 7)
      let isLeft = list.namesAnybody || Self.kept(others, \.defaults, by: nil) != 0
      access.defaults = isLeft || (part.maskBefore != nil && !isCopy) ? list : nil
    }
    return access
  }

  /// True when the entry still has bits that were added, though the mask lets none through.
  private func isWritten(_ part: Part, _ list: AccessList?) -> Bool {
    guard isNamed, let after = part.after, let now = list?[who] else { return false }
    return now & after & ~(part.before ?? 0) != 0
  }

  private var isNamed: Bool { who != .owningGroup && who != .everyone }

  /// What the folder itself gives those whom a default list always has an entry for.
  private func baseBits(_ access: FileAccess) -> UInt8 {
    switch who {
    case .owningGroup: access.owningGroup
    case .everyone: access.other
    case .user, .group: 0
    }
  }

  private func takeBack(_ part: Part, from access: inout FileAccess, _ others: [FileGain]) {
    let kept = Self.kept(others, \.access, by: who)
    guard var list = access.list else {
      // The list went, and left its mask as the group's bits.
      if who == .owningGroup { access.mode &= ~(UInt16(part.gained & ~kept) << 3) }
      if part.after == nil, let before = part.before {
        var list = AccessList(
          owner: UInt8(access.mode >> 6 & 7), owningGroup: access.groupClass, other: access.other)
        list.mask = access.groupClass
        list[who] = before | kept
        access.list = list
      }
      return
    }
    list[who] = part.entry(
      now: list[who], keeping: kept, unnamed: access.unnamed, isNamed: isNamed,
      formerly: part.before ?? 0)
    let mask = part.mask(now: access.groupClass, keeping: Self.kept(others, \.access, by: nil))
    list.mask = mask
    access.mode = access.mode & ~0o070 | UInt16(mask) << 3
    if !list.namesAnybody {
      access.mode = access.mode & ~0o070 | UInt16(mask & list.owningGroup) << 3
      access.list = nil
    } else {
      access.list = list
    }
  }

  // MARK: On record

  /// `u1001a-7747`: who, then for each list `a` or `d` and before, after, gained, mask before and
  /// mask after, each an octal digit or `-`.
  package var detail: String {
    func digit(_ bits: UInt8?) -> String { bits.map { String($0 & 7) } ?? "-" }
    func text(_ letter: String, _ part: Part?) -> String {
      guard let part else { return "" }
      return letter + digit(part.before) + digit(part.after) + digit(part.gained)
        + digit(part.maskBefore) + digit(part.maskAfter)
    }
    return who.letter + text("a", access) + text("d", defaults)
  }

  package init(who: AccessWho, access: Part? = nil, defaults: Part? = nil) {
    self.who = who
    self.access = access
    self.defaults = defaults
  }

  init?(detail: String) {
    var rest = detail[...]
    guard let who = AccessWho(&rest) else { return nil }
    self.init(who: who)
    while let letter = rest.popFirst() {
      guard let part = Part(rest.prefix(5)) else { return nil }
      rest = rest.dropFirst(5)
      switch letter {
      case "a": access = part
      case "d": defaults = part
      default: return nil
      }
    }
    if access == nil, defaults == nil { return nil }
  }
}

extension ListGain.Part {
  fileprivate init?(_ text: Substring) {
    let digits = text.utf8.map { byte -> UInt8? in
      (0x30...0x37).contains(byte) ? byte - 0x30 : nil
    }
    guard digits.count == 5, zip(digits, text.utf8).allSatisfy({ $0 != nil || $1 == 0x2d }),
      let gained = digits[2], let maskAfter = digits[4]
    else { return nil }
    self.init(
      before: digits[0], after: digits[1], gained: gained, maskBefore: digits[3],
      maskAfter: maskAfter)
  }

  /// What is left of it where no more than `has` is given now; nil when nothing is.
  fileprivate func limited(to has: UInt8, written: UInt8?, mask: UInt8) -> Self? {
    var rest = self
    rest.gained &= has
    guard rest.gained != 0 else { return nil }
    if rest.gained == gained { return self }
    if let after, let written { rest.after = written & after }
    rest.maskAfter &= mask | (maskBefore ?? 0)
    return rest
  }

  /// The entry without the bits that were added to it; nil where there is to be none.
  ///
  /// An entry that stays without what it was added with must not give less than none would.
  fileprivate func entry(
    now: UInt8?, keeping kept: UInt8, unnamed: UInt8, isNamed: Bool, formerly: UInt8
  ) -> UInt8? {
    guard let after else { return now ?? before.map { $0 | kept } }
    guard let now else { return nil }
    let rest = now & ~(after & ~formerly & ~kept)
    guard isNamed else { return rest }
    if before == nil { return rest & ~unnamed == 0 ? nil : rest | (now & unnamed) }
    return rest == 0 && before != 0 ? nil : rest
  }

  /// The mask without the bits that were added to it, but with those that others need.
  fileprivate func mask(now: UInt8, keeping kept: UInt8) -> UInt8 {
    now & ~(maskAfter & ~(maskBefore ?? 0) & ~kept)
  }
}
