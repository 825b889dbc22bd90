import ByteText
import Control
import Glibc
import LinuxKit

/// From a deadline to the mode being what it was before.
enum DeadlineLatency: Benchmark {
  static let name = "deadline"
  static let meaning = """
    overdue → restored: from the moment that the grant's expiresAt names, exact to a millisecond,
    to the file having its mode of before, looked at every 100 µs. In between lie the durable
    intent and the change. One grant falls due at a time.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "6s", mode: "enforce")
    let batch = 25
    let rounds = quick ? 1 : 8
    let folder = try stage.makeFiles(batch * rounds, in: "deadline")
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    let client = try ControlClient(path: stage.socket)
    let probe = try SyncProbe(on: stage)
    var times: [Double] = []
    for round in 0..<rounds {
      let indices = round * batch..<(round + 1) * batch
      for index in indices {
        _ = try stage.changeMode(folder + "/f\(index)", "0666")
        usleep(80_000)
      }
      let deadlines = try deadlines(client)
      for index in indices {
        guard let due = deadlines["file:/srv/deadline/f\(index)"] else {
          throw BenchError(description: "f\(index): no deadline")
        }
        let left = due - SystemClock.wall()
        // On a host so busy that its time was over before anybody looked, it tells nothing.
        guard left > 0 else { continue }
        if left > 30_000 {
          try probe.take()
          SystemClock.pause(milliseconds: max(0, due - SystemClock.wall()) / 1000)
        }
        try waitUntil("f\(index) restored", every: 100) {
          stage.mode(folder + "/f\(index)") == 0o640
        }
        times.append(Double(max(0, SystemClock.wall() - due)) / 1000)
      }
    }
    guard times.count > batch / 2 else {
      throw BenchError(description: "the host is too busy to watch deadlines")
    }
    return Figure.pair("overdue → restored", times, reference: probe.times, limit: 50)
  }

  /// When the grants fall or fell due on the wall's clock, in microseconds, by their objects.
  private static func deadlines(_ client: ControlClient) throws -> [String: Int64] {
    var found: [String: Int64] = [:]
    for grant in try client.call("List", .object([]))["grants"].elements {
      guard let object = grant["object"].text,
        let due = grant["expiresAt"].text.flatMap({ Timestamp(rfc3339: $0) })
      else { continue }
      found[object] = due.microseconds
    }
    return found
  }
}
