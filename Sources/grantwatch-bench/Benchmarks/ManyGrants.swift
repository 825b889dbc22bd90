import ByteText
import Control
import LinuxKit

/// Very many grants that fall due in the same moment.
enum ManyGrants: Benchmark {
  static let name = "due"
  static let meaning = """
    10,000 grants, each one file of a process of its own, that are all overdue when a daemon starts
    in enforce mode: from its start until every file has its mode of before, with a rate
    limit above them all; how long GetStatus takes meanwhile, called every 5 ms. With --quick 500.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let grants = quick ? 500 : 10_000
    let folder = try stage.makeOverdue(grants) { _ in "0666" }
    try stage.configure(timeToLive: "5s", mode: "enforce")
    let start = SystemClock.up()
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    let caller = StatusCaller(try ControlClient(path: stage.socket))
    try waitUntil("every file restored", every: 20_000) {
      (0..<grants).allSatisfy { stage.mode(folder + "/f\($0)") == 0o640 }
    }
    let seconds = Double(SystemClock.up() - start) / 1_000_000
    let status = caller.end()
    return [
      Figure(
        name: "\(grants) grants due at once, all restored", value: seconds, unit: "s", limit: 20),
      Figure(
        name: "the same: status meanwhile, p99", value: status.quantile(0.99), unit: "ms",
        limit: 50, samples: status.count),
    ]
  }
}

extension Stage {
  /// Has each of `count` files given the mode that `mode` names for its place, by a process of its own,
  /// and waits until all that is overdue, before a daemon that only tells of it. Returns their folder.
  func makeOverdue(_ count: Int, _ mode: (Int) -> String) throws -> String {
    clear()
    try configure(timeToLive: "5s", mode: "alert")
    let folder = try makeFiles(count, in: "due")
    let daemon = try start()
    for index in 0..<count { _ = try changeMode(folder + "/f\(index)", mode(index)) }
    let client = try ControlClient(path: socket)
    try waitUntil("\(count) overdue grants", every: 50_000) {
      try client.call("GetStatus", .object([]))["status"]["overdue"].integer == Int64(count)
    }
    stop(daemon)
    return folder
  }
}
