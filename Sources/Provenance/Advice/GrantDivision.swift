import ByteText
package import Grants
import Kinds

/// The items of a grant, divided into what some advices propose and what they do not.
package struct GrantDivision: Sendable {
  /// Whole items, and the proposed part of items.
  package var covered: [GrantItem] = []
  /// What goes beyond: whole items, and what an item gave more.
  package var rest: [GrantItem] = []
  /// The right of each covered item and of each one of the rest; as a grant's.
  package var coveredRights: [String] = []
  package var restRights: [String] = []
  /// The advice whose change says most of the items, and that change.
  package var advice: String
  package var change: ProposedChange
  /// All advices that say something of them.
  package var advices: Set<String> = []
}

extension AdviceIndex {
  /// Divides the items of `grant` from `first` on by what the open advices `ids` propose. Nil where
  /// none of them says anything of these items.
  ///
  /// Only changes count that name their object exactly: what is read off a relative path or a
  /// variable is nobody's word on this object.
  package func divide(
    _ grant: Grant, from first: Int, by ids: [String], at now: Moment
  ) -> GrantDivision? {
    var changes: [(advice: String, change: AdvisedChange)] = []
    for id in ids {
      guard let entry = entries[id], entry.advice.until.isOpen(at: now) else { continue }
      changes += entry.changes.filter { $0.change.kind == grant.kind && $0.change.exact }
        .map { (id, $0) }
    }
    guard !changes.isEmpty else { return nil }
    var division = GrantDivision(advice: "", change: changes[0].change.change)
    var best = Coverage.none
    var one = grant
    one.items = []
    for (index, item) in grant.items.enumerated().dropFirst(first) {
      one.right = Self.right(of: item, at: index, in: grant)
      var here = Coverage.none
      var allowed = Allowed()
      for (advice, change) in changes {
        let coverage = Self.coverage(of: one, item, by: change, &allowed)
        here = max(here, coverage)
        if coverage != .none { division.advices.insert(advice) }
        if coverage > best {
          (best, division.advice, division.change) = (coverage, advice, change.change)
        }
      }
      division.take(item, one.right, here, of: grant.kind, allowed)
    }
    return best == .none ? nil : division
  }

  /// How far a change explains one item; what it allows is added to `allowed`. A change of the very
  /// file's mode is a part of it whatever the bits are.
  private static func coverage(
    of one: Grant, _ item: GrantItem, by change: AdvisedChange, _ allowed: inout Allowed
  ) -> Coverage {
    guard one.kind == .fileMode else {
      let coverage = change.coverage(of: one, FileRights(text: one.right) ?? [], item: item)
      guard coverage != .none else { return coverage }
      switch one.kind {
      case .fileACL where change.change.subject == one.subject:
        allowed.rights.formUnion(change.rights)
      case .fileCapability: change.capabilities.map { allowed.capabilities.formUnion($0) }
      case .sudoRule where change.change.subject == one.subject:
        allowed.sudo.append(change.change.right)
      default: break
      }
      return coverage
    }
    guard change.reaches(item.object) else { return .none }
    allowed.bits |= change.grantedBits
    if change.effect?.clearsSticky == true { allowed.bits |= 0o1000 }
    return item.exceeds(change.grantedBits) ? .part : .whole
  }

  /// What one item of a grant with several gives.
  private static func right(of item: GrantItem, at index: Int, in grant: Grant) -> String {
    if grant.kind == .fileMode { return (FileRights(modeBits: item.gainedModeBits)).text }
    if grant.kind.isFiles {
      return item.gain.flatMap { FileGain(grant.kind, detail: $0)?.right } ?? grant.right
    }
    let rights = grant.right.split(separator: ";").map { String($0.drop { $0 == " " }) }
    return rights.count == grant.items.count && index < rights.count ? rights[index] : grant.right
  }

  /// How the commands `ids` of an agent's hooks tell of `grant`: the newest that tells of all of it,
  /// else the newest that tells of a part. Nil where none does.
  package func told(
    _ grant: Grant, by ids: [String]
  ) -> (advice: String, isWhole: Bool, change: ProposedChange)? {
    let granted = grant.kind.isFiles ? FileRights(text: grant.right) ?? [] : []
    var part: (advice: String, isWhole: Bool, change: ProposedChange)?
    for id in ids.reversed() {
      guard let entry = entries[id] else { continue }
      let changes = entry.changes.filter { $0.change.kind == grant.kind }
      guard let (change, coverage) = explain(changes, grant, grant.items, granted),
        coverage != .none
      else { continue }
      if coverage == .whole { return (id, true, change.change) }
      // A path that is not known may be this one: nothing shows that the grant is wider.
      if !change.change.exact { return (id, true, change.change) }
      part = part ?? (id, false, change.change)
    }
    return part
  }
}

/// What all changes together allow of an item that can be divided.
private struct Allowed {
  /// Permission bits of group and others, setuid, setgid, and 0o1000 to take the sticky bit off.
  var bits = 0
  /// Of whom an access list's entry is for.
  var rights: FileRights = []
  var capabilities = FileCapabilities()
  /// Rights of sudo rules for the same user, as a grant has them.
  var sudo: [String] = []
}

