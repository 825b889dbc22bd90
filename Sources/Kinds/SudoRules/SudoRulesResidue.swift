internal import ByteText
internal import LinuxKit

extension SudoRules {
  /// Tickets that let a user of the entry run sudo without a password, and what they run by sudo now.
  /// What another rule may allow as well is told, and not to be ended for the sake of this one.
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
    var others: [AccessEntry]?
    for child in SudoChildren(files).running {
      guard let uid = child.callers.first(where: { uids?.contains($0) ?? true }) else { continue }
      let user = names.userName(uid) ?? "uid \(uid)"
      let standing = others ?? standingRules(but: entry)
      others = standing
      let isAllowed = standing.contains { rule in
        Self.isFor(uid, rule.subject, names) && mayAllow(rule, files.executable(child.top))
      }
      let shown = "process \(child.pid) (\(escaped(child.comm))) that \(user) runs by sudo"
      found.append(
        isAllowed
          ? Residue(shown + ", which another rule may allow")
          : Residue(shown, processes: [(child.pid, child.start)]))
    }
    return found
  }

  /// Without those that nobody can read everything may be allowed; then nothing is to be ended.
  private func standingRules(but entry: AccessEntry) -> [AccessEntry] {
    do throws(EntryKindError) {
      return try read(previous: nil).sorted.filter { $0.key != entry.key }
    } catch {
      return [AccessEntry(subject: "everyone", object: entry.object, right: "", value: "")]
    }
  }

  private static func isFor(_ uid: UInt32, _ subject: String, _ names: AccountNames) -> Bool {
    if subject == "everyone" || subject == "user:#\(uid)" { return true }
    guard let user = names.userName(uid) else { return false }
    if subject == "user:\(user)" { return true }
    guard subject.hasPrefix("group:") else { return subject.hasPrefix("netgroup:") }
    return names.members(ofGroup: String(subject.dropFirst("group:".count))).contains(user)
  }

  /// False only where the rule is known whole and gives no command that could be this program.
  private func mayAllow(_ entry: AccessEntry, _ program: [UInt8]?) -> Bool {
    if entry.right.hasPrefix("NOPASSWD (Defaults") { return false }
    guard let rule = SudoRuleDetail.rule(entry), let program else { return true }
    return rule.commands.contains { command in
      if SudoRule.isNegated(command) { return false }
      if command == "ALL" { return true }
      let words = command.split(separator: " ").drop { $0.hasPrefix("sha") }
      guard let path = words.first.flatMap({ unescaped(String($0)) }),
        path.first == UInt8(ascii: "/"), !path.contains(where: "*?[\\".utf8.contains)
      else { return true }
      if path.last == UInt8(ascii: "/") { return program.starts(with: path) }
      if path == program { return true }
      let real = try? RootedFile.realPath(path, root: root)
      return real == program
    }
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
    /// What that sudo runs: the process, or one above it.
    var top: Int32
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
      var (above, below) = (stat.parent, pid)
      var found: [UInt32] = []
      var top = pid
      for _ in 0..<256 where above > 1 {
        if let uid = callers[above] {
          if found.isEmpty { top = below }
          found.append(uid)
        }
        (above, below) = (stats[above]?.parent ?? 0, above)
      }
      guard !found.isEmpty else { continue }
      running.append(
        Child(pid: pid, start: stat.start, comm: stat.comm, callers: found, top: top))
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
