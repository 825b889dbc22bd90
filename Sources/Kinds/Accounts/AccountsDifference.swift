/// The accounts that a state tells of, by name.
private struct AccountView {
  var facts: AccountFacts
  var entries: [Accounts.EntryValue: AccessEntry] = [:]

  /// The password that it had, locked or not; nil when there was none.
  var password: AccessEntry? {
    if let entry = entries[.password] { return entry }
    guard facts.password == .locked || facts.password == .usable, var entry = entries[.known] else {
      return nil
    }
    entry.value = facts.password == .locked ? "locked password" : "password"
    return entry
  }

  static func all(_ state: EntryState) -> [String: AccountView] {
    var accounts: [String: AccountView] = [:]
    for entry in state.sorted {
      guard let value = Accounts.EntryValue(rawValue: entry.value),
        let facts = AccountDetail(entry.detail)?.now
      else { continue }
      accounts[entry.subject, default: AccountView(facts: facts)].entries[value] = entry
    }
    return accounts
  }
}

extension Accounts {
  /// What an account can do now and could not before, the account found again by its name, or by its
  /// number where one name went and one came with it.
  ///
  /// All gains of an account in one look have one right: `root` when it became root, else `login`
  /// when it is new or a password opens it now, else `shell`. A gain that only the clock made is
  /// none. The details say what was there before.
  package func difference(_ old: EntryState, _ new: EntryState) -> EntryDifference {
    let before = AccountView.all(old)
    let after = AccountView.all(new)
    let formerNames = Self.formerNames(before, after)
    var difference = EntryDifference()
    for (subject, account) in after.sorted(by: { $0.key < $1.key }) {
      let former = before[subject] ?? formerNames[subject].flatMap { before[$0] }
      difference.gained += Self.gains(account, former: former)
      if let former, let gain = Self.longer(account, former: former) {
        difference.prolonged.append(gain)
      }
      guard before[subject] == nil, let former else { continue }
      difference.moved += former.entries.compactMap { value, entry in
        guard let now = account.entries[value] else { return nil }
        return EntryMove(from: entry.key, to: now.key)
      }
    }
    difference.gained.sort {
      ($0.entry.subject, $0.entry.value) < ($1.entry.subject, $1.entry.value)
    }
    difference.moved.sort { ($0.from.subject, $0.from.value) < ($1.from.subject, $1.from.value) }
    let moved = Set(difference.moved.map(\.from))
    difference.lost = old.sorted.filter { entry in
      entry.value != EntryValue.known.rawValue && !new.contains(entry.key)
        && !moved.contains(entry.key)
    }
    return difference
  }

  private static func gains(_ account: AccountView, former: AccountView?) -> [EntryGain] {
    guard account.facts != former?.facts else { return [] }
    let values = account.entries.keys.filter { $0 != .known && former?.entries[$0] == nil }
    let right =
      values.contains(.root)
      ? "root" : former == nil || values.contains { $0.right == "login" } ? "login" : "shell"
    let detail = AccountDetail(
      now: account.facts, former: former.map { .facts($0.facts) } ?? .nothing)
    return values.compactMap { value in
      guard var entry = account.entries[value] else { return nil }
      entry.right = right
      entry.detail = detail.text
      return EntryGain(entry, former: value.right == "login" ? former?.password : nil)
    }
  }

  /// What can be got into stays open for longer. One whose day has come is no such account: what it
  /// gives again is gained.
  private static func longer(_ account: AccountView, former: AccountView) -> EntryGain? {
    let stays = account.entries.keys.filter { $0 != .known && former.entries[$0] != nil }
    guard former.facts.end < account.facts.end, var entry = account.entries[.known],
      let right = ["root", "login", "shell"].first(where: { stays.map(\.right).contains($0) })
    else { return nil }
    entry.right = right
    entry.detail = AccountDetail(now: account.facts, former: .facts(former.facts)).text
    return EntryGain(entry, former: former.entries[.known], isLonger: true)
  }

  /// New names of accounts to old ones; several names with one number prove nothing.
  private static func formerNames(
    _ old: [String: AccountView], _ new: [String: AccountView]
  ) -> [String: String] {
    func byUID(_ some: [String: AccountView], without others: [String: AccountView])
      -> [UInt32: [String]]
    {
      Dictionary(grouping: some.keys.filter { others[$0] == nil }) { some[$0]?.facts.uid ?? 0 }
    }
    let gone = byUID(old, without: new)
    guard !gone.isEmpty else { return [:] }
    var names: [String: String] = [:]
    for (uid, came) in byUID(new, without: old) {
      guard came.count == 1, let former = gone[uid], former.count == 1 else { continue }
      names[came[0]] = former[0]
    }
    return names
  }
}
