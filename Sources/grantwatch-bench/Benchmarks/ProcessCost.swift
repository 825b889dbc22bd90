import ByteText
import LinuxKit

/// What a process takes.
enum ProcessCost {
  /// Processor time of all its threads; see proc_pid_schedstat.
  static func nanoseconds(_ pid: Int32) throws -> Int64 {
    var sum: Int64 = 0
    for thread in SmallFile.names(in: "/proc/\(pid)/task") {
      // A thread may end meanwhile.
      guard let text = try? SmallFile.read("/proc/\(pid)/task/\(thread)/schedstat") else {
        continue
      }
      sum += decimal(text.prefix { $0 != 0x20 }) ?? 0
    }
    guard sum > 0 else { throw BenchError(description: "/proc/\(pid)/task: no schedstat") }
    return sum
  }

  /// Anonymous memory in use, in MB of 1,048,576 bytes.
  static func anonymous(_ pid: Int32) throws -> Double {
    for line in try SmallFile.read("/proc/\(pid)/status").split(separator: 0x0a)
    where line.starts(with: "RssAnon:".utf8) {
      if let kilobytes = decimal(line.filter(isDigit)) { return Double(kilobytes) / 1024 }
    }
    throw BenchError(description: "/proc/\(pid)/status: no RssAnon")
  }
}
