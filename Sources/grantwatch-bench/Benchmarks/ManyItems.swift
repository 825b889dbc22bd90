import ByteText
import Control
import LinuxKit

/// `chmod -R` over many files: one grant, recorded whole and taken back whole.
enum ManyItems: Benchmark {
  static let name = "many"
  static let meaning = """
    chmod -R over 10,000 files and their folder, and once over 100,000 (not with --quick), each one
    grant of so many items and one: from the start of chmod
    until all items are durable in the ledger; from the call of Revoke until its answer says that
    all are taken back, which is then checked file by file. status meanwhile: how long GetStatus
    takes that another client calls every 5 ms while the items are taken back.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    try measure(10_000, rounds: quick ? 1 : 5, recorded: nil, restored: 3, on: stage)
      + (quick ? [] : measure(100_000, rounds: 1, recorded: 10, restored: 15, on: stage))
  }

  private static func measure(
    _ items: Int, rounds: Int, recorded recordedLimit: Double?, restored restoredLimit: Double,
    on stage: Stage
  ) throws -> [Figure] {
    var recorded: [Double] = []
    var restored: [Double] = []
    var status: [Double] = []
    let probe = try SyncProbe(on: stage)
    for _ in 0..<rounds {
      for _ in 0..<20 { try probe.take() }
      stage.clear()
      try stage.configure(timeToLive: "1h", mode: "alert")
      let folder = try stage.makeFiles(items, in: "many")
      let daemon = try stage.start()
      defer { stage.stop(daemon) }
      let client = try ControlClient(path: stage.socket)
      let start = SystemClock.up()
      let result = Spawn.runAndWait(
        "/bin/chmod", ["-R", "o+w", folder], timeout: 300_000_000)
      guard result.succeeded else { throw BenchError(description: "chmod -R failed") }
      var id: String?
      try waitUntil("\(items + 1) items", every: 10_000) {
        let grant = try client.call("List", .object([]))["grants"].elements.first
        id = grant?["id"].text
        return grant?["items"].integer == Int64(items + 1)
      }
      recorded.append(Double(SystemClock.up() - start) / 1_000_000)
      let caller = StatusCaller(try ControlClient(path: stage.socket))
      let begun = SystemClock.up()
      let reply = try client.call(
        "Revoke", .object([JSONMember("ids", .array([.string(id ?? "")]))]))
      restored.append(Double(SystemClock.up() - begun) / 1_000_000)
      status += caller.end()
      guard reply["results"].elements.first?["done"].bool == true else {
        throw BenchError(description: "revoke: \(String(decoding: reply.encoded, as: UTF8.self))")
      }
      for index in 0..<items where stage.mode(folder + "/f\(index)") != 0o640 {
        throw BenchError(description: "f\(index) is not what it was")
      }
    }
    let name = "chmod -R, \(items) files"
    let reference = probe.times.quantile(0.5)
    return [
      Figure(
        name: "\(name): all recorded, median", value: recorded.quantile(0.5), unit: "s",
        limit: recordedLimit, samples: recorded.count, reference: reference),
      Figure(
        name: "\(name): all restored, median", value: restored.quantile(0.5), unit: "s",
        limit: restoredLimit,
        samples: restored.count, reference: reference),
      Figure(
        name: "\(name): status meanwhile, median", value: status.quantile(0.5), unit: "ms",
        samples: status.count, reference: reference),
      Figure(
        name: "\(name): status meanwhile, p99", value: status.quantile(0.99), unit: "ms", limit: 50,
        samples: status.count, reference: probe.times.quantile(0.99)),
    ]
  }
}
