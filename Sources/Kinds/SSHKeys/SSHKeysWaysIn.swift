internal import Synchronization

extension SSHKeys {
  /// Accounts into which a key of `state` lets somebody for more than a fixed command, by sshd's
  /// configuration of the last look. A certificate's authority counts for none: whom it names is not
  /// known here.
  package func accountsWithUsableKey(in state: EntryState) -> Set<String> {
    let configuration = memory.withLock { $0.configuration } ?? SSHDaemonConfiguration()
    let accounts = (try? accounts()) ?? []
    let known = Dictionary(
      accounts.map { ("account:" + $0.shown, $0) }, uniquingKeysWith: { first, _ in first })
    var usable: Set<String> = []
    for entry in state.entries.values {
      guard let account = known[entry.object], !usable.contains(account.shown),
        let options = AuthorizedKey.options(of: entry.value), !options.has("command"),
        !options.has("cert-authority")
      else { continue }
      let answer = configuration.answer(for: account)
      guard answer.takesKeys else { continue }
      if account.uid == 0 {
        guard answer.rootLogin != "no", answer.rootLogin != "forced-commands-only" else { continue }
      } else if !account.hasLoginShell {
        continue
      }
      usable.insert(account.shown)
    }
    return usable
  }

  /// Those of them that are root by their uid: `root`, and what else has uid 0.
  package func rootAccountsWithUsableKey(in state: EntryState) -> Set<String> {
    let roots = Set(((try? accounts()) ?? []).filter { $0.uid == 0 }.map(\.shown))
    return accountsWithUsableKey(in: state).intersection(roots)
  }
}
