internal import CLinux
internal import Glibc

/// This process, as the kernel knows it.
package enum ThisProcess {
  /// Its effective uid.
  package static var user: UInt32 { geteuid() }

  package static var pid: Int32 { getpid() }

  /// A variable of its environment; nil when it is not set or not UTF-8.
  package static func environment(_ name: String) -> String? {
    getenv(name).flatMap { String(validatingCString: $0) }
  }

  /// Keeps this process's memory, environment and descriptors from all but root, those of its own uid
  /// too, and has no core of it written; see PR_SET_DUMPABLE of prctl(2). Children that run another
  /// program are as they were.
  package static func hideMemory() { _ = clinux_hide_memory() }

  /// Keeps the kernel from acting on a signal, which a dispatch source is to see instead.
  package static func leaveToSource(_ number: Int32) { signal(number, SIG_IGN) }

  /// Begins the same program anew, with the same arguments, environment and pid; every descriptor
  /// but the first three is closed. Returns only when that failed.
  package static func beginAnew(_ arguments: [String]) -> SystemError {
    for number in [SIGHUP, SIGTERM, SIGINT] { signal(number, SIG_DFL) }
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &words)
    let error = SystemError.last("begin anew", "/proc/self/exe")
    for word in words { free(word) }
    return error
  }
}
