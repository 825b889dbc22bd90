package import ByteText
package import Grants
internal import LinuxKit

/// The kind `account`: ways in that an account's own lines give, in passwd and shadow below a root.
///
/// An account has up to four entries, all with the subject `user:NAME` and the object
/// `account:NAME`: `uid 0` (right `root`), `login shell` (right `shell`), and with right `login`
/// `password` where a password or none opens it, beside it `no password` where none is asked for.
/// One whose day of expiry has come has none of them. The values name no shell and no hash, so that
/// a change from one shell or password to another leaves a grant as it stands.
///
/// A further entry for each account, `known`, is no access of its own: it tells the next comparison
/// what the account was, and carries its day of expiry.
package final class Accounts: EntryKind {
  package let kind = GrantKind.account
  /// Without a slash at its end; empty for the host's own.
  let root: [UInt8]
  /// The day since 1970 (UTC), by which accounts expire.
  let today: @Sendable () -> Int64

  package init(
    root: [UInt8],
    now: @escaping @Sendable () -> Timestamp = { Timestamp(microseconds: SystemClock.wall()) }
  ) {
    var root = root
    while root.last == UInt8(ascii: "/") { root.removeLast() }
    self.root = root
    today = { now().microseconds / microsecondsOfDay }
  }

  package func watchedPaths() -> [[UInt8]] { [path("/etc/passwd"), path("/etc/shadow")] }

  /// Accounts beside root that are root, and those that ask for no password.
  package func isStanding(_ entry: AccessEntry) -> Bool {
    switch EntryValue(rawValue: entry.value) {
    case .root: entry.subject != "user:root"
    case .noPassword: true
    default: false
    }
  }

  /// The value of an entry that says that the account has a login shell.
  package static let loginShell = EntryValue.shell.rawValue

  /// True for an entry that says that a password, or none, opens the account.
  package static func opensByPassword(_ entry: AccessEntry) -> Bool {
    entry.value == EntryValue.password.rawValue || entry.value == EntryValue.noPassword.rawValue
  }

  /// The day of expiry, where somebody might get in until then.
  package func end(of entry: AccessEntry) -> EntryEnd? {
    guard entry.value == EntryValue.known.rawValue, let facts = AccountDetail(entry.detail)?.now
    else { return nil }
    return facts.end
  }

  package func textWithEnd(_ entry: AccessEntry) -> String {
    guard let facts = AccountDetail(entry.detail)?.now else { return entry.value }
    guard case .at = facts.end, let day = facts.expiry else { return "expires never" }
    return "expires \(AccountChange.date(day))"
  }

  package func entry(_ entry: AccessEntry, endingAs former: AccessEntry) -> AccessEntry {
    guard var detail = AccountDetail(entry.detail), let then = AccountDetail(former.detail) else {
      return entry
    }
    detail.now.expiry = then.now.expiry
    var entry = entry
    entry.detail = detail.text
    return entry
  }

  /// The detail of an entry whose account has the number now that `entry` has; nil where it has that
  /// already.
  package static func renumbered(_ detail: String, as entry: AccessEntry) -> String? {
    guard var own = AccountDetail(detail), let now = AccountDetail(entry.detail)?.now,
      own.now.uid != now.uid
    else { return nil }
    own.now.uid = now.uid
    return own.text
  }

  /// An account that came with the entry is shut whole.
  package func covers(_ gain: EntryGain, _ entry: AccessEntry) -> Bool {
    gain.entry.subject == entry.subject && !gain.isLonger
      && AccountDetail(gain.entry.detail)?.former == .nothing
  }

  func path(_ below: String) -> [UInt8] { root + Array(below.utf8) }

  /// The values that entries of this kind have.
  enum EntryValue: String {
    case root = "uid 0"
    case shell = "login shell"
    case password
    case noPassword = "no password"
    case known

    var right: String {
      switch self {
      case .root: "root"
      case .shell: "shell"
      case .password, .noPassword: "login"
      case .known: "known"
      }
    }
  }

  /// What an account gives on a day, strongest first.
  static func values(of facts: AccountFacts, on day: Int64) -> [EntryValue] {
    guard !facts.isExpired(on: day) else { return [] }
    var values: [EntryValue] = []
    if facts.uid == 0 { values.append(.root) }
    if facts.password.isUsable { values.append(.password) }
    if facts.password == .empty { values.append(.noPassword) }
    if !refusesLogin(shell: facts.shell) { values.append(.shell) }
    return values
  }

  static func entry(_ name: String, _ value: EntryValue, _ detail: AccountDetail) -> AccessEntry {
    AccessEntry(
      subject: "user:\(name)", object: "account:\(name)", right: value.right, value: value.rawValue,
      detail: detail.text)
  }
}

let microsecondsOfDay: Int64 = 86_400_000_000
