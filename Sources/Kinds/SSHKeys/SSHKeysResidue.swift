internal import ByteText
internal import LinuxKit
internal import Synchronization

/// A login by key that sshd told of.
struct KeyLogin: Sendable {
  /// As an entry's subject.
  var key: String
  var pid: Int32
  var start: UInt64
}

extension SSHKeys {
  private static let mostLogins = 4096

  /// Notes who logged in with which key, as sshd's own line says (`Accepted publickey for bob … ssh2:
  /// ED25519 SHA256:…`): `key` with or without `key:` before it, `pid` that of the line, `start` its
  /// start in ticks since boot. May be called on any queue.
  package func noteLogin(key: String, pid: Int32, start: UInt64) {
    let login = KeyLogin(key: key.hasPrefix("key:") ? key : "key:" + key, pid: pid, start: start)
    memory.withLock { memory in
      memory.logins.removeAll { $0.pid == pid }
      memory.logins.append(login)
      memory.logins.removeFirst(max(0, memory.logins.count - Self.mostLogins))
    }
  }

  /// Sessions of ssh that the key let in, as far as their logins were noted; and those of the account
  /// of which nobody knows the key, which are not to be ended for its sake.
  package func residue(of entry: AccessEntry) -> [Residue] {
    let name = entry.object.dropFirst("account:".count)
    let account = (try? accounts())?.first { $0.shown == name }
    guard account != nil || entry.object == KeyHolder.everybody else { return [] }
    let logins = memory.withLock { $0.logins }
    let sessions = SSHSession.all()
    var residue: [Residue] = []
    for session in sessions where account == nil || session.uid == account?.uid {
      let login = logins.first { login in
        session.processes.contains { $0.pid == login.pid && $0.start == login.start }
      }
      let shown = session.name.map { ", session \($0)" } ?? ""
      if let login, login.key == entry.subject {
        residue.append(
          Residue(
            "ssh session of \(name) (process \(login.pid)\(shown)) logged in with this key",
            processes: session.processes, sessions: session.name.map { [$0] } ?? []))
      } else if login == nil, account != nil, root.isEmpty {
        let pid = session.processes.last?.pid ?? 0
        residue.append(
          Residue(
            "ssh session of \(name) (process \(pid)\(shown)): which key let it in is not known"))
      }
    }
    return residue
  }
}

/// A session of sshd's that is open: the process that watches over it and the one of the account.
private struct SSHSession {
  var uid: UInt32
  /// The watching process first; root has one for both.
  var processes: [(pid: Int32, start: UInt64)]
  /// logind's name.
  var name: String?

  static func all() -> [SSHSession] {
    let files = ProcessFiles()
    var daemons: [Int32: ProcessFiles.Stat] = [:]
    for pid in files.processes() {
      guard let stat = files.stat(pid), stat.comm.starts(with: "sshd".utf8), stat.state != 0x5a,
        let program = files.executable(pid)?.split(separator: UInt8(ascii: "/")).last,
        program.elementsEqual("sshd".utf8) || program.elementsEqual("sshd-session".utf8)
      else { continue }
      daemons[pid] = stat
    }
    var sessions: [SSHSession] = []
    for (pid, stat) in daemons.sorted(by: { $0.key < $1.key }) {
      guard let uid = files.uids(pid)?.real else { continue }
      if uid == 0 {
        guard isRoots(pid, files) else { continue }
        sessions.append(SSHSession(uid: 0, processes: [(pid, stat.start)], name: name(pid, files)))
      } else if let parent = daemons[stat.parent], files.uids(stat.parent)?.real == 0 {
        sessions.append(
          SSHSession(
            uid: uid, processes: [(stat.parent, parent.start), (pid, stat.start)],
            name: name(pid, files)))
      }
    }
    return sessions
  }

  /// `sshd: root@pts/0` serves root; `sshd: bob [priv]` and the listener serve nobody themselves.
  private static func isRoots(_ pid: Int32, _ files: ProcessFiles) -> Bool {
    files.withContents(of: .arguments, pid) { bytes in
      let title = bytes.prefix { $0 != 0 && $0 != UInt8(ascii: "@") && $0 != UInt8(ascii: "[") }
      return title.count < bytes.count && bytes[title.count] == UInt8(ascii: "@")
        && title.starts(with: "sshd".utf8)
    } ?? false
  }

  private static func name(_ pid: Int32, _ files: ProcessFiles) -> String? {
    guard let last = files.controlGroup(pid)?.split(separator: UInt8(ascii: "/")).last,
      last.starts(with: "session-".utf8), last.suffix(6).elementsEqual(".scope".utf8)
    else { return nil }
    return escaped(last.dropFirst(8).dropLast(6))
  }
}
