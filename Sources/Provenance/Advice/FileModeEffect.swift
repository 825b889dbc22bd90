import ByteText
import Grants

/// What a mode given to chmod(1) may give, whatever the file's mode was before.
struct FileModeEffect: Equatable, Sendable {
  var group: FileRights = []
  var others: FileRights = []
  /// Setuid and setgid.
  var special: FileRights = []
  /// Takes the sticky bit off, so that whoever may write a folder may remove others' files.
  var clearsSticky = false

  /// `everyone` or `group:*`; nil when nobody beside the owner can gain.
  var subject: String? {
    if !others.isEmpty || clearsSticky { return "everyone" }
    if group.isEmpty { return special.isEmpty || isWhole ? nil : "everyone" }
    return special.isEmpty || isWhole ? "group:*" : "everyone"
  }

  /// The rights it may give, all classes together.
  var rights: FileRights {
    group.union(others).union(special).union(clearsSticky ? .write : [])
  }

  /// The mode sets every bit, so that what it does not give is not there afterwards.
  private(set) var isWhole = false

  /// Reads an octal or symbolic mode; nil for what chmod would refuse.
  init?(mode: [UInt8]) {
    guard let first = mode.first, mode.count <= 64 else { return nil }
    if isDigit(first) {
      guard let bits = Self.octal(mode[...]) else { return nil }
      group = Self.rights(bits >> 3 & 7)
      others = Self.rights(bits & 7)
      if bits & 0o4000 != 0 { special.insert(.setuid) }
      if bits & 0o2000 != 0 { special.insert(.setgid) }
      isWhole = true
      return
    }
    var owner: FileRights?
    for clause in split(mode[...], at: UInt8(ascii: ",")) {
      guard apply(clause, &owner) else { return nil }
    }
  }

  private static func octal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.count <= 8 else { return nil }
    var value = 0
    for digit in digits {
      guard digit &- 0x30 < 8 else { return nil }
      value = value << 3 | Int(digit - 0x30)
    }
    return value <= 0o7777 ? value : nil
  }

  private static func rights(_ bits: Int) -> FileRights {
    var rights: FileRights = []
    if bits & 4 != 0 { rights.insert(.read) }
    if bits & 2 != 0 { rights.insert(.write) }
    if bits & 1 != 0 { rights.insert(.execute) }
    return rights
  }

  /// One clause such as `ug+rwX` or `o=u`; `owner` is what the owner's bits are known to be.
  private mutating func apply(_ clause: ArraySlice<UInt8>, _ owner: inout FileRights?) -> Bool {
    var at = clause.startIndex
    var who: Classes = []
    naming: while at < clause.endIndex {
      switch clause[at] {
      case UInt8(ascii: "u"): who.insert(.user)
      case UInt8(ascii: "g"): who.insert(.group)
      case UInt8(ascii: "o"): who.insert(.others)
      case UInt8(ascii: "a"): who = .all
      default: break naming
      }
      at += 1
    }
    let isMasked = who.isEmpty
    if isMasked { who = .all }
    guard at < clause.endIndex else { return false }
    while at < clause.endIndex {
      let sign = clause[at]
      guard "+-=".utf8.contains(sign) else { return false }
      at += 1
      var end = at
      while end < clause.endIndex, !"+-=".utf8.contains(clause[end]) { end += 1 }
      guard let bits = Permissions(clause[at..<end], owner: owner, group: group) else {
        return false
      }
      at = end
      change(who, isMasked, sign, bits, &owner)
    }
    return true
  }

  private struct Classes: OptionSet {
    let rawValue: UInt8
    static let user = Classes(rawValue: 1)
    static let group = Classes(rawValue: 2)
    static let others = Classes(rawValue: 4)
    static let all: Classes = [.user, .group, .others]
  }

  private struct Permissions {
    var rights: FileRights = []
    var setid = false
    var sticky = false

    init?(_ text: ArraySlice<UInt8>, owner: FileRights?, group: FileRights) {
      let all: FileRights = [.read, .write, .execute]
      if let first = text.first, isDigit(first) {
        guard let bits = FileModeEffect.octal(text) else { return nil }
        rights = FileModeEffect.rights((bits | bits >> 3 | bits >> 6) & 7)
        setid = bits & 0o6000 != 0
        sticky = bits & 0o1000 != 0
        return
      }
      for letter in text {
        switch letter {
        case UInt8(ascii: "r"): rights.insert(.read)
        case UInt8(ascii: "w"): rights.insert(.write)
        case UInt8(ascii: "x"), UInt8(ascii: "X"): rights.insert(.execute)
        case UInt8(ascii: "s"): setid = true
        case UInt8(ascii: "t"): sticky = true
        case UInt8(ascii: "u"): rights.formUnion(owner ?? all)
        case UInt8(ascii: "g"), UInt8(ascii: "o"): rights.formUnion(all)
        default: return nil
        }
      }
    }
  }

  private mutating func change(
    _ who: Classes, _ isMasked: Bool, _ sign: UInt8, _ bits: Permissions,
    _ owner: inout FileRights?
  ) {
    let hasUser = who.contains(.user)
    let hasGroup = who.contains(.group)
    let hasOthers = who.contains(.others)
    switch sign {
    case UInt8(ascii: "-"):
      if hasUser { owner?.subtract(bits.rights) }
      if hasGroup { group.subtract(bits.rights) }
      if hasOthers { others.subtract(bits.rights) }
      if bits.setid, hasUser { special.remove(.setuid) }
      if bits.setid, hasGroup { special.remove(.setgid) }
      if bits.sticky, hasOthers { clearsSticky = true }
    default:
      let sets = sign == UInt8(ascii: "=")
      if sets, hasUser { owner = [] }
      if sets, hasGroup { group = [] }
      if sets, hasOthers { others = [] }
      if hasUser { owner?.formUnion(bits.rights) }
      if hasGroup { group.formUnion(bits.rights) }
      // Every usual umask withholds write from others where the clause names nobody.
      if hasOthers { others.formUnion(isMasked ? bits.rights.subtracting(.write) : bits.rights) }
      if bits.setid, hasUser { special.insert(.setuid) }
      if bits.setid, hasGroup { special.insert(.setgid) }
      if bits.sticky { clearsSticky = false }
    }
  }
}
