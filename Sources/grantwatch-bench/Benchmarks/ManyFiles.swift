import Control
import Glibc
import LinuxKit

/// The baseline of many files: how long the first look takes, and the memory that it leaves.
enum ManyFiles: Benchmark {
  static let name = "baseline"
  static let meaning = """
    A tree of 1,000,000 files in 1,000 folders (50,000 with --quick), some with access lists: from
    the daemon's start with an empty state until it answers, when all are in the baseline; the
    anonymous memory that it has then; and from its start with the saved baseline, when all were
    looked at again, until it answers.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let folders = quick ? 50 : 1000
    let files = folders * 1000
    stage.clear()
    try stage.configure(timeToLive: "1h", mode: "alert")
    for folder in 0..<folders { _ = try stage.makeFiles(999, in: "d\(folder)") }
    for folder in stride(from: 0, to: folders, by: 10) {
      let result = Spawn.runAndWait(
        "/usr/bin/setfacl",
        ["-R", "-m", "u:\(2000 + folder):rX", stage.data + "/d\(folder)"], timeout: 300_000_000)
      guard result.succeeded else { throw BenchError(description: "setfacl failed") }
    }
    var figures: [Figure] = []
    for (what, limit) in [("first look", 20.0), ("look after a stop", 20.0)] {
      let begun = SystemClock.up()
      let daemon = try stage.start()
      defer { stage.stop(daemon) }
      figures.append(
        Figure(
          name: "\(files) files: \(what)", value: Double(SystemClock.up() - begun) / 1_000_000,
          unit: "s", limit: quick ? nil : limit))
      figures.append(
        Figure(
          name: "\(files) files: anonymous memory after it",
          value: try anonymousMemory(of: daemon.pid), unit: "MB", limit: 64))
    }
    stage.clear()
    return figures
  }

  /// RssAnon of /proc/PID/status, in megabytes of 2^20 bytes.
  private static func anonymousMemory(of pid: Int32) throws -> Double {
    let status = String(
      decoding: try SmallFile.read("/proc/\(pid)/status"), as: UTF8.self)
    for line in status.split(separator: "\n") where line.hasPrefix("RssAnon:") {
      let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
      if let kilobytes, let number = Double(kilobytes) { return number / 1024 }
    }
    throw BenchError(description: "RssAnon of \(pid): not there")
  }
}
