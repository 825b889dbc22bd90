import Glibc
import LinuxKit

/// What the daemon costs when nothing happens, with 1,000 watched files.
enum IdleCost: Benchmark {
  static let name = "idle"
  static let meaning = """
    Processor time of all the daemon's threads as a share of one processor, and its anonymous
    memory, with 1,000 watched files on a file system of their own and no change on them. Each
    second is one sample, its cost known to the nanosecond. The daemon also hears of every process
    that anybody starts on the host: the limit is for the median second, the mean of all seconds
    stands beside it with how many processes were started meanwhile, and on a quiet host the two
    are the same. Memory is RssAnon of proc_pid_status(5) at the end.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    stage.clear()
    try stage.mountData()
    try stage.configure(timeToLive: "1h", mode: "alert")
    _ = try stage.makeFiles(1000, in: "idle")
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    sleep(2)
    var shares: [Double] = []
    let processes = HostLoad.processesStarted()
    for _ in 0..<(quick ? 10 : 60) {
      let before = try ProcessCost.nanoseconds(daemon.pid)
      let start = SystemClock.up()
      sleep(1)
      let spent = Double(try ProcessCost.nanoseconds(daemon.pid) - before)
      shares.append(spent / Double(SystemClock.up() - start) / 10)
    }
    let started = Double(HostLoad.processesStarted() - processes) / Double(shares.count)
    return [
      Figure(
        name: "idle processor time, median second", value: shares.quantile(0.5), unit: "%",
        limit: 0.1, samples: shares.count),
      Figure(
        name: "idle processor time, mean", value: shares.reduce(0, +) / Double(shares.count),
        unit: "%", samples: shares.count),
      Figure(name: "processes started meanwhile by anybody", value: started, unit: "/s"),
      Figure(
        name: "RssAnon, idle, 1,000 files", value: try ProcessCost.anonymous(daemon.pid),
        unit: "MB", limit: 12),
    ]
  }
}
