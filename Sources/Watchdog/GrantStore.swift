package import Grants
package import Kinds

/// A file by its number, the key under which its grants are found.
package struct FileKey: Hashable, Sendable {
  package var device: UInt64
  package var inode: UInt64

  package init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }

  package init(_ identity: FileIdentity) {
    self.init(device: identity.device, inode: identity.inode)
  }
}

/// An entry of a kind, the key under which its grants are found.
package struct ItemKey: Hashable {
  package var kind: GrantKind
  package var entry: AccessEntry.Key

  package init(_ kind: GrantKind, _ entry: AccessEntry.Key) {
    self.kind = kind
    self.entry = entry
  }
}

/// One item of one grant.
package struct ItemReference: Hashable {
  package var grant: String
  package var index: Int
}

/// All grants that are known, with the indices to find those that stand. Confined to the engine's
/// queue.
package final class GrantStore {
  /// Ended grants that are kept for `list`; older ones are in the ledger only. So many take about
  /// 15 MB, and an agent that gives and takes all day no more.
  package static let endedLimit = 10_000

  /// A grant is large: in a box of its own a table of them stays small and is quickly enlarged.
  private final class Box {
    var grant: Grant
    init(_ grant: Grant) { self.grant = grant }
  }

  private var all: [String: Box] = [:]
  private var shared = SharedParts()
  /// Ids, oldest first.
  package private(set) var order: [String] = []
  /// The items that are not ended, by file.
  package private(set) var itemsByFile: [FileKey: [ItemReference]] = [:]
  /// The same items by the object's name.
  package private(set) var itemsByObject: [String: [ItemReference]] = [:]
  /// The membership grants that are not ended, by `subject object`.
  package private(set) var byMembership: [String: [String]] = [:]
  /// Grants of other kinds that are not ended, by `kind object`.
  private var byTold: [String: [String]] = [:]
  /// Grants that are not ended, by whom they serve: the subject, or the account that a key opens.
  /// Grants on files are not among them.
  private var byHolder: [String: Set<String>] = [:]
  /// The groups among the holders, `group:sudo`.
  private(set) var holdingGroups: Set<String> = []
  private var itemsByEntry: [ItemKey: [ItemReference]] = [:]
  /// Grants that are not ended and put off the end of an entry.
  private(set) var longer: Set<String> = []
  package private(set) var endedCount = 0
  /// How many grants each incident has.
  private var incidents: [String: Int] = [:]
  /// How many there are in each state, but for the standing ones.
  package private(set) var counts: [GrantState: Int] = [:]
  /// The grants that time runs out for.
  package private(set) var timed: Set<String> = []

  package init() {}

  package subscript(id: String) -> Grant? { all[id]?.grant }

  package static func membershipKey(subject: String, object: String) -> String {
    "\(subject) \(object)"
  }

  /// The grants of a connector's kind on an object that are not ended.
  func told(_ kind: GrantKind, _ object: String) -> [String] {
    byTold["\(kind.rawValue) \(object)"] ?? []
  }

  /// The grants that give `holder` (`user:bob`, `group:sudo`, `everyone`) something and are not
  /// ended; those on files left aside.
  func grants(heldBy holder: String) -> [String] { (byHolder[holder] ?? []).sorted() }

  /// True when an item of the grant may stand in the entry's place: asked without a copy of it, since
  /// thousands of grants may be on one object.
  func mayReplace(_ id: String, _ entry: AccessEntry.Key) -> Bool {
    guard let box = all[id] else { return false }
    return box.grant.items.contains { $0.gain == nil && $0.before == entry.value }
  }

  /// Whom a grant serves: its subject, or the account that a key opens.
  static func holder(of grant: Grant) -> String {
    grant.kind == .sshKey && grant.object.hasPrefix("account:")
      ? "user:" + grant.object.dropFirst("account:".count) : grant.subject
  }

  /// The items that give an entry and are not ended.
  func entries(_ key: ItemKey) -> [ItemReference] {
    (itemsByEntry[key] ?? []).filter { item($0).map { $0.state != .ended } ?? false }
  }

  /// One item, without a copy of its grant: whoever holds a grant while its items change pays with
  /// a copy of all of them.
  func item(_ reference: ItemReference) -> GrantItem? {
    guard let box = all[reference.grant], box.grant.items.indices.contains(reference.index) else {
      return nil
    }
    return box.grant.items[reference.index]
  }

  /// How many items a grant has; 0 for one that is not kept.
  func itemCount(_ id: String) -> Int { all[id]?.grant.items.count ?? 0 }

  /// Puts `items` in the place of a standing grant's items from `first` on.
  func replaceItems(of id: String, from first: Int, by items: [GrantItem]) {
    guard let box = all[id], box.grant.state != .ended, first <= box.grant.items.count else {
      return
    }
    unindex(box.grant, from: first)
    box.grant.items.removeSubrange(first...)
    box.grant.items += items
    index(box.grant, from: first)
  }

  /// True for a grant that has ended or is not kept any more.
  package func isPast(_ id: String) -> Bool { all[id].map { $0.grant.state == .ended } ?? true }

  /// True when every item has ended. Most end in their order, so the last is asked first.
  func isOver(_ id: String) -> Bool {
    guard let box = all[id] else { return false }
    return !box.grant.items.reversed().contains { $0.state != .ended }
  }

  /// True for grants whose access is still there, or may be.
  package static func stands(_ grant: Grant) -> Bool {
    grant.state != .ended && grant.state != .drifted
  }

  /// When the grant falls due: the end of its approval, else its own deadline.
  package static func effectiveDeadline(_ grant: Grant) -> Deadline? {
    switch grant.state {
    case .approved: grant.approval?.until
    case .active: grant.deadline
    default: nil
    }
  }

  package func insert(_ grant: Grant) {
    if let box = all[grant.id] {
      if box.grant.state == .ended { endedCount -= 1 } else { unindex(box.grant) }
      discount(box.grant)
      leaveIncident(box.grant)
      box.grant = grant
    } else {
      order.append(grant.id)
      all[grant.id] = Box(grant)
    }
    incidents[grant.incident, default: 0] += 1
    count(grant)
    guard grant.state == .ended else { return index(grant, from: 0) }
    endedCount += 1
    if let box = all[grant.id] { shared.share(&box.grant) }
  }

  /// Changes a grant in place; the indices follow.
  package func change(_ id: String, _ body: (inout Grant) -> Void) {
    guard let box = all[id] else { return }
    let itemsBefore = box.grant.items.count
    let endedBefore = box.grant.state == .ended
    discount(box.grant)
    body(&box.grant)
    count(box.grant)
    let ended = box.grant.state == .ended
    if ended, !endedBefore {
      endedCount += 1
      unindex(box.grant)
      shared.share(&box.grant)
      trim()
    } else if !ended {
      if endedBefore {
        endedCount -= 1
        index(box.grant, from: 0)
      } else if box.grant.items.count > itemsBefore {
        index(box.grant, from: itemsBefore)
      }
    }
  }

  private func count(_ grant: Grant) {
    guard !grant.standing else { return }
    counts[grant.state, default: 0] += 1
    if Self.effectiveDeadline(grant) != nil { timed.insert(grant.id) }
  }

  private func discount(_ grant: Grant) {
    guard !grant.standing else { return }
    counts[grant.state, default: 0] -= 1
    timed.remove(grant.id)
  }

  private func index(_ grant: Grant, from start: Int) {
    if start == 0, grant.kind != .fileMode {
      let holder = Self.holder(of: grant)
      byHolder[holder, default: []].insert(grant.id)
      if holder.hasPrefix("group:") { holdingGroups.insert(holder) }
    }
    switch grant.kind {
    case .fileMode, .fileOwner, .fileACL, .fileCapability:
      for position in start..<grant.items.count {
        let reference = ItemReference(grant: grant.id, index: position)
        itemsByObject[grant.items[position].object, default: []].append(reference)
        guard let identity = grant.items[position].identity else { continue }
        itemsByFile[FileKey(identity), default: []].append(reference)
      }
    case .groupMember:
      guard start == 0 else { return }
      let key = Self.membershipKey(subject: grant.subject, object: grant.object)
      byMembership[key, default: []].append(grant.id)
    default:
      for position in start..<grant.items.count {
        itemsByEntry[Self.key(of: grant.items[position], grant), default: []].append(
          ItemReference(grant: grant.id, index: position))
        if grant.items[position].gain != nil { longer.insert(grant.id) }
      }
      guard start == 0 else { return }
      byTold["\(grant.kind.rawValue) \(grant.object)", default: []].append(grant.id)
    }
  }

  private func unindex(_ grant: Grant, from start: Int = 0) {
    if start == 0 {
      let holder = Self.holder(of: grant)
      byHolder[holder]?.remove(grant.id)
      if byHolder[holder]?.isEmpty == true {
        byHolder[holder] = nil
        holdingGroups.remove(holder)
      }
    }
    switch grant.kind {
    case .fileMode, .fileOwner, .fileACL, .fileCapability:
      for item in grant.items[start...] {
        remove(grant.id, from: start, of: &itemsByObject, item.object)
        guard let identity = item.identity else { continue }
        remove(grant.id, from: start, of: &itemsByFile, FileKey(identity))
      }
    case .groupMember:
      guard start == 0 else { return }
      let key = Self.membershipKey(subject: grant.subject, object: grant.object)
      byMembership[key]?.removeAll { $0 == grant.id }
      if byMembership[key]?.isEmpty == true { byMembership[key] = nil }
    default:
      for item in grant.items[start...] {
        remove(grant.id, from: start, of: &itemsByEntry, Self.key(of: item, grant))
      }
      if !grant.items[..<start].contains(where: { $0.gain != nil }) { longer.remove(grant.id) }
      guard start == 0 else { return }
      let key = "\(grant.kind.rawValue) \(grant.object)"
      byTold[key]?.removeAll { $0 == grant.id }
      if byTold[key]?.isEmpty == true { byTold[key] = nil }
    }
  }

  private static func key(of item: GrantItem, _ grant: Grant) -> ItemKey {
    ItemKey(
      grant.kind,
      AccessEntry.Key(
        subject: grant.subject, object: item.object, value: item.gain ?? item.after ?? ""))
  }

  private func remove<Key>(
    _ grant: String, from start: Int, of index: inout [Key: [ItemReference]], _ key: Key
  ) {
    index[key]?.removeAll { $0.grant == grant && $0.index >= start }
    if index[key]?.isEmpty == true { index[key] = nil }
  }

  /// Lets go of the oldest ended grants. A few at a time, so that what they take is soon taken by the
  /// next ones, and memory stays as it is once there are so many.
  private func trim() {
    guard endedCount > Self.endedLimit + Self.endedLimit / 100 else { return }
    var surplus = endedCount - Self.endedLimit
    var kept: [String] = []
    let looked = order.prefix { id in
      guard surplus > 0 else { return false }
      guard let grant = all[id]?.grant, grant.state == .ended else {
        kept.append(id)
        return true
      }
      discount(grant)
      all[id] = nil
      leaveIncident(grant)
      surplus -= 1
      endedCount -= 1
      return true
    }.count
    order.replaceSubrange(..<looked, with: kept)
  }

  private func leaveIncident(_ grant: Grant) {
    let others = (incidents[grant.incident] ?? 1) - 1
    incidents[grant.incident] = others > 0 ? others : nil
  }

  /// The ids that begin with `text`, or equal it; `limit` at the most.
  package func ids(beginningWith text: String, limit: Int = 8) -> [String] {
    if all[text] != nil { return [text] }
    guard text.utf8.count >= 3 else { return [] }
    var found: [String] = []
    for id in order where id.hasPrefix(text) {
      found.append(id)
      if found.count == limit { break }
    }
    return found
  }

  package func hasIncident(_ id: String) -> Bool { incidents[id] != nil }

  /// The incidents whose ids begin with `text`, or the one that equals it; `limit` at the most.
  package func incidents(beginningWith text: String, limit: Int = 8) -> [String] {
    if incidents[text] != nil { return [text] }
    guard text.utf8.count >= 3 else { return [] }
    return Array(incidents.keys.lazy.filter { $0.hasPrefix(text) }.prefix(limit))
  }

  /// The grants of one incident.
  package func grants(ofIncident id: String) -> [String] {
    order.filter { all[$0]?.grant.incident == id }
  }
}
