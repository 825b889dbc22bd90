import ByteText
import Glibc
import LinuxKit

/// How busy the host was while the figures were taken.
struct HostLoad: CustomStringConvertible {
  private let ticksBefore = Self.ticks()
  private let upBefore = SystemClock.up()
  private let processesBefore = Self.processesStarted()

  /// Processors that are on.
  let processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// Share of all processors' time that was used by anybody since the start, in percent.
  var busy: Double {
    let after = Self.ticks()
    let all = after.all - ticksBefore.all
    return all > 0 ? 100 * (1 - Double(after.idle - ticksBefore.idle) / Double(all)) : 0
  }

  /// Processes and threads that anybody started, a second.
  var forksPerSecond: Double {
    Double(Self.processesStarted() - processesBefore) * 1_000_000
      / Double(max(1, SystemClock.up() - upBefore))
  }

  /// The load averages over 1, 5 and 15 minutes.
  var loads: [Double] {
    var loads = [Double](repeating: 0, count: 3)
    return getloadavg(&loads, 3) == 3 ? loads : []
  }

  var description: String {
    let loads = loads.map { Figure.text($0) }.joined(separator: " ")
    return "Host: \(processors) processors, \(Figure.text(busy)) % busy, load \(loads),"
      + " \(Figure.text(forksPerSecond)) new processes a second"
  }

  /// Processes and threads started since the boot; see proc_stat(5).
  static func processesStarted() -> Int64 {
    for line in ((try? SmallFile.read("/proc/stat")) ?? []).split(separator: 0x0a)
    where line.starts(with: "processes ".utf8) {
      return decimal(line.dropFirst(10)) ?? 0
    }
    return 0
  }

  private static func ticks() -> (all: Int64, idle: Int64) {
    let text = (try? SmallFile.read("/proc/stat")) ?? []
    let fields = text.prefix { $0 != 0x0a }.split(separator: 0x20).dropFirst()
      .map { decimal($0) ?? 0 }
    guard fields.count >= 8 else { return (0, 0) }
    return (fields.prefix(8).reduce(0, +), fields[3] + fields[4])
  }
}
