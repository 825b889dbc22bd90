import ByteText
import Dispatch
import Glibc
import LinuxKit
import Synchronization

/// Writes a journal at a steady rate, on a thread of its own: entries go through a pipe to
/// systemd-journal-remote, which writes and rotates the files as journald does.
final class JournalFlood: Sendable {
  static let perSecond: Int64 = 20_000
  /// One entry in so many tells of access.
  private static let tellingEvery = 50
  /// Archived files that are kept: about four seconds each.
  private static let keptFiles = 4
  /// Numbers above those that the kernel gives.
  private static let firstPid = 5_000_000

  private struct State {
    /// Entries of what happens, still to be written.
    var news: [String] = []
    var entries = 0
    var telling = 0
    var failure: SystemError?
    var isOver = false
  }
  private let state = Mutex(State())
  private let done = DispatchGroup()
  private let folder: String
  /// The tree that the account tools work on.
  private let tree: String
  private let start = SystemClock.up()

  /// Begins to write into `folder`.
  init(into folder: String, tree: String) throws {
    self.folder = folder
    self.tree = tree
    let pipe = folder + ".pipe"
    unlink(pipe)
    guard mkfifo(pipe, 0o600) == 0 else { throw SystemError.last("make pipe", pipe) }
    let writer = try ChildProcess(
      "/lib/systemd/systemd-journal-remote", ["-o", folder + "/burst.journal", pipe],
      log: folder + ".log")
    let descriptor = open(pipe, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.last("open", pipe) }
    done.enter()
    let held = Writer(process: writer)
    DispatchQueue(label: "bench.flood").async { [self] in
      write(to: descriptor)
      close(descriptor)
      held.process.wait()
      done.leave()
    }
  }

  /// Unchecked: only the flood's thread uses it once it is made.
  private struct Writer: @unchecked Sendable {
    let process: ChildProcess
  }

  /// Adds what usermod says of a change that it made.
  func tell(_ pid: Int32, _ arguments: String, _ message: String) {
    let now = SystemClock.wall()
    let entry =
      SampleEntries.common(at: now, monotonic: SystemClock.up(), pid: Int(pid))
      + SampleEntries.usermod(arguments, message, tree: tree) + "\n"
    state.withLock { $0.news.append(entry) }
  }

  /// Ends it; entries written, those of them that tell of access, and entries a second.
  func end() throws -> (entries: Int, telling: Int, rate: Double) {
    state.withLock { $0.isOver = true }
    let elapsed = Double(SystemClock.up() - start) / 1_000_000
    done.wait()
    return try state.withLock { state in
      if let failure = state.failure { throw failure }
      return (state.entries, state.telling, Double(state.entries) / elapsed)
    }
  }

  private func write(to pipe: Int32) {
    var entries = 0
    var telling = 0
    var vacuumed = start
    while true {
      let (news, isOver) = state.withLock { state in
        defer { state.news = [] }
        state.entries = entries
        state.telling = telling
        return (state.news, state.isOver)
      }
      if isOver, news.isEmpty { return }
      let up = SystemClock.up()
      let due = Int((up - start) * Self.perSecond / 1_000_000)
      var bytes: [UInt8] = []
      for entry in news { bytes += entry.utf8 }
      let first = entries
      entries += news.count
      telling += news.count
      // In pieces, so that an entry's time is that of its writing.
      while entries < due, entries - first < 200 {
        bytes += entry(entries, &telling).utf8
        entries += 1
      }
      if let failure = send(bytes, to: pipe) { return state.withLock { $0.failure = failure } }
      if up - vacuumed > 1_000_000 {
        vacuum()
        vacuumed = up
      }
      if entries >= due { usleep(2_000) }
    }
  }

  private func entry(_ number: Int, _ telling: inout Int) -> String {
    let matters = number % Self.tellingEvery == 7
    if matters { telling += 1 }
    return SampleEntries.common(
      at: SystemClock.wall(), monotonic: SystemClock.up(), pid: Self.firstPid + number % 1_000_000)
      + (matters
        ? SampleEntries.telling(number / Self.tellingEvery, tree: tree)
        : SampleEntries.other(number)) + "\n"
  }

  private func send(_ bytes: [UInt8], to pipe: Int32) -> SystemError? {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.write(pipe, $0.baseAddress, $0.count) }
      guard count >= 0 else { return .last("write", folder + ".pipe") }
      sent += count
    }
    return nil
  }

  /// As journald does with files that take too much room.
  private func vacuum() {
    let archived = SmallFile.names(in: folder).filter { $0.contains("@") }.sorted()
    for name in archived.dropLast(Self.keptFiles) { unlink(folder + "/" + name) }
  }
}
