import Dispatch
import Glibc
import LinuxKit
import Synchronization

/// Changes 200 times a second what is watched, as an agent does: each change by a process of its
/// own, which is this program's child. Two of them are memberships, the rest modes of files.
final class ChangeStream: Sendable {
  static let files = 1000
  static let groups = ["docker", "staff", "backup"]
  static let users = 10
  private static let fileThreads = 4
  private static let filesPerSecond = 198
  private static let membershipsPerSecond = 2

  private struct State {
    /// By what was changed, when: microseconds since 1970, in order.
    var made: [String: [Int64]] = [:]
    var failure: (any Error)?
    var isOver = false
  }
  private let state = Mutex(State())
  private let done = DispatchGroup()
  private let stage: Stage
  private let flood: JournalFlood

  /// Begins to change the files `f0`, `f1`, … of `folder` and the stage's groups.
  init(on stage: Stage, folder: String, flood: JournalFlood) {
    self.stage = stage
    self.flood = flood
    let named = String(folder.dropFirst(stage.tree.count))
    for thread in 0..<Self.fileThreads {
      repeatedly(Self.filesPerSecond, every: Self.fileThreads, from: thread) { [self] number in
        let file = "/f\(number % Self.files)"
        let mode = number / Self.files % 2 == 0 ? "0666" : "0640"
        try run("/bin/chmod", [mode, folder + file])
        try note(named + file, at: folder + file)
      }
    }
    repeatedly(Self.membershipsPerSecond, every: 1, from: 0) { [self] number in
      try changeMembership(number)
    }
  }

  /// Ends it; when each thing was changed.
  func end() throws -> [String: [Int64]] {
    state.withLock { $0.isOver = true }
    done.wait()
    return try state.withLock { state in
      if let failure = state.failure { throw failure }
      return state.made
    }
  }

  /// Calls `body` with each `every`th number from `from` on, `rate` numbers a second in all.
  private func repeatedly(
    _ rate: Int, every: Int, from: Int, _ body: @escaping @Sendable (Int) throws -> Void
  ) {
    let start = SystemClock.up()
    done.enter()
    DispatchQueue(label: "bench.changes.\(rate).\(from)").async { [self] in
      defer { done.leave() }
      var number = from
      while !state.withLock({ $0.isOver || $0.failure != nil }) {
        let due = start + Int64(number) * 1_000_000 / Int64(rate)
        let wait = due - SystemClock.up()
        if wait > 0 { usleep(UInt32(clamping: wait)) }
        do { try body(number) } catch { return state.withLock { $0.failure = error } }
        number += every
      }
    }
  }

  /// A user comes into a group, and goes when all others were there as well.
  private func changeMembership(_ number: Int) throws {
    let user = "u\(number % Self.users)"
    let group = Self.groups[number / (2 * Self.users) % Self.groups.count]
    let comes = number / Self.users % 2 == 0
    let list = comes ? ["-aG", group, user] : ["-G", "", user]
    let pid = try run("/usr/sbin/usermod", ["-P", stage.tree] + list)
    try note("\(user) \(group)", at: stage.tree + "/etc/group")
    flood.tell(
      pid, list.joined(separator: " "),
      comes ? "add '\(user)' to group '\(group)'" : "delete '\(user)' from group '\(group)'")
  }

  @discardableResult
  private func run(_ program: String, _ arguments: [String]) throws -> Int32 {
    let child = try ChildProcess(program, arguments, log: stage.folder + "/changes.log")
    guard child.wait() == 0 else {
      throw BenchError(description: "\(program) \(arguments.joined(separator: " ")): failed")
    }
    return child.pid
  }

  /// The kernel's own time of the change, which is never later than the change.
  private func note(_ changed: String, at path: String) throws {
    let time = try FileStatus.at(Array(path.utf8)).changed
    state.withLock { $0.made[changed, default: []].append(time) }
  }
}
