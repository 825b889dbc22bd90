package import LinuxKit

/// What outlives a membership that was taken back: groups are given at login, and kept.
package enum GroupResidue {
  /// Processes that still have the group, of the user (by any of their uids, by the uid of the
  /// login, or in one of the user's sessions), and these processes' login sessions.
  ///
  /// `state` is the one without the membership; where it gives the user the group in another way
  /// still, nothing is residue. The daemon itself is none.
  package static func residue(
    of membership: Membership, state: GroupState, processes files: ProcessFiles = ProcessFiles()
  ) -> [Residue] {
    guard let gid = state.groups[membership.group] ?? UInt32(membership.group),
      let account = state.users[membership.user], account.gid != gid,
      !state.memberships.contains(where: { other in
        other != membership && other.user == membership.user && state.groups[other.group] == gid
      })
    else { return [] }
    var found = ProcessResidue(
      "of \(membership.user) still has group \(membership.group)", files)
    let ownSessions = Set(LoginSessions.of(uid: account.uid))
    var sessions: Set<String> = []
    for pid in files.processes() where pid != ThisProcess.pid {
      guard let credentials = files.credentials(pid), credentials.has(gid: gid) else { continue }
      let session = ownSessions.isEmpty ? nil : LoginSessions.of(pid: pid)
      let isInOwn = session.map(ownSessions.contains) ?? false
      guard isInOwn || credentials.uids.contains(account.uid) || files.loginUID(pid) == account.uid
      else { continue }
      found.add(pid)
      if let session, isInOwn { sessions.insert(session) }
    }
    return found.residue
      + ProcessResidue.sessions(
        sessions.sorted(), "of \(membership.user) still has group \(membership.group)")
  }
}
