extension SudoRule {
  /// True when `self` gives whoever it names everything that `other` gives to the same subject. What
  /// cannot be told is false.
  func givesAsMuch(as other: SudoRule) -> Bool {
    guard subject == other.subject, users.first == other.users.first,
      users.dropFirst().allSatisfy(other.users.contains)
    else { return false }
    return Self.covers(hosts, other.hosts) && runasCovers(other) && optionsCover(other)
      && tagsCover(other) && commandsCover(other)
  }

  /// True when the two differ in tags, times and options alone.
  func isSameGift(_ other: SudoRule) -> Bool {
    users == other.users && hosts == other.hosts && commands == other.commands
  }

  /// Lists in which order matters only where something is taken back: then they must be equal.
  private static func covers(_ wide: [String], _ narrow: [String]) -> Bool {
    if wide == narrow || wide == ["ALL"] { return true }
    guard !(wide + narrow).contains(where: isNegated) else { return false }
    return wide.contains("ALL") || narrow.allSatisfy(wide.contains)
  }

  private func runasCovers(_ other: SudoRule) -> Bool {
    let own = Self.runasUsers(self)
    guard Self.covers(own, Self.runasUsers(other)) else { return false }
    guard let theirs = other.groups, !theirs.isEmpty else { return true }
    return Self.covers(groups ?? [], theirs)
  }

  /// Without a list root, with groups alone the caller, who is nobody that a list names.
  private static func runasUsers(_ rule: SudoRule) -> [String] {
    rule.runas ?? (rule.groups == nil ? ["root"] : [""])
  }

  private func optionsCover(_ other: SudoRule) -> Bool {
    func kept(_ rule: SudoRule) -> [String] { rule.options.filter { !$0.hasPrefix("TIMEOUT=") } }
    func timeout(_ rule: SudoRule) -> String? { rule.options.first { $0.hasPrefix("TIMEOUT=") } }
    guard kept(self) == kept(other), notBefore == nil || notBefore == other.notBefore else {
      return false
    }
    return timeout(self) == nil || timeout(self) == timeout(other)
  }

  /// How much a tag lets one do: 2 widens, 1 says nothing, 0 narrows.
  private func rank(_ name: String, widens: Bool) -> Int {
    tags[name].map { $0 == widens ? 2 : 0 } ?? 1
  }

  private func tagsCover(_ other: SudoRule) -> Bool {
    let widening = [
      ("authenticate", false), ("noexec", false), ("intercept", false), ("sudoedit_follow", true),
    ]
    guard widening.allSatisfy({ rank($0.0, widens: $0.1) >= other.rank($0.0, widens: $0.1) }) else {
      return false
    }
    return givesAll || rank("setenv", widens: true) >= other.rank("setenv", widens: true)
  }

  private func commandsCover(_ other: SudoRule) -> Bool {
    if commands == other.commands { return true }
    let given = commands.filter { !Self.isNegated($0) }
    let theirs = other.commands.filter { !Self.isNegated($0) }
    guard theirs.allSatisfy({ command in given.contains { Self.command($0, covers: command) } })
    else { return false }
    let taken = commands.filter(Self.isNegated)
    // In the other rule only what stands behind everything that is given surely holds.
    let last = other.commands.lastIndex { !Self.isNegated($0) } ?? -1
    return taken.allSatisfy(other.commands[(last + 1)...].contains)
  }

  /// ALL covers everything; a command without arguments the same one with any.
  package static func command(_ wide: String, covers narrow: String) -> Bool {
    wide == "ALL" || wide == narrow
      || (!wide.contains(" ") && wide.hasPrefix("/") && !wide.hasSuffix("/")
        && narrow.hasPrefix(wide + " "))
  }
}

/// What came and what went between two states of sudoers.
enum SudoRuleDifference {
  static func between(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    let lost = old.sorted.filter { !new.contains($0.key) }
    let came = new.sorted.filter { !old.contains($0.key) }
    let lostRules = Dictionary(
      grouping: lost.map { ($0, SudoRuleDetail.rule($0)) }, by: \.0.subject)
    // A file that was broken in the same go does not show whether a rule was replaced: what could no
    // longer be told from then on counts as replaced, and is put back. What could not be told before
    // may be gone for long.
    let clouded = new.sorted.filter {
      new.presumed.contains($0.key) && old.contains($0.key) && !old.presumed.contains($0.key)
    }
    let formers = lostRules.merging(
      Dictionary(grouping: clouded.map { ($0, SudoRuleDetail.rule($0)) }, by: \.0.subject)
    ) { $0 + $1 }
    var free = Set(formers.values.joined().map(\.0.key))
    var gained: [EntryGain] = []
    var moved: [EntryMove] = []
    for entry in came {
      let rule = SudoRuleDetail.rule(entry)
      let covering = (lostRules[entry.subject] ?? []).filter { former, formerRule in
        if former.value == entry.value { return true }
        guard let rule, let formerRule else { return false }
        return formerRule.givesAsMuch(as: rule)
      }
      // In another file, or narrower, it is still what was given then.
      if !covering.isEmpty {
        moved += covering.map {
          EntryMove(from: $0.0.key, to: entry.key, detail: entry.detail)
        }
        continue
      }
      let former = replaced(
        by: rule,
        (formers[entry.subject] ?? []).filter {
          $0.0.object == entry.object && free.contains($0.0.key)
        })
      if let former { free.remove(former.key) }
      gained.append(EntryGain(entry, former: former))
    }
    let goesOn = Set(moved.map(\.from))
    return EntryDifference(
      gained: gained, lost: lost.filter { !goesOn.contains($0.key) }, moved: moved)
  }

  /// The lost rule in whose place a new one stands: the same but for its tags, else one that the new
  /// one contains, else any of the same subject in the same file. A `Defaults` replaces nothing.
  private static func replaced(
    by rule: SudoRule?, _ lost: [(AccessEntry, SudoRule?)]
  ) -> AccessEntry? {
    guard let rule else { return nil }
    let rules = lost.compactMap { entry, former in former.map { (entry, $0) } }
    let best =
      rules.first { rule.isSameGift($0.1) } ?? rules.first { rule.givesAsMuch(as: $0.1) }
      ?? rules.first
    return best?.0
  }
}
