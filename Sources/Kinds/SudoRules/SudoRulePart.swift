extension SudoRules {
  /// The rule of `entry` without what goes beyond some commands and tags, for an entry of the same
  /// file: of its commands those that one of `commands` covers, and those of `commands` that it
  /// covers itself; of its tags none that lets more be done than `tags` (`NOPASSWD`, `SETENV`) say.
  /// Users, hosts and whom the commands run as stay.
  ///
  /// Nil where nothing is left, where a rule or a list takes something back, so that order matters,
  /// and where it cannot be shown that `entry` gives all of it.
  package static func part(
    of entry: AccessEntry, within commands: [String], tags: Set<String>
  ) -> AccessEntry? {
    guard let rule = SudoRuleDetail.rule(entry), let path = path(of: entry),
      !(rule.commands + commands).contains(where: SudoRule.isNegated)
    else { return nil }
    var part = rule
    part.commands = rule.commands.flatMap { given -> [String] in
      if commands.contains(where: { SudoRule.command($0, covers: given) }) { return [given] }
      return commands.filter { SudoRule.command(given, covers: $0) }
    }
    part.commands = part.commands.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    for (name, value, word) in [
      ("authenticate", false, "NOPASSWD"), ("setenv", true, "SETENV"), ("noexec", false, ""),
      ("intercept", false, ""), ("sudoedit_follow", true, ""),
    ] where part.tags[name] == value && !tags.contains(word) {
      part.tags[name] = nil
    }
    guard part.gives, part != rule, rule.givesAsMuch(as: part) else { return nil }
    return SudoGift.rule(part).entry(in: path)
  }

  /// True when the rule `wide` surely gives all that `narrow` does.
  package static func gives(_ wide: AccessEntry, asMuchAs narrow: AccessEntry) -> Bool {
    guard let wide = SudoRuleDetail.rule(wide), let narrow = SudoRuleDetail.rule(narrow) else {
      return false
    }
    return wide.givesAsMuch(as: narrow)
  }
}
