import Control
import LinuxKit

/// From a change to its grant being durable.
enum ChangeLatency: Benchmark {
  static let name = "change"
  static let meaning = """
    change → durable: from the return of chmod(2) in another process, made an agent's by its
    ancestor, to the moment at which a follower of the log has the grant's event, which leaves the
    daemon only when its record is on the disk. One file, one process, one grant a sample.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "1h", mode: "alert")
    let samples = quick ? 100 : 500
    let folder = try stage.makeFiles(samples + 1, in: "change")
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    let (times, probe) = try times(on: stage, folder: folder, samples: samples)
    return Figure.pair("change → durable", times, reference: probe.times, limit: 10)
  }

  /// The latencies of so many changes in `folder`, in milliseconds, a reference between any two.
  static func times(
    on stage: Stage, folder: String, samples: Int
  ) throws -> ([Double], SyncProbe) {
    let probe = try SyncProbe(on: stage)
    let follower = Follower(try ControlClient(path: stage.socket))
    defer { follower.end() }
    var times: [Double] = []
    for index in 0...samples {
      try probe.take()
      let path = folder + "/f\(index)"
      let name = String(path.dropFirst(stage.tree.count))
      let done = try stage.changeMode(path, "0666")
      var told: Int64 = 0
      try waitUntil("the record of \(name)") {
        told = follower.arrival(of: name) ?? 0
        return told > 0
      }
      follower.forget()
      // The first one waits until the follower has been told the whole past.
      if index > 0 { times.append(Double(told - done) / 1000) }
    }
    return (times, probe)
  }
}
