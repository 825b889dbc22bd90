import ByteText
import LinuxKit

/// What a process takes.
enum ProcessCost {
  /// Processor time of all its threads.
  static func nanoseconds(_ pid: Int32) throws -> Int64 { try schedule(pid, 0) }

  /// How long its threads were ready to run and had no processor, in nanoseconds.
  static func waiting(_ pid: Int32) throws -> Int64 { try schedule(pid, 1) }

  /// A field of all its threads that live, added up; see Documentation/scheduler/sched-stats.rst of
  /// the kernel.
  private static func schedule(_ pid: Int32, _ field: Int) throws -> Int64 {
    var sum: Int64 = 0
    for thread in SmallFile.names(in: "/proc/\(pid)/task") {
      // A thread may end meanwhile.
      guard let text = try? SmallFile.read("/proc/\(pid)/task/\(thread)/schedstat") else {
        continue
      }
      let fields = text.split(separator: 0x20)
      sum += fields.count > field ? decimal(fields[field]) ?? 0 : 0
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
