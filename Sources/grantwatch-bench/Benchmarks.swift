import ByteText
import Control
import Dispatch
import Glibc
import Grants
import Ledger
import LinuxKit
import Synchronization

/// One write of 512 bytes and fdatasync(2) on the disk of the ledger: the reference.
enum SyncReference {
  nonisolated(unsafe) static var median = 1.0  // set once, before anything else runs

  static func measure(on stage: Stage, samples: Int) throws -> [Figure] {
    let file = try DurableFile(appendingTo: stage.folder + "/reference")
    let block = [UInt8](repeating: 0x20, count: 512)
    var times: [Double] = []
    for _ in 0..<samples {
      let start = SystemClock.up()
      try file.append(block)
      try file.synchronize()
      times.append(Double(SystemClock.up() - start) / 1000)
    }
    median = max(0.001, times.quantile(0.5))
    return [
      Figure(name: "one fdatasync, median", value: median, unit: "ms", syncs: 1),
      Figure(name: "one fdatasync, p99", value: times.quantile(0.99), unit: "ms", syncs: times.quantile(0.99) / median),
    ]
  }
}

/// From chmod(2) returning in another process to the grant's record being durable and told to a
/// follower of the log.
enum ChangeLatency {
  static func measure(on stage: Stage, samples: Int) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "1h", mode: "alert")
    let folder = try stage.makeFiles(samples, in: "latency")
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    let client = try ControlClient(path: stage.socket)
    let arrivals = Mutex<[String: Int64]>([:])
    let follower = Follower(client) { event in
      let up = SystemClock.up()
      guard event["type"].text == "grant.detected", let text = event["text"].text else { return }
      arrivals.withLock { $0[text] = up }
    }
    defer { follower.end() }
    var times: [Double] = []
    for index in 0..<samples {
      let path = folder + "/f\(index)"
      let done = try stage.changeMode(path, "0666")
      let name = "/srv/latency/f\(index);"
      try waitUntil("a record of f\(index)") {
        arrivals.withLock { all in
          guard let found = all.first(where: { $0.key.contains(name) }) else { return false }
          times.append(Double(found.value - done) / 1000)
          return true
        }
      }
    }
    return [
      Figure(
        name: "change → durable, median", value: times.quantile(0.5), unit: "ms",
        syncs: times.quantile(0.5) / SyncReference.median),
      Figure(
        name: "change → durable, p99", value: times.quantile(0.99), unit: "ms", limit: 10,
        syncs: times.quantile(0.99) / SyncReference.median),
    ]
  }
}

/// From a deadline to the mode being what it was before.
enum DeadlineLatency {
  static func measure(on stage: Stage, samples: Int) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "1500ms", mode: "enforce")
    let folder = try stage.makeFiles(samples, in: "deadline")
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    let client = try ControlClient(path: stage.socket)
    var times: [Double] = []
    for index in 0..<samples {
      let path = folder + "/f\(index)"
      _ = try stage.changeMode(path, "0666")
      var due: Int64?
      try waitUntil("a deadline of f\(index)") {
        let filter = JSON.object([
          JSONMember("filter", .object([JSONMember("object", .string("file:/srv/deadline/f\(index)"))]))
        ])
        let reply = try client.call("List", filter)
        due = reply["grants"].elements.first?["expiresAt"].text
          .flatMap { Timestamp(rfc3339: $0)?.microseconds }
        return due != nil
      }
      try waitUntil("f\(index) restored", every: 100) {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640
      }
      times.append(Double(SystemClock.wall() - (due ?? 0)) / 1000)
    }
    return [
      Figure(
        name: "overdue → restored, median", value: times.quantile(0.5), unit: "ms",
        syncs: times.quantile(0.5) / SyncReference.median),
      Figure(
        name: "overdue → restored, p99", value: times.quantile(0.99), unit: "ms", limit: 50,
        syncs: times.quantile(0.99) / SyncReference.median),
    ]
  }
}

/// `chmod -R` over many files: one grant, recorded whole and taken back whole.
enum ManyItems {
  static func measure(on stage: Stage, items: Int, runs: Int) throws -> [Figure] {
    var recorded: [Double] = []
    var restored: [Double] = []
    for _ in 0..<runs {
      stage.clear()
      try stage.configure(timeToLive: "1h", mode: "alert")
      let folder = try stage.makeFiles(items, in: "many")
      let daemon = try stage.start()
      defer { stage.stop(daemon) }
      let client = try ControlClient(path: stage.socket)
      let start = SystemClock.up()
      let result = Spawn.runAndWait("/bin/chmod", ["-R", "o+w", folder])
      guard result.succeeded else { throw BenchError(description: "chmod -R failed") }
      var id: String?
      try waitUntil("\(items + 1) items", every: 5_000) {
        let grant = try client.call("List", .object([]))["grants"].elements.first
        id = grant?["id"].text
        return grant?["items"].integer == Int64(items + 1)
      }
      recorded.append(Double(SystemClock.up() - start) / 1_000_000)
      let begun = SystemClock.up()
      let reply = try client.call(
        "Revoke", .object([JSONMember("ids", .array([.string(id ?? "")]))]))
      guard reply["results"].elements.first?["done"].bool == true else {
        throw BenchError(description: "revoke: \(String(decoding: reply.encoded, as: UTF8.self))")
      }
      restored.append(Double(SystemClock.up() - begun) / 1_000_000)
      var status = stat()
      for index in [0, items / 2, items - 1] {
        guard stat(folder + "/f\(index)", &status) == 0, status.st_mode & 0o777 == 0o640 else {
          throw BenchError(description: "f\(index) is not what it was")
        }
      }
    }
    return [
      Figure(name: "chmod -R, \(items) files: all recorded", value: recorded.quantile(0.5), unit: "s"),
      Figure(
        name: "chmod -R, \(items) files: all restored", value: restored.quantile(0.5), unit: "s",
        limit: 3),
    ]
  }
}

