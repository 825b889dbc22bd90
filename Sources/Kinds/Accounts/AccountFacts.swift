internal import ByteText

/// What the lines of an account say that bears on access, without the password's hash.
package struct AccountFacts: Equatable, Sendable {
  var uid: UInt32
  var password: PasswordField
  /// The day since 1970 from which on the account is refused; nil for never.
  var expiry: Int64?
  /// Bytes as in the file; empty for /bin/sh.
  var shell: [UInt8]

  /// As pam_unix(8) counts: on the day itself the account is refused. Tools take 0 for never.
  func isExpired(on day: Int64) -> Bool { expiry.map { $0 > 0 && $0 <= day } ?? false }

  /// When it is refused from.
  var end: EntryEnd {
    guard let expiry, expiry > 0 else { return .never }
    let (moment, isOver) = expiry.multipliedReportingOverflow(by: microsecondsOfDay)
    return isOver ? .never : .at(Timestamp(microseconds: moment))
  }

  /// `uid=1002 password=usable expires=20819 shell=/bin/bash`, without a blank in the shell.
  package var text: String {
    let shell = escaped(self.shell).replacing(" ", with: "\\x20")
    return "uid=\(uid) password=\(password.rawValue) expires=\(expiry.map(String.init) ?? "never")"
      + " shell=\(shell)"
  }

  package init(uid: UInt32, password: PasswordField, expiry: Int64?, shell: [UInt8]) {
    self.uid = uid
    self.password = password
    self.expiry = expiry
    self.shell = shell
  }

  package init?(_ words: ArraySlice<Substring>) {
    let values = zip(["uid=", "password=", "expires=", "shell="], words).compactMap { name, word in
      word.hasPrefix(name) ? word.dropFirst(name.count) : nil
    }
    guard values.count == 4, words.count == 4, let uid = UInt32(values[0]),
      let password = PasswordField(rawValue: String(values[1])),
      let shell = unescaped(String(values[3]))
    else { return nil }
    let expiry = decimal(values[2].utf8)
    guard expiry != nil || values[2] == "never" else { return nil }
    self.init(uid: uid, password: password, expiry: expiry, shell: shell)
  }
}

/// What an entry's detail tells: how the account was when it was seen, and what it had been before.
struct AccountDetail: Equatable, Sendable {
  enum Former: Equatable, Sendable {
    /// The entry was there when the account was first looked at.
    case unknown
    /// The account came with the entry.
    case nothing
    case facts(AccountFacts)
  }

  var now: AccountFacts
  var former: Former

  var text: String {
    switch former {
    case .unknown: now.text
    case .nothing: now.text + " new"
    case .facts(let facts): now.text + " was " + facts.text
    }
  }

  init(now: AccountFacts, former: Former = .unknown) {
    self.now = now
    self.former = former
  }

  init?(_ text: String) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count >= 4, let now = AccountFacts(words[..<4]) else { return nil }
    switch words.count {
    case 4: self.init(now: now)
    case 5 where words[4] == "new": self.init(now: now, former: .nothing)
    case 9 where words[4] == "was":
      guard let former = AccountFacts(words[5...]) else { return nil }
      self.init(now: now, former: .facts(former))
    default: return nil
    }
  }
}
