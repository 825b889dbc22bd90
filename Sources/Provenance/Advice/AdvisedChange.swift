import ByteText
import Grants
import Kinds

/// How far an advised change explains one item of a grant.
enum Coverage: Int, Comparable {
  case none, part, whole

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A proposed change made ready for comparing.
struct AdvisedChange {
  /// Longest pattern and longest object that are compared with each other.
  private static let longestPattern = 256
  private static let longestMatched = 1024

  let change: ProposedChange
  let rights: FileRights
  /// Class by class, where the command tells.
  let effect: FileModeEffect?
  /// Words of the command without `sudo` and its like.
  let command: [[UInt8]]
  let capabilities: FileCapabilities?
  private let path: [UInt8]
  private let pattern: [UInt8]?
  /// Where the index keeps it.
  let key: IndexKey?

  init(_ change: ProposedChange) {
    self.change = change
    let own = Self.commands(change.command)
    command = own.count == 1 ? own[0].words : []
    let modes = own.compactMap(\.effect)
    effect = modes.count == 1 ? modes[0] : nil
    capabilities = change.kind == .fileCapability ? FileCapabilities(text: change.right) : nil
    guard change.kind.isFiles else {
      rights = []
      path = []
      pattern = nil
      key = Self.key(of: change)
      return
    }
    rights = FileRights(text: change.right) ?? []
    path = Array(change.object.utf8.dropFirst(5))
    let isAbsolute = path.first == UInt8(ascii: "/")
    guard !change.exact else {
      pattern = nil
      key = .path(hash(withoutSlash(path)))
      return
    }
    let parts = path.split(separator: UInt8(ascii: "/")).map(Array.init)
    let known = parts.prefix { !isUnresolved($0) }
    let isRootPattern = known.isEmpty && parts.first.map(Self.hasVariable) == false
    if isAbsolute, !known.isEmpty || isRootPattern {
      let prefix = known.flatMap { [UInt8(ascii: "/")] + $0 }
      pattern = Self.pattern(parts, isAbsolute: true)
      key = .path(hash(prefix))
    } else if let last = parts.last(where: { !isUnresolved($0) && !$0.allSatisfy { $0 == 0x2e } }) {
      pattern = Self.pattern(parts, isAbsolute: isAbsolute)
      key = .name(hash(last))
    } else {
      pattern = nil
      key = nil
    }
  }

  /// By what tells most: for rules of sudo and keys whom they are for, wherever they are written;
  /// for all else the object.
  private static func key(of change: ProposedChange) -> IndexKey? {
    let isObjectOpen = !change.exact && isUnresolved(change.object.utf8)
    let isSubjectOpen = !change.exact && isUnresolved(change.subject.utf8)
    switch change.kind {
    case .groupMember where !isSubjectOpen && !isObjectOpen:
      // Many advices name the same few groups.
      return .whole(hash("\(change.subject) \(change.object)".utf8))
    case .sudoRule: return isSubjectOpen ? nil : .whole(hash(change.subject.utf8))
    case .sshKey where change.subject != unknownKey:
      return isSubjectOpen ? nil : .whole(hash(change.subject.utf8))
    case .postgresql: return .whole(hash(DatabaseObject(change.object).name.utf8))
    case .kubernetes:
      return .whole(hash((change.object.utf8.split(separator: 0x2f).last ?? [])))
    default: return isObjectOpen ? nil : .whole(hash(change.object.utf8))
    }
  }

  private static func hasVariable(_ part: [UInt8]) -> Bool {
    part.contains { "$`~<{".utf8.contains($0) }
  }

  /// The path as a pattern: what is not known stands for anything.
  private static func pattern(_ parts: [[UInt8]], isAbsolute: Bool) -> [UInt8] {
    var pattern: [UInt8] = isAbsolute ? [] : [UInt8(ascii: "*")]
    var isLeading = true
    for part in parts {
      if isLeading, part.allSatisfy({ $0 == UInt8(ascii: ".") }) { continue }
      let isVariable = hasVariable(part)
      if isLeading, isVariable, !isAbsolute { continue }
      isLeading = false
      pattern.append(UInt8(ascii: "/"))
      if isVariable {
        pattern.append(UInt8(ascii: "*"))
      } else {
        pattern += part
      }
    }
    return pattern
  }