/// What the daemon costs when nothing happens, with 1,000 watched files.
enum IdleCost {
  static func measure(on stage: Stage, seconds: Int) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "1h", mode: "alert")
    _ = try stage.makeFiles(1000, in: "idle")
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    sleep(2)
    let before = try processorTicks(daemon.pid)
    let start = SystemClock.up()
    sleep(UInt32(seconds))
    let spent = Double(try processorTicks(daemon.pid) - before) / Double(sysconf(Int32(_SC_CLK_TCK)))
    let share = spent / (Double(SystemClock.up() - start) / 1_000_000) * 100
    let memory = try anonymousKilobytes(daemon.pid)
    return [
      Figure(name: "idle processor time", value: share, unit: "%", limit: 0.1),
      Figure(name: "RssAnon, idle, 1,000 files", value: Double(memory) / 1024, unit: "MB", limit: 12),
    ]
  }

  private static func processorTicks(_ pid: Int32) throws -> Int64 {
    let text = try SmallFile.read("/proc/\(pid)/stat")
    let fields = text.split(separator: UInt8(ascii: " "))
    guard fields.count > 15, let user = decimal(fields[13]), let system = decimal(fields[14]) else {
      throw BenchError(description: "/proc/\(pid)/stat: not understood")
    }
    return user + system
  }

  private static func anonymousKilobytes(_ pid: Int32) throws -> Int64 {
    for line in try SmallFile.read("/proc/\(pid)/status").split(separator: 0x0a)
    where line.starts(with: "RssAnon:".utf8) {
      return decimal(line.filter(isDigit)) ?? 0
    }
    throw BenchError(description: "/proc/\(pid)/status: no RssAnon")
  }
}

/// A start on a ledger that tells of very many grants, once without and once with a snapshot.
enum StartWithHistory {
  static func measure(on stage: Stage, grants: Int) throws -> [Figure] {
    stage.clear()
    let boot = SystemClock.bootID()
    let now = Moment(
      wall: Timestamp(microseconds: SystemClock.wall()), up: SystemClock.up(), boot: boot)
    do {
      let (ledger, _) = try Ledger.open(directory: stage.state + "/ledger", now: { now })
      for index in 0..<grants {
        var grant = Grant(
          id: "g-h\(index)", incident: "i-h\(index / 10)", host: "bench", kind: .fileMode,
          subject: "everyone", object: "file:/srv/gone/f\(index)", right: "read write", at: now)
        grant.items = [
          GrantItem(
            object: grant.object, before: "0640", after: "0666",
            identity: FileIdentity(device: 1, inode: UInt64(index) + 1, birth: 0))
        ]
        grant.provenance = .human
        grant.confidence = .certain
        grant.open = false
        grant.alerted = true
        ledger.append(type: "grant.detected", grant: grant.id, text: "history", essential: true) {
          $0.key("grant")
          grant.writeRecord(to: &$0, withItems: true)
        }
        if index % 1000 == 999 { try ledger.commit() }
      }
      try ledger.commit()
    }
    var figures: [Figure] = []
    for name in ["by its ledger alone", "by its snapshot"] {
      let start = SystemClock.up()
      let daemon = try stage.start()
      figures.append(
        Figure(
          name: "start with \(grants) grants, \(name)",
          value: Double(SystemClock.up() - start) / 1_000_000, unit: "s"))
      stage.stop(daemon)
    }
    return figures
  }
}

/// The size of the daemon as it lies there; `make` strips it.
enum BinarySize {
  static func measure(_ path: String) -> [Figure] {
    var status = stat()
    guard stat(path, &status) == 0 else { return [] }
    return [
      Figure(
        name: "daemon's binary (limit holds for a stripped one)",
        value: Double(status.st_size) / 1_048_576, unit: "MB")
    ]
  }
}

/// Follows the log on a thread of its own.
final class Follower: @unchecked Sendable {
  private let client: ControlClient  // used by the thread, interrupted by `end`

  init(_ client: ControlClient, _ body: @escaping @Sendable (JSON) -> Void) {
    self.client = client
    DispatchQueue(label: "follower").async { [client] in
      _ = try? client.stream("Log", .object([JSONMember("follow", .bool(true))])) { reply in
        for event in reply["events"].elements { body(event) }
        return true
      }
    }
  }

  func end() { client.interrupt() }
}

/// Waits until `condition` holds, looking every so many microseconds, for at most a minute.
func waitUntil(
  _ what: String, every microseconds: UInt32 = 500, _ condition: () throws -> Bool
) throws {
  let end = SystemClock.up() + 60_000_000
  while SystemClock.up() < end {
    if try condition() { return }
    usleep(microseconds)
  }
  throw BenchError(description: "waited a minute for \(what)")
}
