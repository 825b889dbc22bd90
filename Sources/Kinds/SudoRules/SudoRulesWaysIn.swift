extension SudoRules {
  /// The subjects whom the rules of `state` let run everything as root, sorted: what counts where the
  /// last way in for root is at stake. A state without an entry shows who is left without it.
  package static func subjectsAsRoot(_ state: EntryState) -> [String] {
    Set(state.sorted.filter(letsInAsRoot).map(\.subject)).sorted()
  }

  /// The subjects whom the rules of `state` let run something without their password, sorted. Which
  /// commands make root of somebody cannot be told, so each counts.
  package static func subjectsWithoutPassword(_ state: EntryState) -> [String] {
    let free = state.sorted.filter { entry in
      SudoRuleDetail.rule(entry)?.tags["authenticate"] == false
        || entry.right.hasPrefix("NOPASSWD (Defaults")
    }
    return Set(free.map(\.subject)).sorted()
  }

  /// True when the entry gives its subject every command as root, with or without a password, on
  /// whatever host it names.
  package static func letsInAsRoot(_ entry: AccessEntry) -> Bool {
    guard let rule = SudoRuleDetail.rule(entry), rule.givesAll else { return false }
    guard let runas = rule.runas else { return rule.groups == nil }
    let isRoot = runas.contains { ["root", "ALL", "#0"].contains($0) }
    return isRoot && !runas.contains("!root") && !runas.contains("!ALL")
  }
}
