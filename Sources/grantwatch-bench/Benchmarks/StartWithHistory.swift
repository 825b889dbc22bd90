import ByteText
import Control
import Grants
import Ledger
import LinuxKit

/// A daemon whose ledger tells of very many grants.
enum StartWithHistory: Benchmark {
  static let name = "start"
  static let meaning = """
    From the start of the daemon to its first answer on the control socket, with 100,000 grants in
    the ledger, 99 of 100 with a second record that tells of their end: by the ledger alone, which
    is checked whole and replayed, and by the snapshot that the first daemon leaves, where the chain
    is checked all the same. Then, with those grants known: its memory, GetStatus, change → durable
    as in `change`, and the stop, which writes a snapshot.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    stage.clear()
    try stage.configure(timeToLive: "1h", mode: "alert")
    let grants = 100_000
    let samples = quick ? 20 : 100
    let folder = try stage.makeFiles(samples + 1, in: "start")
    try write(grants, to: stage.state + "/ledger")
    var figures: [Figure] = []
    let known = "\(grants) grants"
    for name in ["ledger alone", "snapshot"] {
      let start = SystemClock.up()
      let daemon = try stage.start()
      figures.append(seconds("start with \(known), by \(name)", since: start))
      if name == "snapshot" {
        figures.append(
          Figure(
            name: "RssAnon with \(known)", value: try ProcessCost.anonymous(daemon.pid), unit: "MB")
        )
        figures.append(try status(stage, known, samples: samples))
        let (times, probe) = try ChangeLatency.times(on: stage, folder: folder, samples: samples)
        figures += Figure.pair(
          "change → durable with \(known)", times, reference: probe.times, limit: nil)
      }
      let end = SystemClock.up()
      stage.stop(daemon)
      if name == "snapshot" { figures.append(seconds("stop with \(known)", since: end)) }
    }
    return figures
  }

  private static func seconds(_ name: String, since start: Int64) -> Figure {
    Figure(name: name, value: Double(SystemClock.up() - start) / 1_000_000, unit: "s")
  }

  private static func status(_ stage: Stage, _ known: String, samples: Int) throws -> Figure {
    let client = try ControlClient(path: stage.socket)
    var times: [Double] = []
    for _ in 0..<samples {
      let start = SystemClock.up()
      _ = try client.call("GetStatus", .object([]))
      times.append(Double(SystemClock.up() - start) / 1000)
    }
    return Figure(
      name: "status with \(known), median", value: times.quantile(0.5), unit: "ms",
      samples: times.count)
  }

  /// Grants as a daemon leaves them: active, on files that are gone.
  private static func write(_ grants: Int, to directory: String) throws {
    let now = Moment(
      wall: Timestamp(microseconds: SystemClock.wall()), up: SystemClock.up(),
      boot: SystemClock.bootID())
    let (ledger, _) = try Ledger.open(directory: directory, now: { now })
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
        grant.writeRecord(to: &$0, withItems: false)
        $0.member("firstItem", 0)
        $0.key("items")
        $0.beginArray()
        for item in grant.items { item.writeRecord(to: &$0) }
        $0.endArray()
      }
      if index % 100 != 0 {
        grant.state = .ended
        grant.endedAt = now.wall
        grant.endedBy = .removed
        grant.activeSecondsAtEnd = 60
        ledger.append(type: "grant.changed", grant: grant.id, text: "", essential: true) {
          $0.key("grant")
          grant.writeRecord(to: &$0, withItems: false)
          $0.key("changed")
          $0.raw(Array(#"[[0,"ended","0666"]]"#.utf8))
        }
      }
      if index % 1000 == 999 { try ledger.commit() }
    }
    try ledger.commit()
  }
}
