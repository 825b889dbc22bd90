import ByteText
package import Grants

/// The open advices, ready to be compared with a grant.
///
/// A grant is compared only with changes that name its object, a folder above it, or, for a path
/// of which only names are known, one of its names: at most `mostCandidates` for each, newest
/// first. The text of an advice accuses nobody: a match says that the change was proposed before.
package struct AdviceIndex {
  /// Changes under one key that are compared with one grant.
  static let mostCandidates = 256
  /// Items of a grant that are looked up, and items that are compared one by one.
  static let mostSamples = 16
  static let mostItems = 10_000

  struct Entry {
    var advice: Advice
    var changes: [AdvisedChange]
    var order: Int
  }

  private struct Reference {
    var id: String
    var order: Int
  }

  private(set) var entries: [String: Entry] = [:]
  private var places: [IndexKey: [Reference]] = [:]
  private var added = 0

  package init() {}

  /// How many advices it holds, ended ones included until they are removed.
  package var count: Int { entries.count }

  /// Takes an advice in; one with the same id is replaced.
  package mutating func add(_ advice: Advice) {
    remove(id: advice.id)
    added += 1
    let changes = advice.changes.prefix(ChangeGrammar.mostChanges).map(AdvisedChange.init)
    var kept = advice
    kept.text = ""
    entries[advice.id] = Entry(advice: kept, changes: Array(changes), order: added)
    for key in Set(changes.compactMap(\.key)) {
      places[key, default: []].append(Reference(id: advice.id, order: added))
    }
  }

  /// Takes an advice out; nothing happens when it is not there.
  package mutating func remove(id: String) {
    guard let entry = entries.removeValue(forKey: id) else { return }
    for key in Set(entry.changes.compactMap(\.key)) {
      guard var list = places.removeValue(forKey: key) else { continue }
      if let place = Self.place(of: entry.order, in: list) { list.remove(at: place) }
      if !list.isEmpty { places[key] = list }
    }
  }

  /// References are in the order in which they came.
  private static func place(of order: Int, in list: [Reference]) -> Int? {
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle].order < order { low = middle + 1 } else { high = middle }
    }
    return low < list.count && list[low].order == order ? low : nil
  }

  /// The advice that `grant` follows best: strong before weak, then the higher score, then the
  /// newer. Nil where no open advice, given before the grant, has any part of it.
  package func best(for grant: Grant, at now: Moment) -> AdviceMatch? {
    let items =
      grant.items.isEmpty
      ? [GrantItem(object: grant.object, before: nil, after: nil)] : grant.items
    let granted = grant.kind.isFiles ? FileRights(text: grant.right) ?? [] : []
    let typed = grant.actor.command.map(AdvisedChange.commands) ?? []
    var best: (match: AdviceMatch, time: Timestamp, order: Int)?
    for entry in candidates(grant, items) {
      guard entry.advice.until.isOpen(at: now), entry.advice.time <= grant.grantedAt,
        let match = compare(entry, grant, items, granted, typed)
      else { continue }
      if let old = best {
        let isBetter =
          (match.confidence, match.score, entry.advice.time.microseconds, entry.order)
          > (old.match.confidence, old.match.score, old.time.microseconds, old.order)
        if !isBetter { continue }
      }
      best = (match, entry.advice.time, entry.order)
    }
    return best?.match
  }

  private func candidates(_ grant: Grant, _ items: [GrantItem]) -> [Entry] {
    var keys: Set<IndexKey> = []
    let step = max(1, items.count / Self.mostSamples)
    for at in stride(from: 0, to: items.count, by: step) {
      keys.formUnion(Self.keys(items[at].object, grant.kind))
    }
    if grant.kind == .groupMember {
      keys.insert(.whole(hash("\(grant.subject) \(grant.object)".utf8)))
    }
    if grant.kind == .sudoRule || grant.kind == .sshKey {
      keys.insert(.whole(hash(grant.subject.utf8)))
    }
    var found: [Entry] = []
    var seen: Set<Int> = []
    for key in keys {
      guard let list = places[key] else { continue }
      for reference in list.suffix(Self.mostCandidates) where seen.insert(reference.order).inserted
      {
        if let entry = entries[reference.id] { found.append(entry) }
      }
    }
    return found
  }

  private static func keys(_ object: String, _ kind: GrantKind) -> [IndexKey] {
    if kind == .postgresql { return [.whole(hash(DatabaseObject(object).name.utf8))] }
    if kind == .kubernetes {
      return [.whole(hash(object.utf8.split(separator: UInt8(ascii: "/")).last ?? []))]
    }
    guard kind.isFiles else { return [.whole(hash(object.utf8))] }
    var keys: [IndexKey] = []
    var path = hashStart
    var name = hashStart
    for byte in object.utf8.dropFirst(5) {
      if byte == UInt8(ascii: "/") {
        keys.append(.path(path))
        if name != hashStart { keys.append(.name(name)) }
        name = hashStart
      } else {
        name = hashed(name, byte)
      }
      path = hashed(path, byte)
    }
    keys.append(.path(object == "file:/" ? hashStart : path))
    if name != hashStart { keys.append(.name(name)) }
    return keys
  }

  private func compare(
    _ entry: Entry, _ grant: Grant, _ items: [GrantItem], _ granted: FileRights,
    _ typed: [(words: [[UInt8]], effect: FileModeEffect?)]
  ) -> AdviceMatch? {
    let changes = entry.changes.filter { $0.change.kind == grant.kind }
    guard let (change, coverage) = explain(changes, grant, items, granted) else { return nil }
    var factors: [MatchFactor] = []
    func count(_ name: String, _ points: Int) {
      if points > 0 { factors.append(MatchFactor(name: name, points: points)) }
    }
    let proposed = change.change
    let isSame =
      proposed.object == grant.object && proposed.right == grant.right
      && proposed.subject == grant.subject
    if coverage == .whole {
      if isSame {
        count("same effect", AdviceMatch.Points.sameEffect)
      } else {
        count("within the advised effect", AdviceMatch.Points.within)
      }
    } else {
      count("part of the advised effect", AdviceMatch.Points.part)
    }
    if !change.command.isEmpty, typed.contains(where: { $0.words == change.command }) {
      count("same command", AdviceMatch.Points.sameCommand)
    }
    let since = (grant.grantedAt - entry.advice.time).seconds
    count("time since", AdviceMatch.Points.since(seconds: since))
    let people = [grant.actor.user, grant.actor.loginUser].compactMap { $0 }
    if let audience = entry.advice.audience, people.contains(audience) {
      count("audience", AdviceMatch.Points.audience)
    }
    if ownAccount.contains(proposed.subject),
      grant.actor.loginUser.map({ "user:" + $0 }) == grant.subject
    {
      count("own account", AdviceMatch.Points.ownAccount)
    }
    return AdviceMatch(
      advice: entry.advice.id, confidence: coverage == .whole ? .strong : .weak,
      score: factors.reduce(0) { $0 + $1.points }, factors: factors, change: proposed)
  }

  /// The change that fits best, and whether the changes together explain every item.
  func explain(
    _ changes: [AdvisedChange], _ grant: Grant, _ items: [GrantItem], _ granted: FileRights
  ) -> (AdvisedChange, Coverage)? {
    var best: (change: AdvisedChange, coverage: Coverage)?
    var isWhole = items.count <= Self.mostItems
    let looked = isWhole ? items[...] : items.prefix(Self.mostSamples)
    for item in looked {
      var here = Coverage.none
      // Most often one change explains all items, so the best so far is asked first.
      if let change = best?.change { here = change.coverage(of: grant, granted, item: item) }
      if here != .whole {
        for change in changes {
          let coverage = change.coverage(of: grant, granted, item: item)
          here = max(here, coverage)
          if coverage > (best?.coverage ?? .none) { best = (change, coverage) }
          if here == .whole { break }
        }
      }
      if here != .whole {
        isWhole = false
        if best != nil { break }
      }
    }
    if !isWhole, items.count > Self.mostItems, let change = best?.change, best?.coverage == .whole {
      // So many items lie below the grant's object, which the change must then reach as a whole.
      let root = GrantItem(object: grant.object, before: nil, after: nil)
      isWhole =
        change.change.recursive && change.coverage(of: grant, granted, item: root) == .whole
    }
    return best.map { ($0.change, isWhole ? .whole : .part) }
  }
}

/// Ways to write "the account of whoever types this".
private let ownAccount: Set<String> = [
  "user:$USER", "user:${USER}", "user:$LOGNAME", "user:$(whoami)", "user:$(id -un)",
  "user:`whoami`",
]

extension Deadline {
  /// True until the deadline has passed; by the wall's clock after a reboot.
  func isOpen(at now: Moment) -> Bool {
    boot == now.boot ? up > now.up : wall > now.wall
  }
}
