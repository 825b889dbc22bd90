import ByteText
package import Grants

/// That an agent asked somebody else to run something: what runs then has no chain to the agent.
package struct LaunchRequest: Equatable, Sendable {
  /// Who runs what was asked for.
  package enum Launcher: String, CaseIterable, Sendable {
    case cron, at, tmux, screen, unit, ssh
    /// An engine of containers, which starts what runs in them.
    case container
    /// A program below the agent ended before anybody could look at it: it may have asked for a unit.
    case unseen
  }

  package var launcher: Launcher
  /// When it was made last.
  package var moment: Moment
  /// When it was made first, in microseconds of CLOCK_BOOTTIME: what began between the two may be the
  /// answer to one of them.
  package var first: Int64
  package var agent: String
  /// `systemd-run(4711) < bash(4709) < claude(4402)`.
  package var chainText: String
  /// What was run, or what was done to `path`.
  package var command: String
  /// The unit's name without its suffix, where the request gives one.
  package var unit: [UInt8]?
  /// Of a user's own service manager.
  package var isUserUnit = false
  /// The file that holds what is to be run: the request stands as long as that is there.
  package var path: [UInt8]?
  /// What it asked for may begin much later.
  package var waits: Bool
  /// The unit of that name, begun afterwards, is the agent's; else the request is a hint.
  package var isProof = true
  /// Who asked.
  package var process: ProcessKey

  /// Bytes of the chain and the command that are kept.
  static let longest = 1024

  package init(
    _ launcher: Launcher, at moment: Moment, by agent: String, _ process: ProcessKey,
    chain: String, command: String, waits: Bool = false
  ) {
    self.launcher = launcher
    self.moment = moment
    first = moment.up
    self.agent = agent
    self.process = process
    self.chainText = Self.cut(chain)
    self.command = Self.cut(command)
    self.waits = waits
  }

  private static func cut(_ text: String) -> String {
    text.utf8.count <= longest
      ? text : String(decoding: text.utf8.prefix(longest), as: UTF8.self) + "…"
  }

  /// For people, and as evidence.
  package var text: String {
    "\(agent) asked for it at \(moment.wall.rfc3339): \(chainText): \(command)"
  }

  /// True when the other asks for the same again.
  func repeats(_ other: LaunchRequest) -> Bool {
    launcher == other.launcher && agent == other.agent && command == other.command
      && unit == other.unit && path == other.path && isUserUnit == other.isUserUnit
      && isProof == other.isProof
  }

  /// True for the unit's name as a control group has it, template instances included.
  func names(_ unit: ArraySlice<UInt8>) -> Bool {
    guard let name = self.unit else { return false }
    let stem = Self.stem(unit)
    if stem.elementsEqual(name) { return true }
    return name.last == UInt8(ascii: "@") && stem.count > name.count && stem.starts(with: name)
  }

  /// `fix` of `fix.service`, and of the timer, path or socket that starts it.
  static func stem(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return name }
    let suffixes = ["service", "scope", "timer", "path", "socket"]
    return suffixes.contains { name[(dot + 1)...].elementsEqual($0.utf8) } ? name[..<dot] : name
  }
}

/// What agents asked others to run. Bounded for each launcher, so that many requests of one kind
/// do not drive out those of another; the requests are the same agent's or another's, and what is
/// left tells of an agent all the same.
struct LaunchRequests {
  static let mostOfLauncher = 128
  /// Requests that go into the ledger in a minute.
  static let mostKept = 120
  /// How long after a request its repeat is worth another record, in microseconds.
  private static let anew: Int64 = 10_000_000
  private(set) var all: [LaunchRequest] = []
  private var fresh: [LaunchRequest] = []
  private var minute: (since: Int64, count: Int) = (0, 0)

  mutating func add(_ request: LaunchRequest) {
    let up = request.moment.up
    if let known = all.first(where: { request.repeats($0) }), up &- known.moment.up < Self.anew {
      return restore(request)
    }
    if up - minute.since >= 60_000_000 { minute = (up, 0) }
    restore(request)
    guard request.launcher != .unseen, minute.count < Self.mostKept else { return }
    minute.count += 1
    fresh.append(request)
  }

  /// Takes in a request that the ledger has.
  mutating func restore(_ request: LaunchRequest) {
    var request = request
    if let known = all.firstIndex(where: { request.repeats($0) }) {
      request.first = min(request.first, all.remove(at: known).first)
    }
    if all.count(where: { $0.launcher == request.launcher }) >= Self.mostOfLauncher,
      let oldest = all.firstIndex(where: { $0.launcher == request.launcher })
    {
      all.remove(at: oldest)
    }
    all.append(request)
  }

  mutating func takeFresh() -> [LaunchRequest] {
    defer { fresh = [] }
    return fresh
  }

  /// Forgets the requests by `process` that are known by their exec: the file that it writes for
  /// them stands for them. False when there is none.
  mutating func giveFile(
    _ path: [UInt8], to launcher: LaunchRequest.Launcher, by process: ProcessKey
  ) -> Bool {
    guard
      let known = all.lastIndex(where: {
        $0.process == process && $0.launcher == launcher && ($0.path == nil || $0.path == path)
      })
    else { return false }
    guard all[known].path == nil else { return true }
    var request = all.remove(at: known)
    request.path = path
    add(request)
    return true
  }
}
