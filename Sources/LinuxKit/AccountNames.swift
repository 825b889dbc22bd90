internal import ByteText
internal import Glibc

/// Names and numbers of users and groups, from the files alone: name services with networks behind
/// them have no place in a watchdog. Names are escaped.
///
/// Files are read again when they have changed; one that cannot be read leaves what was known. Not
/// Sendable: it lives on one queue.
package final class AccountNames {
  private let passwd: [UInt8]
  private let group: [UInt8]
  private var passwdStamp: FileStamp?
  private var groupStamp: FileStamp?
  private var users: [String: (uid: UInt32, gid: UInt32)] = [:]
  private var userNames: [UInt32: String] = [:]
  private var groupIDs: [String: UInt32] = [:]
  private var groupNames: [UInt32: String] = [:]
  private var listed: [String: Set<String>] = [:]

  /// Reads the files at these paths, at the first question.
  package init(passwd: [UInt8], group: [UInt8]) {
    self.passwd = passwd
    self.group = group
  }

  /// The files below `root`, a path without a slash at its end; empty for the host's.
  package convenience init(root: [UInt8] = []) {
    self.init(passwd: root + Array("/etc/passwd".utf8), group: root + Array("/etc/group".utf8))
  }

  /// The first name with this number.
  package func userName(_ uid: UInt32) -> String? {
    refreshUsers()
    return userNames[uid]
  }

  package func groupName(_ gid: UInt32) -> String? {
    refreshGroups()
    return groupNames[gid]
  }

  package func uid(ofUser name: String) -> UInt32? {
    refreshUsers()
    return users[name]?.uid
  }

  package func primaryGID(ofUser name: String) -> UInt32? {
    refreshUsers()
    return users[name]?.gid
  }

  package func gid(ofGroup name: String) -> UInt32? {
    refreshGroups()
    return groupIDs[name]
  }

  /// True when `user` is listed in `group` or has it as the primary group.
  package func isMember(_ user: String, ofGroup group: String) -> Bool {
    members(ofGroup: group).contains(user)
  }

  /// Who is listed in the group, and who has it as the primary group.
  package func members(ofGroup name: String) -> Set<String> {
    refreshUsers()
    refreshGroups()
    var members = listed[name] ?? []
    if let gid = groupIDs[name] {
      for (user, numbers) in users where numbers.gid == gid { members.insert(user) }
    }
    return members
  }

  private func refreshUsers() {
    guard let file = changed(passwd, &passwdStamp) else { return }
    users = [:]
    userNames = [:]
    for line in AccountLines.users(file.bytes) {
      let name = escaped(line.name)
      if users[name] == nil { users[name] = (line.uid, line.gid) }
      if userNames[line.uid] == nil { userNames[line.uid] = name }
    }
  }

  private func refreshGroups() {
    guard let file = changed(group, &groupStamp) else { return }
    groupIDs = [:]
    groupNames = [:]
    listed = [:]
    for line in AccountLines.groups(file.bytes) {
      let name = escaped(line.name)
      if groupIDs[name] == nil { groupIDs[name] = line.gid }
      if groupNames[line.gid] == nil { groupNames[line.gid] = name }
      listed[name, default: []].formUnion(line.members.map { escaped($0) })
    }
  }

  private func changed(_ path: [UInt8], _ stamp: inout FileStamp?) -> AccountFile? {
    guard FileStamp(path: path) != stamp else { return nil }
    do throws(AccountFileError) {
      let file = try AccountFile(path: path)
      stamp = file.stamp
      return file
    } catch {
      return nil
    }
  }
}
