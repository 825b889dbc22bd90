import ByteText
import Control
import Grants
import Ledger
import LinuxKit

/// Changes and their story while the journal is flooded.
enum Burst: Benchmark {
  static let name = "burst"
  static let meaning = """
    A journal that is written at 20,000 entries a second for a minute, two of a hundred by tools that
    tell of access, while 200 changes a second are made, each by a process of its own: modes of
    1,000 files, wider and narrower in turn, and two memberships, of which usermod's line stands in
    the journal. missed: changes of which no event was told. change → durable: from the kernel's
    time of the change, which lies up to one tick before it, to its event at a follower of the log.
    line → ledger: from the time of an entry to the time of its signal's record, which is synced in
    the same turn. On a host that is busy otherwise the rate of entries is not reached, and the daemon's
    threads wait for a processor, which a figure tells. With --quick five seconds.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    try stage.prepareBurst()
    let daemon = try stage.start()
    let run: BurstRun
    do {
      defer { stage.stop(daemon) }
      run = try BurstRun(on: stage, daemon, seconds: quick ? 5 : 60)
    }
    let story = try BurstStory(on: stage)
    return [
      Figure(name: "entries written to the journal", value: run.rate, unit: "/s"),
      Figure(name: "changes made", value: Double(run.made) / run.seconds, unit: "/s"),
      Figure(name: "changes missed", value: Double(run.missed), unit: "", limit: 0),
    ]
      + Figure.pair(
        "change → durable in a burst", run.times, reference: run.probe.times, limit: 50)
      + [
        Figure(
          name: "lines about access that are not in the ledger",
          value: Double(run.telling - story.delays.count), unit: "", limit: 0),
        Figure(
          name: "line → ledger, median", value: story.delays.quantile(0.5), unit: "ms",
          samples: story.delays.count),
        Figure(
          name: "line → ledger, p99", value: story.delays.quantile(0.99), unit: "ms", limit: 1000,
          samples: story.delays.count),
        Figure(
          name: "memberships without their line as evidence", value: Double(story.untold), unit: "",
          limit: 0, samples: story.memberships),
        Figure(name: "processor time of the daemon", value: run.processorShare, unit: "%"),
        Figure(name: "the daemon waited for a processor", value: run.waitingShare, unit: "%"),
        Figure(name: "RssAnon, growth in the burst", value: run.growth, unit: "MB"),
      ]
  }
}

/// The same for ten minutes, for the daemon's memory.
enum BurstMemory: Benchmark {
  static let name = "burst-memory"
  static let isForAll = false
  static let meaning = """
    Ten minutes as in `burst`: anonymous memory after each, its growth from the second to the tenth,
    and the changes missed; beside it the growth from the third: the ended grants that are kept reach
    their bound in the second minute. Measured only when asked for by name. With --quick ten times
    five seconds, too short for that bound: growth is then shown only.
    """

  static func measure(on stage: Stage, quick: Bool) throws -> [Figure] {
    try stage.prepareBurst()
    let daemon = try stage.start()
    defer { stage.stop(daemon) }
    let minute = quick ? 5 : 60
    let run = try BurstRun(on: stage, daemon, seconds: 10 * minute, sampleEvery: minute)
    guard run.memory.count >= 10 else { throw BenchError(description: "the run was cut short") }
    return [
      Figure(name: "entries written to the journal", value: run.rate, unit: "/s"),
      Figure(name: "changes made", value: Double(run.made) / run.seconds, unit: "/s"),
      Figure(name: "changes missed", value: Double(run.missed), unit: "", limit: 0),
    ]
      + run.memory.enumerated().map { minute, memory in
        Figure(name: "RssAnon after minute \(minute + 1)", value: memory, unit: "MB")
      }
      + [
        Figure(
          name: "growth from the second to the tenth", value: run.memory[9] - run.memory[1],
          unit: "MB", limit: quick ? nil : 2),
        Figure(
          name: "growth from the third to the tenth", value: run.memory[9] - run.memory[2],
          unit: "MB"),
      ]
  }
}

extension Stage {
  var journal: String { folder + "/journal" }

  /// Accounts and files to change, and an empty journal that the daemon reads.
  fileprivate func prepareBurst() throws {
    clear()
    _ = Spawn.runAndWait("/bin/rm", ["-rf", journal])
    try furnish(users: ChangeStream.users, groups: ChangeStream.groups)
    try configure(timeToLive: "1h", mode: "alert", journal: journal)
    _ = try makeFiles(ChangeStream.files, in: "burst")
  }
}

/// One burst on a running daemon.
private struct BurstRun {
  var seconds: Double
  /// Entries a second.
  var rate: Double
  var telling: Int
  var made = 0
  var missed = 0
  /// Change → durable, in milliseconds.
  var times: [Double] = []
  /// RssAnon after each `sampleEvery` seconds, in MB.
  var memory: [Double] = []
  var growth: Double
  /// Of one processor.
  var processorShare: Double
  /// How long the daemon's threads were ready to run and waited for a processor, likewise.
  var waitingShare: Double
  let probe: SyncProbe

  init(
    on stage: Stage, _ daemon: ChildProcess, seconds: Int, sampleEvery: Int = 60
  ) throws {
    let follower = Follower(
      try ControlClient(path: stage.socket), types: ["grant.detected", "grant.ended"])
    defer { follower.end() }
    let before = try ProcessCost.anonymous(daemon.pid)
    let spent = try ProcessCost.nanoseconds(daemon.pid)
    let waited = try ProcessCost.waiting(daemon.pid)
    probe = try SyncProbe(on: stage)
    let start = SystemClock.up()
    let flood = try JournalFlood(into: stage.journal, tree: stage.tree)
    let changes = ChangeStream(on: stage, folder: stage.data + "/burst", flood: flood)
    for second in 1...seconds {
      while SystemClock.up() < start + Int64(second) * 1_000_000 {
        try probe.take()
        SystemClock.pause(milliseconds: 100)
      }
      if second % sampleEvery == 0 { memory.append(try ProcessCost.anonymous(daemon.pid)) }
    }
    let changed = try changes.end()
    let elapsed = SystemClock.up() - start
    (_, telling, rate) = try flood.end()
    self.seconds = Double(elapsed) / 1_000_000
    processorShare = Double(try ProcessCost.nanoseconds(daemon.pid) - spent) / Double(elapsed) / 10
    waitingShare = Double(try ProcessCost.waiting(daemon.pid) - waited) / Double(elapsed) / 10
    growth = try ProcessCost.anonymous(daemon.pid) - before
    made = changed.values.reduce(0) { $0 + $1.count }
    // What is late is no miss.
    let end = SystemClock.up() + 10_000_000
    while follower.count < made, SystemClock.up() < end { SystemClock.pause(milliseconds: 10) }
    let wallOfUp = SystemClock.wall() - SystemClock.up()
    for (name, moments) in changed {
      let arrivals = follower.arrivals(of: name)
      missed += max(0, moments.count - arrivals.count)
      times += zip(moments, arrivals).map { Double($1 + wallOfUp - $0) / 1000 }
    }
    // The last lines may wait for their continuation.
    SystemClock.pause(milliseconds: 2000)
  }
}

/// What the ledger says of a burst.
private struct BurstStory {
  /// From each line's own time to its record, in milliseconds.
  var delays: [Double] = []
  var memberships: Int
  /// Memberships of whose evidence the journal is no part.
  var untold: Int

  init(on stage: Stage) throws {
    let now = Moment(
      wall: Timestamp(microseconds: SystemClock.wall()), up: SystemClock.up(),
      boot: SystemClock.bootID())
    let (ledger, _) = try Ledger.open(directory: stage.state + "/ledger", now: { now })
    var given: Set<String> = []
    var told: Set<String> = []
    var delays: [Double] = []
    try ledger.log { record in
      let data = record.data["data"]
      if record.type == "signal", data["source"].text == "journal", let time = data["time"].integer
      {
        delays.append(Double(record.time.microseconds - time) / 1000)
      }
      let grant = data["grant"]
      if let id = grant["id"].text, grant["kind"].text == GrantKind.groupMember.rawValue,
        record.type != "grant.standing"
      {
        given.insert(id)
        if grant["evidence"].elements.contains(where: { $0["source"].text == "journal" }) {
          told.insert(id)
        }
      }
      return true
    }
    self.delays = delays
    memberships = given.count
    untold = given.subtracting(told).count
  }
}
