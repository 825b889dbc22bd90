package import Grants
import LinuxKit

/// Whether a caller of the control socket may ask for what prolongs access: the part of the answer
/// that its ancestors and its environment give.
package struct CallerCheck: Sendable {
  package var ok: Bool
  /// Why not; empty when `ok`.
  package var reason: String
  /// Name of the account `uid`.
  package var user: String?
  /// The peer's uid, as the socket gave it.
  package var uid: UInt32
  /// The login uid of the caller, nil when none is set.
  package var loginUID: UInt32?
  package var chainText: String
  package var agent: AgentReference?
}

extension ProcessTable {
  /// Checks the process at the other end of a control connection.
  ///
  /// Refused is a caller with an agent's mark, however weak, on itself or on any ancestor, dead
  /// ones included; with a hole in its chain, or an ancestor that nobody saw; one that a service manager, cron, at or the message
  /// bus started on somebody's behalf; one that runs where an agent asked tmux, screen or ssh to run
  /// something in the last ten minutes; and one that is not there any more, or belongs to another
  /// uid. Without process events a child of pid 1 that has a login uid, or lives in a session's
  /// scope, counts as an orphan, and so has a hole in its chain.
  ///
  /// - Parameter start: when the process began that connected (/proc/PID/stat, field 22), 0 where it
  ///   was gone before that could be read: then the pid may be another's by now, and is refused.
  package func checkCaller(pid: Int32, uid: UInt32, start: UInt64) -> CallerCheck {
    drain()
    var check = CallerCheck(
      ok: false, reason: "", user: accountNames(uid), uid: uid, loginUID: nil,
      chainText: "?(\(pid))", agent: nil)
    guard pid > 0, let stat = files.stat(pid), let record = current(pid) else {
      check.reason = "the caller is gone"
      return check
    }
    guard stat.start == start else {
      check.reason = "the process that connected is gone, and another has its number"
      return check
    }
    refreshIdentity(record, stat)
    let chain = chain(of: record)
    let unread = lookAgain(at: chain)
    let agents = AgentFindings(in: chain, of: self)
    check.loginUID = record.loginUID
    check.chainText = chain.text(upTo: agents.outermost?.place)
    check.agent = agents.reference
    check.reason = refusal(chain, agents, unread, uid) ?? ""
    check.ok = check.reason.isEmpty
    return check
  }

  private func refusal(
    _ chain: ProcessChain, _ agents: AgentFindings, _ unread: ProcessRecord?, _ uid: UInt32
  ) -> String? {
    let caller = chain.actor
    guard caller.uid == uid || caller.effectiveUID == uid else {
      return "the caller is not of uid \(uid) any more"
    }
    if let found = agents.chosen {
      return "an agent is behind the caller: \(found.text)"
    }
    if let hole = chain.holeText { return hole }
    if let unread {
      return "the environment of \(unread.image.name)(\(unread.key.pid)) cannot be read"
    }
    if let unseen = chain.unseen {
      return "what its ancestor \(unseen.key.pid) ran was not seen"
    }
    let starter = chain.records.dropFirst().first {
      $0.image.isLauncher || ($0.key.pid != 1 && $0.image.isServiceManager)
    }
    if let starter {
      return "\(starter.image.name)(\(starter.key.pid)) started the caller on somebody's behalf"
    }
    if caller.loginUID == nil, chain.records.last?.image.isServiceManager == true {
      return "no login uid is set: nobody knows who had the service manager start the caller"
    }
    if let request = launchRequests(for: chain).requests.first {
      return "an agent may have typed it: \(request.text)"
    }
    return nil
  }

  /// Reads the living of the chain again; gives the first whose environment cannot be read.
  private func lookAgain(at chain: ProcessChain) -> ProcessRecord? {
    var unread: ProcessRecord?
    for record in chain.records where record.key.pid != 1 {
      let pid = record.key.pid
      guard let stat = files.stat(pid), record.started(at: stat.start),
        let image = readImage(pid, comm: stat.comm)
      else { continue }
      if record.image.isUnseen { record.take(image) }
      record.takeMarks(of: image)
      if !image.environmentRead { unread = unread ?? record }
    }
    return unread
  }
}