extension GrantDivision {
  fileprivate mutating func take(
    _ item: GrantItem, _ right: String, _ coverage: Coverage, of kind: GrantKind, _ allowed: Allowed
  ) {
    switch kind {
    case .fileMode:
      if !item.exceeds(allowed.bits) { return cover(item, right) }
      guard let (part, beyond) = item.parted(allowed.bits) else { return leave(item, right) }
      cover(part, FileRights(modeBits: part.gainedModeBits).text)
      leave(beyond, FileRights(modeBits: beyond.gainedModeBits).text)
    case .fileACL:
      if let given = FileRights(text: right), allowed.rights.isSuperset(of: given) {
        return cover(item, right)
      }
      guard let gain = item.gain.flatMap({ FileGain(kind, detail: $0) }),
        let (within, beyond) = gain.parted(by: allowed.rights)
      else { return leave(item, right) }
      var (part, rest) = (item, item)
      (part.gain, rest.gain) = (within.detail, beyond.detail)
      cover(part, within.right)
      leave(rest, beyond.right)
    case .fileCapability: divideCapabilities(item, right, coverage, allowed.capabilities)
    case .sudoRule where coverage == .part:
      guard let (part, rest, within) = item.partedSudoRule(right, by: allowed.sudo) else {
        return leave(item, right)
      }
      cover(part, within)
      leave(rest, right)
    default: if coverage == .whole { cover(item, right) } else { leave(item, right) }
    }
  }

  private mutating func divideCapabilities(
    _ item: GrantItem, _ right: String, _ coverage: Coverage, _ allowed: FileCapabilities
  ) {
    guard coverage != .whole else { return cover(item, right) }
    guard let gain = item.gain.flatMap({ FileGain(.fileCapability, detail: $0) }),
      case (let within?, let beyond) = gain.parted(by: allowed)
    else { return leave(item, right) }
    guard let beyond else { return cover(item, right) }
    var (part, rest) = (item, item)
    (part.gain, rest.gain) = (within.detail, beyond.detail)
    if case .capabilities(let gain) = within { part.after = gain.after.text }
    rest.before = part.after
    cover(part, within.right)
    leave(rest, beyond.right)
  }

  private mutating func cover(_ item: GrantItem, _ right: String) {
    covered.append(item)
    coveredRights.append(right)
  }

  private mutating func leave(_ item: GrantItem, _ right: String) {
    rest.append(item)
    restRights.append(right)
  }
}

extension GrantItem {
  /// The bits of group, others, setuid and setgid that the item gave; 0o1000 for a sticky bit that
  /// was taken off a folder which others may write.
  package var gainedModeBits: Int {
    guard let after = AdvisedChange.mode(after) else { return 0 }
    guard let before = AdvisedChange.mode(before) else { return after & 0o6002 }
    let isSticky = before & 0o1000 != 0 && after & 0o1002 == 0o002
    return after & ~before & 0o6077 | (isSticky ? 0o1000 : 0)
  }

  /// True when it gave more than `allowed`; write by everyone allows to take the sticky bit off.
  fileprivate func exceeds(_ allowed: Int) -> Bool {
    let allowed = allowed & 0o002 != 0 ? allowed | 0o1000 : allowed
    return gainedModeBits & ~allowed != 0
  }

  /// The item as two, one after the other: first what is allowed, then the rest. Nil where nothing
  /// of it is allowed.
  fileprivate func parted(_ allowed: Int) -> (GrantItem, GrantItem)? {
    let gained = gainedModeBits
    guard gained & 0o6077 & allowed != 0, let after = AdvisedChange.mode(after) else { return nil }
    let beyond = gained & ~allowed
    var middle = after & ~(beyond & 0o6077)
    if beyond & 0o1000 != 0 { middle |= 0o1000 }
    var (part, rest) = (self, self)
    part.after = Self.octal(middle)
    rest.before = part.after
    return (part, rest)
  }

  /// The item as two, one after the other: the rule with no more than one of the rights `allowed`,
  /// and the rule that came in its place; then the first one's right. Nil where it cannot be shown
  /// that the rule which came holds the approved one, which then is not divided at all.
  fileprivate func partedSudoRule(
    _ right: String, by allowed: [String]
  ) -> (part: GrantItem, rest: GrantItem, right: String)? {
    guard gain == nil, let after else { return nil }
    func entry(_ value: String, _ detail: String?) -> AccessEntry {
      AccessEntry(
        subject: "", object: object, right: right, value: value, detail: detail ?? "")
    }
    for advised in allowed {
      let told = SudoRight.parts(advised)
      guard
        let within = SudoRules.part(
          of: entry(after, detail?.own), within: told.commands, tags: told.tags),
        SudoRight.coverage(of: within.right, by: advised) == .whole
      else { continue }
      if let before, before != "absent" {
        let former = entry(before, detail?.former)
        // What was given before is no part of what came. And nothing of it may be lost until the
        // approval ends and it comes back.
        if SudoRules.gives(former, asMuchAs: within) || !SudoRules.gives(within, asMuchAs: former) {
          continue
        }
      }
      var (part, rest) = (self, self)
      part.after = within.value
      part.detail = EntryDetail(own: within.detail, former: detail?.former ?? "")
      rest.before = within.value
      rest.detail = EntryDetail(own: detail?.own ?? "", former: within.detail)
      return (part, rest, within.right)
    }
    return nil
  }

  private static func octal(_ mode: Int) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }
}

extension FileRights {
  /// The rights of gained bits, all classes together, as a grant has them.
  fileprivate init(modeBits bits: Int) {
    self = []
    if bits & 0o044 != 0 { insert(.read) }
    if bits & 0o1022 != 0 { insert(.write) }
    if bits & 0o011 != 0 { insert(.execute) }
    if bits & 0o4000 != 0 { insert(.setuid) }
    if bits & 0o2000 != 0 { insert(.setgid) }
  }
}
