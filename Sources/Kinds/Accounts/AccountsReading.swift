internal import ByteText
internal import LinuxKit

/// The accounts of passwd and shadow, by escaped name; of lines with one name the first counts.
struct AccountTable {
  var facts: [String: AccountFacts] = [:]
  var problems: [String] = []

  private static let longestName = 256

  /// A password that stands in passwd itself is judged without shadow, expiry included, as
  /// pam_unix(8) does.
  init(users: [UserLine], shadows: [ShadowLine]) {
    let shadows = Dictionary(
      shadows.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var passed = 0
    for line in users {
      guard line.name.count <= Self.longestName else {
        passed += 1
        continue
      }
      let name = escaped(line.name)
      guard facts[name] == nil else { continue }
      let isShadowed = line.hasShadow
      let shadow = isShadowed ? shadows[line.name] : nil
      let password = isShadowed ? shadow.map { PasswordField($0.password) } : nil
      facts[name] = AccountFacts(
        uid: line.uid, password: password ?? (isShadowed ? .none : PasswordField(line.password)),
        expiry: shadow?.expiry, shell: Array(line.shell.prefix(longestShell + 1)))
    }
    if passed > 0 {
      problems.append("read: accounts: \(passed) with a name beyond \(Self.longestName) bytes")
    }
  }
}

extension UserLine {
  fileprivate var hasShadow: Bool {
    password == [UInt8(ascii: "x")] || password == Array("##".utf8) + name
  }
}

extension Accounts {
  package func read(previous: EntryState?) throws(EntryKindError) -> EntryState {
    let table = try table(previous: previous)
    let today = today()
    var state = EntryState()
    state.problems = table.problems
    for (name, facts) in table.facts {
      let detail = AccountDetail(now: facts)
      for value in Self.values(of: facts, on: today) + [.known] {
        state.insert(Self.entry(name, value, detail))
      }
    }
    return state
  }

  /// A host that never had a shadow file does without; one that vanished is an error.
  func table(previous: EntryState? = nil) throws(EntryKindError) -> AccountTable {
    let users = AccountLines.users(try bytes("/etc/passwd"))
    do throws(AccountFileError) {
      let file = try AccountFile(path: path("/etc/shadow"), mayBeEmpty: !hadShadow(previous))
      return AccountTable(users: users, shadows: AccountLines.shadows(file.bytes))
    } catch {
      guard case .unreadable(let reason) = error, reason.isMissing, !hadShadow(previous) else {
        throw EntryKindError(error)
      }
      return AccountTable(users: users, shadows: [])
    }
  }

  private func hadShadow(_ previous: EntryState?) -> Bool {
    guard let previous else { return false }
    return previous.entries.values.contains { entry in
      entry.value == EntryValue.password.rawValue
        || AccountDetail(entry.detail).map { $0.now.password == .locked || $0.now.expiry != nil }
          ?? false
    }
  }

  func bytes(_ below: String) throws(EntryKindError) -> [UInt8] {
    do throws(AccountFileError) {
      return try AccountFile(path: path(below)).bytes
    } catch {
      throw EntryKindError(error)
    }
  }
}

extension EntryKindError {
  fileprivate init(_ error: AccountFileError) {
    switch error {
    case .torn(let path): self = .torn(path)
    case .unreadable(let error): self = .unreadable("\(error)")
    }
  }
}