  /// The words and the mode of the commands in one line.
  static func commands(_ line: String) -> [(words: [[UInt8]], effect: FileModeEffect?)] {
    let bytes = unescaped(line) ?? Array(line.utf8)
    guard bytes.count <= 4096, !bytes.isEmpty else { return [] }
    var reader = ShellReader(bytes, 0..<bytes.count)
    reader.read()
    return reader.found.map {
      ([Array($0.program.name.utf8)] + $0.arguments.map(\.bytes), $0.fileModeEffect)
    }
  }

  /// True when the change is said of the object, right and subject left aside.
  func reaches(_ object: String) -> Bool {
    let item = object.utf8.dropFirst(5)
    if change.exact { return lies(item, within: path) }
    guard let pattern, pattern.count <= Self.longestPattern, item.count <= Self.longestMatched
    else { return false }
    let bytes = Array(item)
    return glob(pattern, matches: bytes)
      || change.recursive && glob(pattern + Array("/*".utf8), matches: bytes)
  }

  private func lies(_ item: Substring.UTF8View, within path: [UInt8]) -> Bool {
    guard item.starts(with: path) else { return false }
    let rest = item.dropFirst(path.count)
    if rest.isEmpty { return true }
    return change.recursive && (rest.first == UInt8(ascii: "/") || path.last == UInt8(ascii: "/"))
  }

  /// How far this change explains the grant on one of its items.
  func coverage(of grant: Grant, _ granted: FileRights, item: GrantItem) -> Coverage {
    guard change.kind.isFiles else { return entryCoverage(of: grant, item) }
    guard reaches(item.object) else { return .none }
    switch change.kind {
    case .fileMode: break
    case .fileCapability: return capabilityCoverage(of: grant)
    default: return holderCoverage(of: grant, granted)
    }
    guard !granted.isDisjoint(with: rights) else { return .none }
    guard change.exact, rights.isSuperset(of: granted),
      grant.subject != "everyone" || change.subject == "everyone", fits(item)
    else { return .part }
    return .whole
  }

  /// Class by class: the bits that the item gained are ones the command gives to that class.
  private func fits(_ item: GrantItem) -> Bool {
    guard let effect, let after = Self.mode(item.after) else { return true }
    let before = Self.mode(item.before) ?? 0
    let gained = after & ~before
    let others = FileRights(bits: gained & 7)
    let group = FileRights(bits: gained >> 3 & 7)
    return effect.others.isSuperset(of: others)
      && effect.others.union(effect.group).isSuperset(of: group)
  }

  /// The bits of group and others, setuid and setgid that the command may give, whatever a file had.
  var grantedBits: Int {
    func bits(_ rights: FileRights) -> Int {
      (rights.contains(.read) ? 4 : 0) | (rights.contains(.write) ? 2 : 0)
        | (rights.contains(.execute) ? 1 : 0)
    }
    let special = effect?.special ?? rights
    let setid = (special.contains(.setuid) ? 0o4000 : 0) | (special.contains(.setgid) ? 0o2000 : 0)
    // Who may do something as everyone may do it as the group.
    if let effect {
      return bits(effect.others) | bits(effect.others.union(effect.group)) << 3 | setid
    }
    return (change.subject == "everyone" ? bits(rights) : 0) | bits(rights) << 3 | setid
  }

  static func mode(_ text: String?) -> Int? {
    guard let text, text.utf8.count == 4 else { return nil }
    return Int(text, radix: 8)
  }
}

extension FileRights {
  /// The rights of three permission bits.
  fileprivate init(bits: Int) {
    self = []
    if bits & 4 != 0 { insert(.read) }
    if bits & 2 != 0 { insert(.write) }
    if bits & 1 != 0 { insert(.execute) }
  }
}

/// Where the index keeps a change.
enum IndexKey: Hashable {
  /// By the whole object.
  case whole(UInt64)
  /// By a path that is the object or lies above it.
  case path(UInt64)
  /// By the last name that is known of a path which is not.
  case name(UInt64)
}

/// FNV-1a, 64 bits; only chooses candidates, which are compared byte by byte.
func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(hashStart, hashed)
}

let hashStart: UInt64 = 0xcbf2_9ce4_8422_2325

func hashed(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

/// The root is the empty path here, so that every path begins with it.
private func withoutSlash(_ path: [UInt8]) -> [UInt8] {
  path == [UInt8(ascii: "/")] ? [] : path
}
