internal import ByteText
internal import CLinux
internal import Glibc

/// Login sessions as systemd-logind keeps them; see sd-login(3). On a host without it there are none.
package enum LoginSessions {
  /// The names of a user's sessions, those that are being closed included; sorted, escaped. logind takes
  /// one that is gone from the user's list a moment later: such a one is left out.
  package static func of(uid: UInt32) -> [String] {
    var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = sd_uid_get_sessions(uid, -1, &list)
    guard let list else { return [] }
    defer { free(list) }
    var names: [String] = []
    var at = 0
    while let name = list[at] {
      if at < count, isThere(name) { names.append(text(name)) }
      free(name)
      at += 1
    }
    return names.sorted()
  }

  /// The session that a process belongs to; nil for one of none, and one that is gone.
  package static func of(pid: Int32) -> String? {
    var name: UnsafeMutablePointer<CChar>?
    guard sd_pid_get_session(pid, &name) >= 0, let name else { return nil }
    defer { free(name) }
    return text(name)
  }

  /// Waits until none of these sessions is there any more, for `patience` microseconds at the most: one
  /// that was ended stays, closing, until its last process is gone. Blocks the calling thread.
  package static func waitForEnd(of names: some Sequence<String>, patience: Int64 = 5_000_000) {
    let end = SystemClock.up() + patience
    for name in names {
      while isThere(name), SystemClock.up() < end {
        SystemClock.pause(milliseconds: 10)
      }
    }
  }

  private static func isThere(_ name: UnsafePointer<CChar>) -> Bool {
    var state: UnsafeMutablePointer<CChar>?
    defer { free(state) }
    return sd_session_get_state(name, &state) >= 0
  }

  private static func text(_ name: UnsafeMutablePointer<CChar>) -> String {
    escaped(UnsafeRawBufferPointer(start: name, count: strlen(name)))
  }
}
