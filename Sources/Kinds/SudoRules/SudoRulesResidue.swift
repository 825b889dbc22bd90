internal import ByteText
internal import LinuxKit

extension SudoRules {
  /// Tickets that let a user of the entry run sudo without a password, and what they run by sudo now.
  package func residue(of entry: AccessEntry) -> [Residue] {
    let names = AccountNames(root: root)
    let users = Self.users(of: entry.subject, names)
    var found: [Residue] = []
    for user in users ?? [] {
      // sudo up to 1.9.13 names the file by the account, later ones by its number.
      let files = [user] + (names.uid(ofUser: user).map { [String($0)] } ?? [])
      for name in files {
        guard let bytes = unescaped(name) else { continue }
        let path = Array("/run/sudo/ts/".utf8) + bytes
        do throws(SystemError) {
          guard try FileStatus.at(root + path).type == .regular else { continue }
          found.append(
            Residue("sudo ticket \(escaped(path)) of \(user); sudo -K, or its removal, ends it"))
        } catch {
          continue
        }
      }
    }
    let files = ProcessFiles(root: processes)
    let uids = users.map { Set($0.compactMap { names.uid(ofUser: $0) }) }
    for child in SudoChildren(files).running {
      guard let uid = child.callers.first(where: { uids?.contains($0) ?? true }) else { continue }
      let user = names.userName(uid) ?? "uid \(uid)"
      found.append(
        Residue(
          "process \(child.pid) (\(escaped(child.comm))) that \(user) runs by sudo",
          processes: [(child.pid, child.start)]))
    }
    return found
  }

  /// The accounts that a subject stands for; nil for everyone.
  private static func users(of subject: String, _ names: AccountNames) -> [String]? {
    if subject.hasPrefix("user:") { return [String(subject.dropFirst("user:".count))] }
    if subject.hasPrefix("group:") {
      return names.members(ofGroup: String(subject.dropFirst("group:".count))).sorted()
    }
    return subject == "everyone" ? nil : []
  }
}

/// What runs below a sudo process at this moment.
struct SudoChildren {
  struct Child {
    var pid: Int32
    var start: UInt64
    var comm: [UInt8]
    /// Who called the sudo above it, and those above that one.
    var callers: [UInt32]
  }

  private(set) var running: [Child] = []

  init(_ files: ProcessFiles) {
    var stats: [Int32: ProcessFiles.Stat] = [:]
    for pid in files.processes() { stats[pid] = files.stat(pid) }
    var callers: [Int32: UInt32] = [:]
    for (pid, stat) in stats where stat.comm == Array("sudo".utf8) {
      callers[pid] = Self.caller(pid, stat.parent, files)
    }
    for (pid, stat) in stats.sorted(by: { $0.key < $1.key }) where callers[pid] == nil {
      guard stat.state != UInt8(ascii: "Z") else { continue }
      var above = stat.parent
      var found: [UInt32] = []
      for _ in 0..<256 where above > 1 {
        if let uid = callers[above] { found.append(uid) }
        above = stats[above]?.parent ?? 0
      }
      guard !found.isEmpty else { continue }
      running.append(Child(pid: pid, start: stat.start, comm: stat.comm, callers: found))
    }
  }

  /// sudo runs with all its uids 0: who called it is the real uid of its parent, which may be a sudo
  /// as well, else the login uid.
  private static func caller(_ pid: Int32, _ parent: Int32, _ files: ProcessFiles) -> UInt32 {
    if let own = files.uids(pid)?.real, own != 0 { return own }
    var above = parent
    for _ in 0..<16 {
      guard let stat = files.stat(above) else { break }
      if stat.comm != Array("sudo".utf8) {
        if let uid = files.uids(above)?.real { return uid }
        break
      }
      above = stat.parent
    }
    return files.loginUID(pid) ?? 0
  }
}
