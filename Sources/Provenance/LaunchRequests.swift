import ByteText
package import Grants
import LinuxKit

extension ProcessTable {
  /// How long after a request to tmux, screen, ssh or systemd what begins may be its answer.
  private static let shortly: Int64 = 600_000_000
  /// The same of what may wait, where no file holds it.
  static let longest: Int64 = 7 * 86_400_000_000
  /// The same of a program that nobody saw.
  private static let atOnce: Int64 = 3_000_000

  /// Notes an exec below an agent that asks somebody else to run something.
  func noteLaunchRequest(_ record: ProcessRecord) {
    guard let command = LaunchCommand(record.image) else { return }
    note([command], of: record, record.image.commandText ?? record.image.name, isSeen: true)
  }

  /// Notes an exec below an agent of which only its name is known, or nothing: what the shell that
  /// made it was told to run may say more. `before` is the image that the process had until then,
  /// its own or its parent's.
  func noteUnseenExec(_ record: ProcessRecord, before: ProcessImage) {
    guard mayHaveAgent(record) else { return }
    let asked = LaunchCommand.requests(inShell: before)
    if !asked.isEmpty {
      let text = before.commandText ?? before.name
      note(asked, of: record, "\(text) (what it ran then was not seen)", isSeen: false)
    } else if let command = LaunchCommand(nameOnly: record.image.name) {
      note(
        [command], of: record, "\(record.image.name) (its arguments were not seen)", isSeen: false)
    } else {
      var command = LaunchCommand(nameOnly: "systemd-run")
      command?.launcher = .unseen
      note(
        command.map { [$0] } ?? [], of: record, "a program that ended before it could be seen",
        isSeen: false)
    }
  }

  /// Says quickly of most processes that no agent is above them.
  private func mayHaveAgent(_ record: ProcessRecord) -> Bool {
    if signatures.all.contains(where: { !$0.units.isEmpty || !$0.users.isEmpty }) { return true }
    var next: ProcessRecord? = record
    while let ancestor = next {
      if !ancestor.image.hits.isEmpty || !ancestor.former.isEmpty { return true }
      next = ancestor.parent
    }
    return false
  }

  private func note(
    _ commands: [LaunchCommand], of record: ProcessRecord, _ text: String, isSeen: Bool
  ) {
    let chain = chain(of: record)
    let agents = AgentFindings(in: chain, of: self)
    guard let agent = agents.chosen, agent.confidence > .weak else { return }
    for command in commands {
      var request = LaunchRequest(
        command.launcher, at: clock(), by: agent.agent, record.key,
        chain: chain.text(upTo: agents.outermost?.place), command: text, waits: command.waits)
      request.unit = command.unit
      request.isUserUnit = command.isUserUnit
      request.isProof = isSeen
      launchRequests.add(request)
    }
  }

  /// Notes that the process that `verdict` is about wrote such a file, when it is an agent's. What
  /// a package manager wrote may be anybody's: a hint, no proof.
  package func note(
    _ file: LaunchFile, at path: [UInt8], by verdict: Attribution, at now: Moment
  ) {
    guard verdict.provenance == .agentExecuted, verdict.confidence > .weak,
      let agent = verdict.agent,
      !launchRequests.giveFile(path, to: file.launcher, by: verdict.process)
    else { return }
    var request = LaunchRequest(
      file.launcher, at: now, by: agent.name, verdict.process, chain: verdict.chainText,
      command: "wrote \(escaped(path))", waits: true)
    request.unit = file.unit
    request.isUserUnit = file.isUserUnit
    request.path = path
    request.isProof = file.saysWhat && !verdict.packageManager
    launchRequests.add(request)
  }

  /// The requests that came since the last call and are to outlive the daemon.
  package func takeLaunchRequests() -> [LaunchRequest] { launchRequests.takeFresh() }

  /// All that are to outlive it.
  package var keptLaunchRequests: [LaunchRequest] {
    launchRequests.all.filter { $0.launcher != .unseen }
  }

