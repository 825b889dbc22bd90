import Dispatch
import Grants
import Kinds
import LinuxKit

/// What is left of access that was taken back: who still uses it, and what was made with it.
extension Engine {
  /// Lines of residue that are kept with a grant.
  private static let mostLines = 64

  /// Looks for who still uses the access of a grant that was taken back, and ends them where its rule
  /// asks for it. The grant's revocation is told as clean, or with residue, when this is over.
  func lookForResidue(_ id: String) {
    if let connector = store[id].flatMap({ connector($0.kind) }) {
      // It told when it took the access back. That stands in the record of the end: nobody could be
      // asked again, were it lost.
      let told = connector.residue.removeValue(forKey: id) ?? []
      return residueFound(id, told.map { Residue($0) }, ended: 0)
    }
    guard let grant = store[id], let search = residueSearch(grant) else {
      return settle(id, outcome: .clean, residue: [])
    }
    searching.insert(id)
    let terminates = configuration.verdict(for: grant).onResidue == .terminate
    let (queue, log) = (queue, settings.log)
    // Beside the kinds' own queue: nobody's revocation waits for a search.
    residueQueue.async {
      var found = search()
      var ended = 0
      if terminates, !found.isEmpty {
        let before = Self.users(found)
        Self.terminate(found)
        found = search()
        // Not all can be ended: a sandbox may forbid it, and somebody may have come meanwhile.
        ended = max(0, before - Self.users(found))
        if before > 0, ended == 0 {
          log("residue: \(id): nobody could be ended; has the service CAP_KILL? see enforce.conf")
        }
      }
      let (residue, count) = (found, ended)
      queue.async { [weak self] in
        guard let self else { return }
        turn { self.residueFound(id, residue, ended: count) }
      }
    }
  }

  private func residueFound(_ id: String, _ residue: [Residue], ended: Int) {
    searching.remove(id)
    guard store[id] != nil else { return }
    if ended > 0 {
      record(
        "residue.terminated", grant: id,
        text: "\(ended) processes and sessions that still used it were ended")
    }
    settle(id, outcome: residue.isEmpty ? .clean : .residue, residue: residue.map(\.text))
    if !residue.isEmpty { sayResidue(id, count: residue.count) }
  }

  /// Tells that somebody still uses what was taken back.
  func sayResidue(_ id: String, count: Int) {
    guard let grant = store[id], let first = grant.residue.first else { return }
    let more = count > 1 ? " (and \(count - 1) more)" : ""
    announce(
      "grant.residue", grant: id,
      "\(summary(grant)): taken back, but still in use: \(first)\(more)")
  }

  private func settle(_ id: String, outcome: RevocationOutcome, residue: [String]) {
    var lines = Array(residue.prefix(Self.mostLines))
    if residue.count > lines.count { lines.append("and \(residue.count - lines.count) more") }
    update(id) {
      $0.outcome = outcome
      $0.residue = lines
    }
  }

  /// What finds those who use the access, to be run on a queue beside the engine's; nil where nothing can.
  private func residueSearch(_ grant: Grant) -> (@Sendable () -> [Residue])? {
    if grant.kind == .groupMember {
      guard let membership = membership(of: grant), let groupState else { return nil }
      let state = groupState.without(membership)
      return { GroupResidue.residue(of: membership, state: state) }
    }
    if grant.kind == .fileCapability { return capabilityResidueSearch(grant) }
    if grant.kind.isFiles { return fileResidueSearch(grant) }
    guard let kind = entryWatch(grant.kind)?.kind else { return nil }
    let entries = grant.items.compactMap { gain($0, of: grant)?.entry }
    return { entries.flatMap { kind.residue(of: $0) } }
  }

  /// Descriptors that were opened with the right that is gone, by those who have it no more.
  private func fileResidueSearch(_ grant: Grant) -> (@Sendable () -> [Residue])? {
    let rights = FileRights(text: grant.right) ?? []
    var access: DescriptorAccess = []
    if rights.contains(.read) { access.insert(.read) }
    if rights.contains(.write) { access.insert(.write) }
    if !rights.isDisjoint(with: [.execute, .setuid, .setgid]) { access.insert(.execute) }
    var files: [FileResidue.File: String] = [:]
    for item in grant.items where item.state == .ended {
      guard let identity = item.identity else { continue }
      let file = FileResidue.File(device: identity.device, inode: identity.inode)
      files[file] = String(item.object.dropFirst("file:".count))
    }
    let (wanted, names) = (access, files)
    guard !wanted.isEmpty, !names.isEmpty else { return nil }
    let changesIdentity = !rights.isDisjoint(with: [.setuid, .setgid])
    return { FileResidue.residue(of: names, access: wanted, changesIdentity: changesIdentity) }
  }

  /// Those who run a program with capabilities that it gives no more.
  private func capabilityResidueSearch(_ grant: Grant) -> (@Sendable () -> [Residue])? {
    var files: [FileResidue.File: CapabilityResidue.Executable] = [:]
    for item in grant.items where item.state == .ended {
      guard let identity = item.identity,
        case .capabilities(let gain)? = gain(item, of: grant.kind)
      else { continue }
      files[FileResidue.File(device: identity.device, inode: identity.inode)] =
        CapabilityResidue.Executable(
          name: String(item.object.dropFirst("file:".count)), capabilities: gain.gained)
    }
    let executables = files
    guard !executables.isEmpty else { return nil }
    return { CapabilityResidue.residue(of: executables) }
  }

  private static func users(_ found: [Residue]) -> Int {
    found.reduce(0) { $0 + $1.processes.count + $1.sessions.count }
  }

  /// Ends sessions by logind, then what is left of the processes.
  private static func terminate(_ found: [Residue]) {
    let sessions = Set(found.flatMap(\.sessions))
    for session in sessions {
      _ = Spawn.runAndWait("/usr/bin/loginctl", ["terminate-session", session])
    }
    _ = ProcessTermination.end(found.flatMap(\.processes))
    LoginSessions.waitForEnd(of: sessions)
  }
}
