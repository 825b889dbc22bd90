internal import ByteText
package import LinuxKit

extension Accounts {
  /// Processes and login sessions of the account's uid, and what acts in its name later: a cron
  /// table, at jobs, a user manager that lingers.
  ///
  /// Processes with uid 0 are the account's where their environment says so (`USER`, `LOGNAME`, as
  /// login(1), sshd(8) and su(1) set them): the number is root's own.
  package func residue(of entry: AccessEntry) -> [Residue] {
    residue(of: entry, processes: ProcessFiles())
  }

  package func residue(of entry: AccessEntry, processes files: ProcessFiles) -> [Residue] {
    guard let uid = AccountDetail(entry.detail)?.now.uid, let name = Self.name(of: entry)
    else { return [] }
    let shown = escaped(name)
    var found = ProcessResidue("of \(shown) still runs", files)
    for pid in files.processes() where pid != ThisProcess.pid {
      guard let credentials = files.credentials(pid) else { continue }
      let isTheirs =
        uid == 0
        ? credentials.uids.contains(0) && isMarked(pid, name, files)
        : credentials.uids.contains(uid) || files.loginUID(pid) == uid
      if isTheirs { found.add(pid) }
    }
    var sessions = uid == 0 ? [] : LoginSessions.of(uid: uid)
    if uid == 0 {
      let pids = found.residue.flatMap(\.processes).map(\.pid)
      sessions = Set(pids.compactMap { LoginSessions.of(pid: $0) }).sorted()
    }
    return found.residue + ProcessResidue.sessions(sessions, "of \(shown) is still open")
      + leftovers(name, uid)
  }

  private func isMarked(_ pid: Int32, _ name: [UInt8], _ files: ProcessFiles) -> Bool {
    files.withContents(of: .environment, pid) { bytes in
      bytes.split(separator: 0).contains { word in
        word.elementsEqual(Array("USER=".utf8) + name)
          || word.elementsEqual(Array("LOGNAME=".utf8) + name)
      }
    } ?? false
  }

  private func leftovers(_ name: [UInt8], _ uid: UInt32) -> [Residue] {
    guard !name.contains(UInt8(ascii: "/")), name.first != UInt8(ascii: ".") else { return [] }
    let shown = escaped(name)
    var left: [Residue] = []
    for (words, folder) in [
      ("cron table", "/var/spool/cron/crontabs/"),
      ("lingering user manager", "/var/lib/systemd/linger/"),
    ] where (try? FileStatus.at(path(folder) + name)) != nil {
      left.append(Residue("\(words) of \(shown): \(folder)\(shown)"))
    }
    guard uid != 0 else { return left }
    let jobs = "/var/spool/cron/atjobs"
    let folder = String(decoding: path(jobs), as: UTF8.self)
    let own = SmallFile.names(in: folder).filter { job in
      job.first == "a" && (try? FileStatus.at(path("\(jobs)/\(job)")).uid) == uid
    }
    left += own.prefix(ProcessResidue.mostNamed).map { job in
      Residue("at job of \(shown): \(jobs)/\(escaped(Array(job.utf8)))")
    }
    if own.count > ProcessResidue.mostNamed {
      left.append(Residue("and \(own.count - ProcessResidue.mostNamed) more at jobs"))
    }
    return left
  }
}
