import ByteText
import Grants
import LinuxKit

/// That an agent asked somebody else to run something: what runs then has no chain to the agent.
struct LaunchRequest {
  /// Who runs what was asked for.
  enum Launcher {
    case cron, at, tmux, screen, unit, ssh
  }

  var launcher: Launcher
  /// CLOCK_BOOTTIME in microseconds, and the wall's clock.
  var up: Int64
  var wall: Timestamp
  var agent: String
  /// `systemd-run(4711) < bash(4709) < claude(4402)`.
  var chainText: String
  var command: String
  /// The unit's name, where the command gives one.
  var unit: [UInt8]?
}

/// The requests of agents that were seen lately. Bounded.
struct LaunchRequests {
  private static let most = 256
  private var all: [LaunchRequest] = []

  mutating func add(_ request: LaunchRequest) {
    if all.count >= Self.most { all.removeFirst() }
    all.append(request)
  }

  /// Newest first.
  func requests(to launchers: [LaunchRequest.Launcher], since up: Int64) -> [LaunchRequest] {
    all.reversed().filter { $0.up >= up && launchers.contains($0.launcher) }
  }
}

extension ProcessTable {
  /// How long a request to tmux, screen, ssh or systemd is worth a hint; cron and at may wait.
  private static let shortly: Int64 = 600_000_000
  private static let longest: Int64 = 7 * 86_400_000_000

  /// Notes an exec below an agent that asks somebody else to run something.
  func noteLaunchRequest(_ record: ProcessRecord) {
    guard let (launcher, unit) = LaunchRequest.read(record.image) else { return }
    let chain = chain(of: record)
    let agents = AgentFindings(in: chain, of: self)
    guard let agent = agents.chosen, agent.confidence > .weak else { return }
    let now = clock()
    launchRequests.add(
      LaunchRequest(
        launcher: launcher, up: now.up, wall: now.wall, agent: agent.agent,
        chainText: chain.text(upTo: agents.outermost?.place),
        command: record.image.commandText ?? record.image.name, unit: unit))
  }

  /// The requests that the chain's process may be the answer to, newest first, three at the most;
  /// `isProven`: the unit that was asked for by name is the process's own.
  func launchRequests(
    for chain: ProcessChain
  ) -> (requests: [LaunchRequest], isProven: Bool) {
    let unit = chain.actor.controlGroup?.split(separator: UInt8(ascii: "/")).last
    // Who may have run it, and when what it ran began.
    var began: [LaunchRequest.Launcher: Int64] = [:]
    let own = chain.actor.began
    for record in chain.records.dropFirst() {
      switch record.image.name {
      case "cron", "crond", "anacron": began[.cron] = own
      case "atd": began[.at] = own
      case "sshd", "sshd-session": if began[.ssh] == nil { began[.ssh] = record.began }
      case "systemd", "init":
        if let unit, !unit.starts(with: "session-".utf8) { began[.unit] = own }
      default:
        if record.image.name.hasPrefix("tmux") { began[.tmux] = own }
        if record.image.name.lowercased().hasPrefix("screen") { began[.screen] = own }
      }
    }
    guard !began.isEmpty else { return ([], false) }
    let now = clock().up
    let all = launchRequests.requests(to: Array(began.keys), since: now - Self.longest)
    let found = all.filter { request in
      let isWaiting = request.launcher == .cron || request.launcher == .at
      // A request is noted a little after its process began.
      guard let start = began[request.launcher], start == 0 || request.up <= start + 2_000_000
      else { return false }
      return isWaiting || now - request.up < Self.shortly
    }
    let named = found.filter { request in
      guard let name = request.unit, let unit else { return false }
      return unit.elementsEqual(name) || unit.elementsEqual(name + Array(".service".utf8))
        || unit.elementsEqual(name + Array(".scope".utf8))
    }
    if !named.isEmpty { return (Array(named.prefix(3)), true) }
    // A unit without a name of its own is called run-….
    let isRun = unit?.starts(with: "run-".utf8) ?? false
    let likely = found.filter { $0.launcher != .unit || ($0.unit == nil && isRun) }
    return (Array(likely.prefix(3)), false)
  }
}

extension ProcessRecord {
  /// When it began, in microseconds of CLOCK_BOOTTIME; 0 when unknown.
  fileprivate var began: Int64 {
    Int64(clamping: key.start).multipliedReportingOverflow(by: 10_000).partialValue
  }
}

extension LaunchRequest {
  /// What a process of this image asks for; nil for all others.
  static func read(_ image: ProcessImage) -> (launcher: Launcher, unit: [UInt8]?)? {
    let words = image.command.split(separator: 0).map { Array($0) }
    func has(_ options: String...) -> Bool {
      words.dropFirst().contains { word in options.contains { word.elementsEqual($0.utf8) } }
    }
    switch image.name {
    case "systemd-run", "run0": return (.unit, unit(words))
    case "systemctl":
      return has("start", "restart", "reload-or-restart") ? (.unit, words.last) : nil
    case "busctl": return has("StartTransientUnit", "StartUnit") ? (.unit, nil) : nil
    case "at", "batch": return (.at, nil)
    case "crontab": return has("-l") ? nil : (.cron, nil)
    case "tmux":
      let isAsking = has(
        "send-keys", "send", "new-window", "neww", "split-window", "splitw", "run-shell", "run",
        "respawn-pane", "respawnp", "respawn-window", "paste-buffer", "pasteb")
      return isAsking ? (.tmux, nil) : nil
    case "screen": return has("-X") ? (.screen, nil) : nil
    case "ssh":
      let isHere = words.dropFirst().contains { word in
        let host = word.split(separator: UInt8(ascii: "@")).last ?? []
        return ["localhost", "127.0.0.1", "::1"].contains { host.elementsEqual($0.utf8) }
      }
      return isHere ? (.ssh, nil) : nil
    default: return nil
    }
  }

  /// The value of `--unit=NAME`, `--unit NAME` or `-u NAME`.
  private static func unit(_ words: [[UInt8]]) -> [UInt8]? {
    for (index, word) in words.enumerated() {
      if word.starts(with: "--unit=".utf8) { return Array(word.dropFirst(7)) }
      if word.elementsEqual("--unit".utf8) || word.elementsEqual("-u".utf8) {
        return index + 1 < words.count ? words[index + 1] : nil
      }
    }
    return nil
  }

  /// For people, and as evidence.
  var text: String { "\(agent) asked for it at \(wall.rfc3339): \(chainText): \(command)" }
}
