internal import ByteText
internal import Grants

/// Lines of useradd(8), usermod(8) and userdel(8), shadow 4.13, on accounts themselves:
/// `new user: name=dave, UID=1005, GID=1007, home=/home/dave, shell=/bin/sh, from=none`,
/// `change user 'bob' UID from '1500' to '0'`, `lock user 'bob' password`, `delete user 'erin'`.
enum AccountLine {
  static func read(_ line: ArraySlice<UInt8>) -> Recognition? {
    if let text = rest(of: line, after: "new user: name=") { return newUser(text) }
    if let text = rest(of: line, after: "new group: name=") { return newGroup(text) }
    guard let line = rest(of: line, before: "'") ?? rest(of: line, before: "' password") else {
      return nil
    }
    if let user = rest(of: line, after: "delete user '") { return event(.revoke, user, "login") }
    if let user = rest(of: line, after: "unlock user '") { return event(.grant, user, "login") }
    if let user = rest(of: line, after: "lock user '") { return event(.revoke, user, "login") }
    guard let text = rest(of: line, after: "change user '") else { return nil }
    return changed(text)
  }

  /// What stands behind `change user '`, without the last quote.
  private static func changed(_ text: ArraySlice<UInt8>) -> Recognition? {
    if let (user, old, new) = change(text, "' UID from '") {
      let isRoot = decimal(new) == 0
      guard isRoot != (decimal(old) == 0) else { return nil }
      return event(isRoot ? .grant : .revoke, user, "root")
    }
    if let (user, old, new) = change(text, "' shell from '") {
      let (had, has) = (ShellLine.isLoginShell(old), ShellLine.isLoginShell(new))
      var recognition = event(has ? .grant : .revoke, user, "shell")
      recognition.shell = has
      recognition.isSilent = had == has
      return recognition
    }
    if let (user, _, _) = change(text, "' expiration from '") {
      return event(.set, user, "login")
    }
    // `change user 'carol' password` lost its end above.
    guard places(of: "'", in: text).isEmpty else { return nil }
    return event(.set, text, "login")
  }

  private static func change(
    _ text: ArraySlice<UInt8>, _ words: StaticString
  ) -> (user: ArraySlice<UInt8>, old: ArraySlice<UInt8>, new: ArraySlice<UInt8>)? {
    let all = readings(text, cutAt: words)
    guard all.count == 1, let (user, values) = all.first else { return nil }
    let both = readings(values, cutAt: "' to '")
    guard both.count == 1, let (old, new) = both.first else { return nil }
    return (user, old, new)
  }

  private static func newUser(_ text: ArraySlice<UInt8>) -> Recognition? {
    let names = readings(text, cutAt: ", UID=")
    guard let (name, told) = names.last, let (uid, after) = readings(told, cutAt: ", GID=").first,
      let uid = decimal(uid), let gid = decimal(after.prefix { $0 != UInt8(ascii: ",") })
    else { return nil }
    guard names.count == 1 else { return Recognition(.grant, kind: .account) }
    var recognition = event(.grant, name, uid == 0 ? "root" : "login")
    if let shells = readings(after, cutAt: ", shell=").last,
      let (shell, _) = readings(shells.right, cutAt: ", from=").last
    {
      recognition.shell = ShellLine.isLoginShell(shell)
    }
    if uid != 0 {
      // A group made for the account gives nothing; another's does.
      var primary = Recognition(
        .grant, kind: .groupMember, subject: named("user:", name), object: "group:\(gid)",
        right: "member")
      primary.echo = own(name, gid)
      recognition.further = [primary]
    }
    return recognition
  }

  /// A group as such gives nobody anything, unless it has root's number.
  static func newGroup(_ text: ArraySlice<UInt8>) -> Recognition? {
    guard let (name, number) = readings(text, cutAt: ", GID=").last, let gid = decimal(number)
    else { return nil }
    var recognition = Recognition(
      .grant, kind: .groupMember, object: named("group:", name), right: "root")
    recognition.echo = own(name, gid)
    recognition.isSilent = gid != 0
    return recognition
  }

  private static func own(_ name: ArraySlice<UInt8>, _ gid: Int64) -> Echo {
    Echo(.host, "own group \(escaped(name)) \(gid)")
  }

  private static func event(
    _ type: SignalType, _ user: ArraySlice<UInt8>, _ right: String
  ) -> Recognition {
    Recognition(
      type, kind: .account, subject: named("user:", user), object: named("account:", user),
      right: right)
  }
}
