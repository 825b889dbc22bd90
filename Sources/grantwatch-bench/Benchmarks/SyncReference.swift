import Glibc
import LinuxKit

/// The reference: what one fdatasync(2) costs on the disk of the ledger.
enum SyncReference: Benchmark {
  static let name = "sync"
  static let meaning = """
    One write of 1 KiB at the end of a file with room kept for it, as the ledger does it, and one
    fdatasync(2), in /var/tmp: the least that anything durable can cost.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    let probe = try SyncProbe(on: stage)
    for _ in 0..<(quick ? 50 : 300) { try probe.take() }
    return ["median": 0.5, "p99": 0.99].sorted { $0.value < $1.value }.map { word, share in
      Figure(
        name: "one fdatasync, \(word)", value: probe.times.quantile(share), unit: "ms",
        samples: probe.times.count)
    }
  }
}

/// Takes the reference between the samples of another figure.
final class SyncProbe {
  private(set) var times: [Double] = []
  private let file: DurableFile
  private let block = [UInt8](repeating: 0x20, count: 1024)

  init(on stage: Stage) throws {
    let path = stage.folder + "/reference"
    unlink(path)
    file = try DurableFile(appendingTo: path)
    try file.preallocate(to: 4 << 20)
    try file.synchronize()
  }

  func take() throws {
    let start = SystemClock.up()
    try file.append(block)
    try file.synchronize()
    times.append(Double(SystemClock.up() - start) / 1000)
  }
}
