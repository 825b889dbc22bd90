import ByteText
package import Grants
package import LinuxKit

/// The processes of this host and their ancestors, the dead included.
///
/// Confined to one queue: whoever makes it calls it there only.
package final class ProcessTable {
  /// What an agent looks like.
  package private(set) var signatures: AgentSignatures
  /// What is automation; processes that run already keep what was found of them.
  package var automation: Automation
  let accountNames: (UInt32) -> String?
  let files: ProcessFiles
  let clock: () -> Moment
  /// The latest process by pid.
  var records: [Int32: ProcessRecord] = [:]
  /// A dead process whose pid came again.
  private var earlier: [Int32: ProcessRecord] = [:]
  /// The dead, in the order of their ends, from `firstDead` on.
  private var dead: [(record: ProcessRecord?, bytes: Int)] = []
  private var firstDead = 0
  /// What the dead take, in bytes.
  package private(set) var deadBytes = 0
  /// Dead processes that were forgotten before their time, for want of room.
  package private(set) var forgotten = 0
  /// What agents asked others to run.
  var launchRequests = LaunchRequests()
  /// The agents that live, and what became of them since somebody asked.
  var agents = AgentSightings()
  let environments = PythonEnvironment()
  let watch = ConnectorWatch()
  /// Events are given, so that the tree is on record and not only what /proc shows.
  var hasEvents = false
  /// What a process is that /proc shows first.
  var finding = ProcessRecord.Origin.before

  /// Signals of before this moment, in microseconds of CLOCK_BOOTTIME, have all been looked up. One
  /// that still waits to be read may name a process that ended long ago.
  package var signalsReadTo = Int64.max

  /// How long the dead are kept, in microseconds, counted from `signalsReadTo`.
  package static let keepsDead: Int64 = 5_000_000
  /// How many of the dead are kept at the most.
  package static let mostDead = 16384
  /// How much memory they may take, in bytes as `ProcessRecord.bytes` reckons them.
  package var mostDeadBytes = 16 << 20

  /// `accountNames` gives the name of a uid; `clock` the time.
  package init(
    signatures: AgentSignatures, automation: Automation = .standard,
    accountNames: @escaping (UInt32) -> String?, files: ProcessFiles = ProcessFiles(),
    clock: @escaping () -> Moment = ProcessTable.systemClock()
  ) {
    self.signatures = signatures
    self.automation = automation
    self.accountNames = accountNames
    self.files = files
    self.clock = clock
  }

  /// Takes other descriptions of agents, and looks at all that lives again. What the dead were
  /// found to be stays, and so does what a living one was, but for hints that no description has
  /// any more: so an admin silences a variable that people's shells have.
  package func use(_ signatures: AgentSignatures) {
    self.signatures = signatures
    environments.forget()
    for (pid, record) in records where record.exited == nil {
      if let stat = files.stat(pid), record.started(at: stat.start) {
        refreshImage(record, comm: stat.comm)
      }
      record.forgetHints { !signatures.hasHint($0) }
    }
    // Parents before children: an agent below another is none of its own.
    for record in records.values.filter({ $0.exited == nil }).sorted(by: { $0.depth < $1.depth }) {
      noteAgent(record)
    }
  }

  /// How many processes are known, the dead that are kept included.
  package var count: Int { records.count + earlier.count }

  /// Takes one event in; `nanoseconds` is the kernel's CLOCK_MONOTONIC with it. Events come in
  /// the kernel's order. Threads' own events change nothing.
  package func take(_ event: ProcessEvent, at nanoseconds: UInt64) {
    switch event {
    case .fork(_, let parent, let child, let childTgid) where child == childTgid:
      fork(parent, child, start: ProcessFiles.tick(ofMonotonic: nanoseconds))
    case .exec(_, let pid): exec(pid)
    case .exit(let pid, let tgid, _, _) where pid == tgid:
      if let record = records[pid] { end(record) }
    case .uid(let pid, let tgid, let real, let effective) where pid == tgid:
      records[pid]?.uid = real
      records[pid]?.effectiveUID = effective
    case .sid(let pid, let tgid) where pid == tgid:
      records[pid]?.session = pid
      records[pid]?.group = pid
    case .acknowledged(let errno) where errno != 0: watch.suspect()
    default: break
    }
  }

  private func fork(_ parent: Int32, _ child: Int32, start: UInt64) {
    let maker = records[parent] ?? adopt(parent)
    // A first thread may end before its process does.
    maker?.exited = nil
    let old = records[child]
    if let old, old.origin != .forked, old.exited == nil, old.started(at: start) {
      // The look at /proc was faster than the event.
      guard let maker, maker !== old else { return }
      old.parent = maker
      old.origin = .forked
      old.hole = nil
      old.depth = maker.depth + 1
      return
    }
    let key = ProcessKey(pid: child, start: start)
    let record: ProcessRecord
    if let maker {
      record = ProcessRecord(key, forkedBy: maker)
      record.shorten()
    } else {
      record = ProcessRecord(key, origin: .found, image: .unseen)
      record.hole = "its parent \(parent) was gone before it was seen"
    }
    replace(child, with: record)
  }

  private func exec(_ pid: Int32) {
    guard let record = records[pid] else {
      _ = adopt(pid)
      return
    }
    record.exited = nil
    let before = record.image
    guard let stat = files.stat(pid), record.started(at: stat.start) else {
      record.take(.unseen)
      // What a service manager starts has left its group for one that nobody saw.
      if record.parent?.image.isServiceManager == true { record.controlGroup = nil }
      return noteUnseenExec(record, before: before)
    }
    record.group = stat.group
    record.session = stat.session
    let image = readImage(pid, comm: stat.comm)
    record.take(image ?? named(stat.comm))
    // Whoever lets people in sets these between fork and exec; below, they seldom change.
    if record.loginUID == nil {
      record.loginUID = files.loginUID(pid)
      record.auditSession = files.auditSession(pid)
    }
    let underManager = record.parent.map { $0.image.isServiceManager } ?? false
    if signatures.hasUnits || underManager || record.controlGroup == nil {
      record.controlGroup = files.controlGroup(pid)
      // Where the dead are said to be; what a service manager starts is never there.
      if underManager, record.controlGroup == [UInt8(ascii: "/")] { record.controlGroup = nil }
    }
    if image == nil { noteUnseenExec(record, before: before) } else { noteLaunchRequest(record) }
    noteAgent(record)
  }

  /// Puts a record in its pid's place.
  func replace(_ pid: Int32, with record: ProcessRecord) {
    if let old = records[pid] {
      if old.exited == nil { end(old) }
      earlier[pid] = old
    }
    records[pid] = record
  }

  /// The process has ended.
  func end(_ record: ProcessRecord) {
    record.exited = clock().up
    agents.end(record)
    let bytes = record.bytes
    dead.append((record, bytes))
    deadBytes += bytes
  }

  /// The process that had `pid` before its present one, while the dead are kept.
  func predecessor(of pid: Int32) -> ProcessRecord? { earlier[pid] }

  /// The process that had `pid` at `up` (CLOCK_BOOTTIME, microseconds), where it is known still.
  package func process(_ pid: Int32, at up: Int64) -> ProcessKey? {
    [records[pid], earlier[pid]].lazy.compactMap { $0?.key }.first { $0.begins(before: up) }
  }

  /// When the process ended, in microseconds of CLOCK_BOOTTIME; nil when it runs or is not known.
  package func ended(_ process: ProcessKey) -> Int64? {
    [records[process.pid], earlier[process.pid]].lazy.compactMap { $0 }
      .first { $0.key == process }?.exited
  }

  /// Forgets the dead whose time is over.
  func bury() {
    let now = min(clock().up, signalsReadTo)
    while firstDead < dead.count {
      let (kept, bytes) = dead[firstDead]
      guard let record = kept else { break }
      let crowded =
        dead.count - firstDead > Self.mostDead || deadBytes > mostDeadBytes
      if let exited = record.exited, now - exited < Self.keepsDead, !crowded { break }
      dead[firstDead].record = nil
      firstDead += 1
      deadBytes -= bytes
      guard let exited = record.exited else { continue }
      let pid = record.key.pid
      if now - exited < Self.keepsDead { forgotten += 1 }
      if earlier[pid] === record { earlier[pid] = nil }
      guard records[pid] === record else { continue }
      if !crowded, files.stat(pid).map({ record.started(at: $0.start) }) ?? false {
        // Its first thread is dead, others live on; or nobody has reaped it.
        end(record)
      } else {
        records[pid] = nil
      }
    }
    if firstDead > 1024, firstDead * 2 > dead.count {
      dead.removeFirst(firstDead)
      firstDead = 0
    }
  }

  /// The system's clocks, with this boot's id read once.
  package static func systemClock() -> () -> Moment {
    let boot = SystemClock.bootID()
    return {
      Moment(
        wall: .init(microseconds: SystemClock.wall()), up: SystemClock.up(), boot: boot)
    }
  }
}