  /// Takes in a request that an earlier run of the daemon noted. `mark` is the last moment on
  /// record, where the request is of an earlier boot.
  package func restore(_ request: LaunchRequest, mark: Moment?) {
    let now = clock()
    var request = request
    if request.moment.boot != now.boot {
      // As old as it is now, on this boot's clock.
      let up = request.moment.up
      let end = Deadline(TimeSpan(microseconds: Self.longest), after: request.moment)
      request.moment.up = end.carried(to: now, mark: mark).up - Self.longest
      request.first = min(request.first &- up, 0) &+ request.moment.up
      request.moment.boot = now.boot
      request.process = ProcessKey(pid: 0, start: 0)
    }
    launchRequests.restore(request)
  }

  /// The requests that the chain's process may be the answer to, newest first, three at the most;
  /// `isProven`: the unit that was asked for by name is the process's own.
  func launchRequests(
    for chain: ProcessChain
  ) -> (requests: [LaunchRequest], isProven: Bool) {
    let began = launchers(of: chain)
    guard !began.isEmpty else { return ([], false) }
    let found = launchRequests.all.reversed().filter { request in
      guard let start = began[request.launcher == .unseen ? .unit : request.launcher] else {
        return false
      }
      return mayAnswer(request, begunAt: start)
    }
    let group = chain.actor.controlGroup?.split(separator: UInt8(ascii: "/")) ?? []
    let isUser = group.contains { $0.starts(with: "user@".utf8) }
    let named = found.filter { request in
      guard request.launcher == .unit, request.isUserUnit == isUser, let unit = group.last else {
        return false
      }
      return request.names(unit)
    }
    let proofs = named.filter(\.isProof)
    if !proofs.isEmpty { return (Array(proofs.prefix(3)), true) }
    // A unit without a name of its own is called run-…; one that nobody saw may be any.
    let isUnseen = chain.actor.controlGroup == nil
    let isRun = group.last?.starts(with: "run-".utf8) ?? isUnseen
    let isUsers = chain.records.contains(where: \.image.isUserManager)
    let likely = found.filter { request in
      switch request.launcher {
      case .unit:
        (request.unit == nil && isRun) || named.contains(request)
          || isUnseen && request.isUserUnit == isUsers
      case .unseen: isRun
      default: true
      }
    }
    return (Array(likely.prefix(3)), false)
  }

  /// Who may have run the chain's process on request, and when what it ran began, in microseconds
  /// of CLOCK_BOOTTIME; 0 when unknown.
  private func launchers(of chain: ProcessChain) -> [LaunchRequest.Launcher: Int64] {
    var began: [LaunchRequest.Launcher: Int64] = [:]
    let unit = chain.actor.controlGroup?.split(separator: UInt8(ascii: "/")).last
    for (record, below) in zip(chain.records.dropFirst(), chain.records) {
      switch record.image.name {
      case "cron", "crond", "anacron": began[.cron] = below.key.began
      case "atd": began[.at] = below.key.began
      case "sshd", "sshd-session": if began[.ssh] == nil { began[.ssh] = record.key.began }
      case "conmon": began[.container] = below.key.began
      case let name where name.hasPrefix("containerd-shim"):
        began[.container] = below.key.began
      case "systemd", "init":
        let isSession = unit?.starts(with: "session-".utf8) ?? false
        if !isSession, began[.unit] == nil {
          began[.unit] = below.key.began
        }
      default:
        // Keys that are sent reach a shell that was there before.
        if record.image.name.hasPrefix("tmux") { began[.tmux] = chain.actor.key.began }
        if record.image.name.lowercased().hasPrefix("screen") {
          began[.screen] = chain.actor.key.began
        }
      }
    }
    return began
  }

  private func mayAnswer(_ request: LaunchRequest, begunAt start: Int64) -> Bool {
    let start = start == 0 ? clock().up : start
    // A request is noted a little after its process began.
    guard request.first <= start + 2_000_000 else { return false }
    let age = start &- request.moment.up
    if request.launcher == .unseen { return age < Self.atOnce }
    guard request.waits else { return age < Self.shortly }
    if let path = request.path, (try? FileStatus.at(path)) != nil { return true }
    return age < Self.longest
  }
}
