import CLinux
import Glibc

/// A child that runs beside its parent until it is told to end: a daemon on a test's stage.
package final class ChildProcess {
  package let pid: Int32
  private var isReaped = false

  /// Starts `executable`, an absolute path; its output and errors are appended to the file `log`.
  package init(_ executable: String, _ arguments: [String], log: String) throws(SystemError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var words = ([executable] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var environment: [UnsafeMutablePointer<CChar>?] = [
      strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), strdup("LC_ALL=C.UTF-8"), nil,
    ]
    defer { for word in environment { free(word) } }
    // A thread of Dispatch blocks every signal, and a child would take that over.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, executable, &actions, &attributes, &words, &environment)
    guard failure == 0 else { throw SystemError(failure, "start", executable) }
    self.pid = pid
  }

  /// Sends a signal.
  package func signal(_ number: Int32) {
    if !isReaped { kill(pid, number) }
  }

  /// Waits for the end; the exit status, or 128 and the signal that killed it.
  @discardableResult
  package func wait() -> Int32 {
    guard !isReaped else { return -1 }
    var status: Int32 = 0
    _ = retrying { waitpid(pid, &status, 0) }
    isReaped = true
    return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
  }

  /// True while it has not ended.
  package var isRunning: Bool {
    guard !isReaped else { return false }
    var info = siginfo_t()
    let result = waitid(P_PID, UInt32(pid), &info, WEXITED | WNOHANG | WNOWAIT)
    return result == 0 && info.si_signo == 0
  }

  deinit {
    guard !isReaped else { return }
    kill(pid, SIGKILL)
    var status: Int32 = 0
    waitpid(pid, &status, 0)
  }
}
